#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "api/snapshot.hpp"

namespace rop::reconcilers {

// Design, rule 10: who changes back what we put right, again and again, is not fought. What was
// put right stands in the record, so that the next leader knows it.

/// So often the same thing is put right. Then it is left as it is, until nobody touched it for
/// `corrections_kept`, or a new spec is accepted.
inline constexpr std::size_t corrections_max = 3;
inline constexpr std::chrono::hours corrections_kept{1};

/// How a correction names the process that answered so.
[[nodiscard]] std::string run_of(const InstanceReport& report);

/// `what` was put right too often already; for one process, or for none ("").
[[nodiscard]] bool is_contested(const Record& record, std::string_view what,
                                const std::string& run);

/// The record with one more correction, signed by us.
[[nodiscard]] Record with_correction(const Record& record, const Snapshot& seen,
                                     std::string_view what, std::vector<std::string> runs);

/// `what` is right now: nobody fights about it if the last correction is old enough.
[[nodiscard]] bool is_over(const Correction& correction, const Snapshot& seen);

}  // namespace rop::reconcilers
