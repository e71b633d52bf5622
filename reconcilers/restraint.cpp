#include "reconcilers/restraint.hpp"

#include <algorithm>
#include <utility>

#include "reconcilers/record_step.hpp"

namespace rop::reconcilers {

std::string run_of(const InstanceReport& report) {
    constexpr std::size_t enough = 12;
    return report.run_id.substr(0, enough);
}

bool is_contested(const Record& record, std::string_view what, const std::string& run) {
    const auto count = std::count_if(
        record.corrections.begin(), record.corrections.end(), [&](const Correction& one) {
            const bool concerns =
                run.empty() ? one.runs.empty()
                            : std::find(one.runs.begin(), one.runs.end(), run) != one.runs.end();
            return one.what == what && concerns;
        });
    return static_cast<std::size_t>(count) >= corrections_max;
}

Record with_correction(const Record& record, const Snapshot& seen, std::string_view what,
                       std::vector<std::string> runs) {
    Record next = record;
    next.corrections.push_back(Correction{std::string(what), seen.wall, std::move(runs)});
    return next;
}

std::vector<Step> close_old_corrections(const Snapshot& seen, CorrectionOf of, std::string why) {
    Record record = *seen.record;
    const auto closed = std::erase_if(record.corrections, [&](const Correction& one) {
        return one.runs.empty() == (of == CorrectionOf::none) &&
               (seen.wall - one.at >= corrections_kept ||
                one.at - seen.wall > corrections_kept);  // Under a clock that ran far ahead.
    });
    if (closed == 0) {
        return {};
    }
    return {write_signed(seen, std::move(record), "close entries of corrections", std::move(why))};
}

}  // namespace rop::reconcilers
