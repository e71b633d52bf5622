#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "api/plan.hpp"
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

/// The record with one more correction, of now.
[[nodiscard]] Record with_correction(const Record& record, const Snapshot& seen,
                                     std::string_view what, std::vector<std::string> runs);

/// Corrections are of processes (they name runs) or of none (the count of a group).
enum class CorrectionOf { processes, none };

/// Of what is right now: the step that drops the entries which nobody undid for
/// `corrections_kept`; none when there are none. Needs a record.
[[nodiscard]] std::vector<Step> close_old_corrections(const Snapshot& seen, CorrectionOf of,
                                                      std::string why);

}  // namespace rop::reconcilers
