// Before a formation goes on, members that died are replaced in the record; their node ids stay
// there as former ones, so that nobody brings them back.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/evidence.hpp"
#include "reconcilers/forming.hpp"

namespace rop::reconcilers {
namespace {

std::vector<InstanceId> spares(const Snapshot& seen) {
    std::vector<InstanceId> found;
    for (const auto& [id, instance] : seen.instances) {
        if (!seen.record->members.contains(id) && judge(seen, instance).kind == Kind::blank) {
            found.push_back(id);
        }
    }
    return found;
}

void put_in_place_of(Record& record, const InstanceId& gone, const InstanceId& spare) {
    for (auto& shard : record.layout) {
        if (shard.primary == gone) {
            shard.primary = spare;
        }
        std::replace(shard.replicas.begin(), shard.replicas.end(), gone, spare);
    }
}

bool is_laid_out_as_primary(const Record& record, const InstanceId& id) {
    return std::any_of(record.layout.begin(), record.layout.end(),
                       [&](const ShardLayout& shard) { return shard.primary == id; });
}

bool any_keys_about(const Snapshot& seen) {
    return std::any_of(seen.instances.begin(), seen.instances.end(), [&](const auto& entry) {
        return seen.record->members.contains(entry.first) && entry.second.answered() &&
               entry.second.report->keys > 0;
    });
}

/// A member that lives, perhaps, and may hold the only copy of what a primary was given.
const InstanceId* someone_unheard(const Snapshot& seen, const Topology& topology) {
    for (const auto& id : topology.missing) {
        if (!is_gone(seen, id, seen.record->members.at(id).node)) {
            return &id;
        }
    }
    return nullptr;
}

}  // namespace

Proposal replace_dead_members(const Snapshot& seen) {
    Proposal proposal;
    Record record = *seen.record;
    const Topology topology = topology_of(seen);
    const InstanceId* unheard = someone_unheard(seen, topology);
    std::vector<InstanceId> free = spares(seen);
    std::vector<InstanceId> replaced;
    for (const auto& [id, member] : seen.record->members) {
        const auto it = seen.instances.find(id);
        if (it != seen.instances.end() && it->second.answered() &&
            it->second.report->node == member.node) {
            continue;
        }
        const auto note = [&](std::string reason, const std::string& what) {
            proposal.findings.push_back(
                Finding{ConditionType::formed, std::move(reason), short_name(id) + what, id});
        };
        if (!is_gone(seen, id, member.node)) {
            note("WaitingForMember", " does not answer, and nothing proves that it is dead");
            continue;
        }
        const bool is_absent = it == seen.instances.end();
        if (is_absent && !is_unlinked_everywhere(seen, topology, member.node)) {
            note("WaitingForMember", " left the catalog, but the others still have a link to it");
            continue;
        }
        const bool is_primary = is_laid_out_as_primary(*seen.record, id);
        if (is_primary && any_keys_about(seen)) {
            note("ShardDataLost",
                 " is gone while keys were written already: nothing is reassigned");
            continue;
        }
        if (is_primary && unheard != nullptr) {
            note("WaitingForMember", " is gone, and " + short_name(*unheard) +
                                         ", which may hold its keys, does not answer");
            continue;
        }
        const bool came_back_blank = it != seen.instances.end() && it->second.answered() &&
                                     judge(seen, it->second).kind == Kind::blank;
        if (came_back_blank) {
            record.members[id] = Member{it->second.report->node};
        } else if (!free.empty()) {
            record.members.erase(id);
            record.members[free.back()] = Member{seen.instances.at(free.back()).report->node};
            put_in_place_of(record, id, free.back());
            free.pop_back();
        } else {
            note("WaitingForReplacement", " died while forming and no blank instance is there yet");
            continue;
        }
        record.former.push_back(FormerNode{member.node, seen.wall});
        replaced.push_back(id);
    }
    if (!replaced.empty()) {
        record.installation = seen.standing.installation;
        record.epoch = seen.standing.epoch;
        proposal.steps.push_back(Step{WriteRecord{std::move(record), "replace dead members"},
                                      list_names(replaced) + " died while forming"});
    }
    return proposal;
}

}  // namespace rop::reconcilers
