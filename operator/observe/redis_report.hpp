#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "api/base/result.hpp"
#include "api/snapshot.hpp"
#include "operator/ports/redis.hpp"

namespace rop::observe {

/// What a survey asks, in the order in which it is sent; the last one only in a sweep.
enum class Question : std::size_t { sections, my_id, nodes, state, settings, clients };

[[nodiscard]] constexpr std::size_t index_of(Question question) {
    return static_cast<std::size_t>(question);
}

/// The words that are sent.
[[nodiscard]] ports::Words words_of(Question question);

/// Short, for sentences: "CLUSTER NODES".
[[nodiscard]] std::string name_of(Question question);

/// Reads the replies to all questions (with or without `clients`). Errors among them may only be
/// those of an instance without cluster support, whose report has no table then. Replies that lack
/// something or contradict each other are `malformed`.
[[nodiscard]] Result<InstanceReport> read_report(const std::vector<ports::Reply>& replies);

/// How much of its dataset an instance has loaded, in words; empty when it is not loading.
[[nodiscard]] std::string loading_progress(const ports::Reply& sections);

}  // namespace rop::observe
