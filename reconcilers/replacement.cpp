// Before a formation goes on, members that died are replaced in the record; their node ids stay
// there as former ones, so that nobody brings them back.

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/acquaintance.hpp"
#include "reconcilers/evidence.hpp"
#include "reconcilers/forming.hpp"
#include "reconcilers/record_step.hpp"

namespace rop::reconcilers {
namespace {

/// Nothing is lost with whatever they are given.
std::set<InstanceId> all_free(const Snapshot& seen, const Topology& topology) {
    std::set<InstanceId> found = met_by_chance(seen, topology);
    for (const auto& [id, instance] : seen.instances) {
        if (judge(seen, instance).kind == Kind::blank) {
            found.insert(id);
        }
    }
    return found;
}

std::vector<InstanceId> spares(const std::set<InstanceId>& free, const Record& record) {
    std::vector<InstanceId> found;
    std::copy_if(free.begin(), free.end(), std::back_inserter(found),
                 [&](const InstanceId& id) { return !record.members.contains(id); });
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

/// An election made a replica of who was laid out as a primary, and then the winner died: who takes
/// its place leads, as the loser follows a node that is gone and may be given nothing.
std::vector<InstanceId> let_replacements_lead(const Snapshot& seen, Record& record) {
    std::vector<InstanceId> leading;
    const auto report_of = [&](const InstanceId& id) -> const InstanceReport* {
        const auto it = seen.instances.find(id);
        const auto member = record.members.find(id);
        const bool is_it = it != seen.instances.end() && member != record.members.end() &&
                           it->second.answered() && it->second.report->node == member->second.node;
        return is_it ? &*it->second.report : nullptr;
    };
    for (auto& shard : record.layout) {
        const InstanceReport* loser = report_of(shard.primary);
        const TableRow* own = loser == nullptr ? nullptr : loser->self();
        if (own == nullptr || !own->is_replica || !is_former(record, own->primary)) {
            continue;
        }
        const auto able =
            std::find_if(shard.replicas.begin(), shard.replicas.end(), [&](const auto& id) {
                const InstanceReport* report = report_of(id);
                return report != nullptr && !report->is_replica;
            });
        if (able != shard.replicas.end()) {
            std::swap(shard.primary, *able);
            leading.push_back(shard.primary);
        }
    }
    return leading;
}

/// Started again elsewhere with their data: nothing of what they were given is lost, and none of
/// them may be taken for a blank one that could replace another.
std::vector<InstanceId> take_over_moved_entries(const Snapshot& seen, Record& record) {
    std::vector<InstanceId> moved;
    for (const auto& [id, member] : seen.record->members) {
        const Instance* now = moved_to(seen, record, id);
        if (now != nullptr && is_gone(seen, id, member.node)) {
            record.members.erase(id);
            record.members[now->id] = member;
            put_in_place_of(record, id, now->id);
            moved.push_back(now->id);
        }
    }
    return moved;
}

bool is_laid_out_as_primary(const Record& record, const InstanceId& id) {
    return std::any_of(record.layout.begin(), record.layout.end(),
                       [&](const ShardLayout& shard) { return shard.primary == id; });
}

bool any_keys_about(const Snapshot& seen, const Record& record) {
    return std::any_of(seen.instances.begin(), seen.instances.end(), [&](const auto& entry) {
        return record.members.contains(entry.first) && entry.second.answered() &&
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

std::string sentence(const std::vector<std::pair<std::vector<InstanceId>, std::string>>& clauses) {
    std::string text;
    for (const auto& [ids, what] : clauses) {
        if (!ids.empty()) {
            text += (text.empty() ? "" : "; ") + list_names(ids) + " " + what;
        }
    }
    return text;
}

}  // namespace

Proposal replace_dead_members(const Snapshot& seen) {
    Proposal proposal;
    Record record = *seen.record;
    const std::vector<InstanceId> moved = take_over_moved_entries(seen, record);
    const Topology topology = topology_of(seen);
    const InstanceId* unheard = someone_unheard(seen, topology);
    const std::set<InstanceId> all = all_free(seen, topology);
    std::vector<InstanceId> free = spares(all, record);
    std::vector<InstanceId> replaced;
    for (const auto& [id, member] : std::map(record.members)) {
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
        const bool is_primary = is_laid_out_as_primary(record, id);
        if (is_primary && any_keys_about(seen, record)) {
            note("ShardDataLost",
                 " is gone while keys were written already: nothing is reassigned");
            continue;
        }
        if (is_primary && unheard != nullptr) {
            note("WaitingForMember", " is gone, and " + short_name(*unheard) +
                                         ", which may hold its keys, does not answer");
            continue;
        }
        if (all.contains(id)) {
            enter(record, id, it->second.report->node);
        } else if (!free.empty()) {
            record.members.erase(id);
            enter(record, free.back(), seen.instances.at(free.back()).report->node);
            put_in_place_of(record, id, free.back());
            free.pop_back();
        } else {
            note("WaitingForReplacement", " died while forming and no blank instance is there yet");
            continue;
        }
        give_up(seen, record, member.node);
        replaced.push_back(id);
    }
    const std::vector<InstanceId> leading = any_keys_about(seen, record)
                                                ? std::vector<InstanceId>{}
                                                : let_replacements_lead(seen, record);
    if (!replaced.empty() || !moved.empty() || !leading.empty()) {
        proposal.steps.push_back(write_signed(seen, std::move(record), "replace dead members",
                                              sentence({{replaced, "died while forming"},
                                                        {moved, "restarted elsewhere"},
                                                        {leading, "leads instead"}})));
    }
    return proposal;
}

}  // namespace rop::reconcilers
