// May we act at all, and on which wish?
//
// Ranks first because every other concern may then trust that the spec is accepted, the views
// are certain, no earlier leader of ours can still write, and nobody else is at work here.

#include <map>
#include <string>
#include <vector>

#include "reconcilers/evidence.hpp"
#include "reconcilers/record_step.hpp"
#include "reconcilers/registry.hpp"

namespace rop::reconcilers {
namespace {

Proposal held(ConditionType about, std::string reason, std::string what) {
    Proposal proposal;
    proposal.findings.push_back(Finding{about, std::move(reason), std::move(what), {}});
    proposal.holds = true;
    return proposal;
}

void report_bad_offer(const Snapshot& seen, Proposal& proposal) {
    if (!seen.offer) {
        return;
    }
    std::vector<Problem> problems = seen.offer->problems;
    if (seen.record && seen.offer->spec) {
        for (auto& problem : problems_of_change(*seen.record, *seen.offer->spec)) {
            problems.push_back(std::move(problem));
        }
    }
    for (const auto& problem : problems) {
        proposal.findings.push_back(
            Finding{ConditionType::spec_valid, "InvalidSpec", to_string(problem), {}});
    }
}

/// Connections of operators on the instances: older ones of ours are ended, newer or foreign
/// ones stop us.
Proposal sweep(const Snapshot& seen) {
    Proposal proposal;
    EndOlderConnections ending;
    const std::vector<OperatorConnection> none;
    for (const auto& [id, instance] : seen.instances) {
        if (!instance.answered()) {
            continue;
        }
        for (const auto& other : instance.report->operators.value_or(none)) {
            if (other.installation != seen.standing.installation) {
                return held(ConditionType::observed, "OtherOperator",
                            "an operator of installation " + other.installation.value() +
                                " is connected to " + short_name(id) +
                                ": only one installation may write to a cluster");
            }
            if (other.epoch > seen.standing.epoch) {
                return held(ConditionType::observed, "NewerLeader",
                            "a leader of epoch " + std::to_string(other.epoch.value()) +
                                " is connected to " + short_name(id) + "; ours is " +
                                std::to_string(seen.standing.epoch.value()));
            }
            if (other.epoch < seen.standing.epoch) {
                ending.client_ids[id].push_back(other.client_id);
            }
        }
        proposal.holds = proposal.holds || instance.swept != seen.standing.epoch;
    }
    if (!ending.client_ids.empty()) {
        const auto count = std::to_string(ending.client_ids.size());
        proposal.steps.push_back(Step{
            std::move(ending), "an earlier leader's connections live on " + count + " instances"});
    }
    return proposal;
}

Proposal accept(const Snapshot& seen, const ClusterSpec& spec) {
    Proposal proposal;
    Record record = seen.record.value_or(Record{});
    const bool is_offered = seen.offer && seen.offer->spec == spec;
    if (seen.record &&
        (!is_offered || (record.spec == spec && record.spec_index == seen.offer->modify_index))) {
        return proposal;
    }
    record.spec = spec;
    record.corrections.clear();  // A new wish: whoever stood against the old one is asked again.
    record.spec_index = seen.offer->modify_index;
    const std::string what = "accept the spec of index " + std::to_string(record.spec_index);
    const std::string why = seen.record ? "the spec changed" : "a new cluster is declared";
    proposal.steps.push_back(write_signed(seen, std::move(record), what, why));
    proposal.holds = true;  // Nobody may act on a spec that is not of record yet.
    return proposal;
}

}  // namespace

Proposal gate(const ClusterSpec& spec, const Snapshot& seen) {
    if (!seen.consul.certain) {
        return held(
            ConditionType::observed, "StoreUnavailable",
            "what Consul says is not certain (" + seen.consul.why + "): nothing is changed");
    }
    if (!seen.records_known) {
        return held(ConditionType::observed, "Starting", "the records were not read yet");
    }
    if (seen.offer && !seen.offer->conflict.empty()) {
        return held(ConditionType::spec_valid, "ServiceTaken", seen.offer->conflict);
    }
    if (!spec_in_force(seen)) {
        Proposal proposal;
        proposal.holds = true;
        report_bad_offer(seen, proposal);
        return proposal;
    }
    if (seen.record && seen.record->epoch > seen.standing.epoch && seen.standing.leading) {
        return held(ConditionType::observed, "NewerLeader",
                    "the record was written in epoch " +
                        std::to_string(seen.record->epoch.value()) + "; ours is " +
                        std::to_string(seen.standing.epoch.value()));
    }
    Proposal proposal;
    report_bad_offer(seen, proposal);
    if (spec.paused_until && *spec.paused_until > seen.wall) {
        proposal.findings.push_back(
            Finding{ConditionType::observed, "Paused", "management is paused by the spec", {}});
        proposal.holds = true;
        return proposal;
    }
    Proposal next = seen.standing.leading ? sweep(seen) : Proposal{};
    if (next.steps.empty() && !next.holds) {
        next = accept(seen, spec);
    }
    next.findings.insert(next.findings.begin(), proposal.findings.begin(), proposal.findings.end());
    return next;
}

}  // namespace rop::reconcilers
