#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/spec.hpp"

namespace rop::json {

struct SpecParse {
    std::optional<ClusterSpec> spec;  // Present exactly when there are no problems.
    std::vector<Problem> problems;    // All of them, in the order of the document.
};

/// Reads a spec document. `key_name` is the name under which it is or will be stored: a `name`
/// inside must equal it. Never throws, whatever the bytes.
[[nodiscard]] SpecParse parse_spec(std::string_view text, std::string_view key_name);

/// "cache-1" for "Cache_1"; empty when nothing near is a name.
[[nodiscard]] std::string nearest_cluster_name(std::string_view written);

/// The canonical form: every field that is not its default, in the contract's order.
[[nodiscard]] std::string write_spec(const ClusterSpec& spec);

}  // namespace rop::json
