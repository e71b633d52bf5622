#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/ids.hpp"
#include "api/spec.hpp"

namespace rop::reconcilers {

/// One cluster that wants a service and a group for itself.
struct Claim {
    ClusterName name;
    ClusterSpec spec;
    std::uint64_t create_index = 0;  // Of the spec key.
    bool has_members = false;        // Its record names instances.
};

/// For each cluster that must stand back: why. Of two that want one service or one Nomad group,
/// the one whose record names the instances stays, else the one that was declared first.
[[nodiscard]] std::map<ClusterName, std::string> arbitrate(const std::vector<Claim>& claims);

}  // namespace rop::reconcilers
