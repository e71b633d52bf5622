#include "reconcilers/registry.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <variant>

#include "reconcilers/record_step.hpp"

namespace rop::reconcilers {
namespace {

/// A concern that failed lately waits out its back-off, so that the next row gets its turn. It is
/// told until it succeeds, also while it is tried again.
void back_off(const Snapshot& seen, std::string_view concern, Proposal& proposal) {
    const auto it = seen.setbacks.find(std::string(concern));
    if (it == seen.setbacks.end() || proposal.steps.empty()) {
        return;
    }
    proposal.findings.push_back(Finding{ConditionType::observed,
                                        "BackingOff",
                                        std::string(concern) + " failed " +
                                            std::to_string(it->second.failures) +
                                            " times, last: " + it->second.what,
                                        {}});
    if (it->second.retry_at <= seen.now) {
        return;
    }
    proposal.steps.clear();
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(it->second.retry_at - seen.now);
    proposal.look_again = std::min(proposal.look_again.value_or(wait), wait);
}

/// Before the first command to Redis the record names the epoch under which it is given. Whoever
/// leads next goes on above it, also when somebody deleted lock and epoch. Whoever writes the
/// record names it anyway; what ends an earlier leader's connections changes nothing else.
void sign(const Snapshot& seen, Plan& plan) {
    if (!seen.standing.leading || !seen.record || seen.record->epoch == seen.standing.epoch) {
        return;
    }
    const auto first = std::find_if(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
        return !std::holds_alternative<EndOlderConnections>(step.action);
    });
    if (first == plan.steps.end() || std::holds_alternative<WriteRecord>(first->action)) {
        return;
    }
    plan.steps.insert(
        first, write_signed(seen, *seen.record,
                            "sign with epoch " + std::to_string(seen.standing.epoch.value()),
                            "an earlier leader wrote it last, and Redis is about to change"));
}

}  // namespace

std::optional<ClusterSpec> spec_in_force(const Snapshot& seen) {
    const bool offered = seen.offer && seen.offer->spec && seen.offer->problems.empty();
    if (!seen.record) {
        return offered ? seen.offer->spec : std::nullopt;
    }
    if (offered && problems_of_change(*seen.record, *seen.offer->spec).empty()) {
        return seen.offer->spec;
    }
    return seen.record->spec;
}

Plan plan_round(const Snapshot& seen) {
    Plan plan{
        .based_on = seen.revision, .concern = {}, .steps = {}, .findings = {}, .look_again = {}};
    const std::optional<ClusterSpec> spec = spec_in_force(seen);
    for (const auto& concern : concerns) {
        Proposal proposal = concern.reconcile(spec.value_or(ClusterSpec{}), seen);
        back_off(seen, concern.name, proposal);
        std::move(proposal.findings.begin(), proposal.findings.end(),
                  std::back_inserter(plan.findings));
        if (proposal.look_again) {
            plan.look_again =
                std::min(plan.look_again.value_or(*proposal.look_again), *proposal.look_again);
        }
        if (!proposal.steps.empty() && plan.steps.empty()) {
            plan.concern = concern.name;
            plan.steps = std::move(proposal.steps);
        }
        // Later rows have no steps in this round, but what they found is true all the same.
        if ((proposal.holds && plan.steps.empty()) || !spec) {
            break;
        }
    }
    sign(seen, plan);
    return plan;
}

}  // namespace rop::reconcilers
