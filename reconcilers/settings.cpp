// Keeps in force what the operator answers for at every member: the declared node timeout, and that
// Redis moves no replicas by itself (design, rule 12). All other settings are the user's.
//
// Ranks last: a wrong timeout makes a failover late or early, it loses nothing. Whoever sets it
// back again and again is not fought (rule 10): what was put right is noted in the record.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "api/duration.hpp"
#include "reconcilers/evidence.hpp"
#include "reconcilers/record_step.hpp"
#include "reconcilers/registry.hpp"
#include "reconcilers/restraint.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

constexpr std::string_view timeout_setting = "cluster-node-timeout";
constexpr std::string_view migration_setting = "cluster-allow-replica-migration";

/// Where one setting is not as it should be.
struct Deviation {
    std::string_view setting;
    std::vector<InstanceId> at;
    std::vector<std::string> runs;
    std::vector<InstanceId> contested;

    void add(const Record& record, const Instance& instance) {
        const std::string run = run_of(*instance.report);
        if (is_contested(record, setting, run)) {
            contested.push_back(instance.id);
        } else {
            at.push_back(instance.id);
            runs.push_back(run);
        }
    }
};

void tell_contested(const Deviation& deviation, Proposal& proposal) {
    if (!deviation.contested.empty()) {
        proposal.findings.push_back(
            Finding{ConditionType::observed,
                    "SettingContested",
                    "somebody sets " + std::string(deviation.setting) + " at " +
                        list_names(deviation.contested) + " back whenever it is put right; after " +
                        std::to_string(corrections_max) + " times it is left as it is",
                    {}});
    }
}

std::string reason_of(const Deviation& deviation) {
    return std::to_string(deviation.at.size()) +
           (deviation.at.size() == 1 ? " member has" : " members have") + " another " +
           std::string(deviation.setting);
}

}  // namespace

Proposal settings(const ClusterSpec& spec, const Snapshot& seen) {
    Proposal proposal;
    if (!seen.record || seen.record->state != RecordState::formed) {
        return proposal;
    }
    const auto wanted = spec.failover.node_timeout;
    Deviation timeout{timeout_setting, {}, {}, {}};
    Deviation migration{migration_setting, {}, {}, {}};
    for (const auto& [node, id] : topology_of(seen).where) {
        const Instance& instance = seen.instances.at(id);
        if (judge(seen, instance).kind != Kind::belongs) {
            continue;
        }
        if (wanted && instance.report->node_timeout != *wanted) {
            timeout.add(*seen.record, instance);
        }
        if (instance.report->replica_migration_allowed) {
            migration.add(*seen.record, instance);
        }
    }
    tell_contested(timeout, proposal);
    tell_contested(migration, proposal);
    Record record = *seen.record;
    if (!timeout.at.empty()) {
        record = with_correction(record, seen, timeout.setting, timeout.runs);
        proposal.steps.push_back(Step{SetNodeTimeout{timeout.at, *wanted}, reason_of(timeout)});
    }
    if (!migration.at.empty()) {
        record = with_correction(record, seen, migration.setting, migration.runs);
        proposal.steps.push_back(Step{ForbidReplicaMigration{migration.at}, reason_of(migration)});
    }
    if (!proposal.steps.empty()) {
        proposal.steps.push_back(write_signed(seen, std::move(record), "note what was put right",
                                              "whoever sets it back is not fought for ever"));
    } else if (timeout.contested.empty() && migration.contested.empty()) {
        proposal.steps =
            close_old_corrections(seen, CorrectionOf::processes, "they held for an hour");
    }
    return proposal;
}

}  // namespace rop::reconcilers
