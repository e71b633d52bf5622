// Lets the cluster forget nodes that are gone: everywhere at once, verified, and kept in the
// record as former until they stayed away for a minute, because a member that was not told
// brings them back by gossip.
//
// Ranks last of the repairs: a dead entry in a table harms nobody for a while, a wrong FORGET
// harms at once (design, rule 11).

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/evidence.hpp"
#include "reconcilers/record_step.hpp"
#include "reconcilers/registry.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

/// How long Redis refuses a forgotten id (CLUSTER_BLACKLIST_TTL in Redis' cluster.c).
constexpr std::chrono::seconds ban{60};

bool owns_slots(const Topology& topology, const NodeId& node) {
    return topology.owners.contains(node);
}

/// Members whose tables hold it and that can be told: nobody forgets its own primary.
std::vector<InstanceId> who_knows(const Snapshot& seen, const Topology& topology,
                                  const NodeId& node) {
    std::vector<InstanceId> found;
    for (const auto& [member, id] : topology.where) {
        const Instance& instance = seen.instances.at(id);
        const TableRow* own = instance.report->self();
        const bool is_its_primary = own != nullptr && own->is_replica && own->primary == node;
        if (row_of(instance, node) != nullptr && !is_its_primary) {
            found.push_back(id);
        }
    }
    return found;
}

/// First the record: what is forgotten must not be taken for a member by the next leader.
void retire_gone_members(const Snapshot& seen, const Topology& topology, Proposal& proposal) {
    Record record = *seen.record;
    std::vector<InstanceId> retired;
    for (const auto& id : topology.missing) {
        const NodeId node = seen.record->members.at(id).node;
        if (!is_gone(seen, id, node)) {
            continue;
        }
        if (owns_slots(topology, node)) {
            proposal.findings.push_back(
                Finding{ConditionType::slots_covered, "PrimaryGone",
                        short_name(id) + " is gone and still owns slots: it is kept until a "
                                         "replica took them over, or their loss is accepted",
                        id});
            continue;
        }
        if (is_gone_for_good(seen, id, node) && is_unlinked_everywhere(seen, topology, node)) {
            record.members.erase(id);
            give_up(seen, record, node);
            retired.push_back(id);
        }
    }
    if (!retired.empty()) {
        proposal.steps.push_back(write_signed(seen, std::move(record),
                                              "retire members that are gone",
                                              list_names(retired) + " run nowhere any more"));
    }
}

void forget_former_nodes(const Snapshot& seen, const Topology& topology, Proposal& proposal) {
    Forget forget;
    for (const auto& former : seen.record->former) {
        const std::vector<InstanceId> knowing = who_knows(seen, topology, former.node);
        // Who was given up may have been let in again; what counts then is that it is a member.
        if (knowing.empty() || is_member(*seen.record, former.node) ||
            owns_slots(topology, former.node) ||
            !is_unlinked_everywhere(seen, topology, former.node)) {
            continue;
        }
        forget.nodes.push_back(former.node);
        for (const auto& id : knowing) {
            if (std::find(forget.at.begin(), forget.at.end(), id) == forget.at.end()) {
                forget.at.push_back(id);
            }
        }
    }
    std::erase_if(forget.at, [&](const InstanceId& id) {
        return follows_one_of(seen.instances.at(id),
                              forget.nodes);  // It refuses, and is told later.
    });
    if (!forget.nodes.empty() && !forget.at.empty()) {
        const auto count = std::to_string(forget.nodes.size());
        proposal.steps.push_back(Step{std::move(forget), count + " nodes are gone for good"});
    }
}

/// Whose clock ran ahead would keep an entry open for as long as that: its minute begins now.
bool set_right_what_lies_ahead(const Snapshot& seen, Proposal& proposal) {
    Record record = *seen.record;
    std::size_t count = 0;
    for (auto& former : record.former) {
        if (former.since - seen.wall > ban) {
            former.since = seen.wall;
            ++count;
        }
    }
    if (count > 0) {
        proposal.steps.push_back(
            write_signed(seen, std::move(record), "date entries of former nodes anew",
                         std::to_string(count) + " of them lie in the future"));
    }
    return count > 0;
}

/// By the clock on the wall, which leaders share, and which jumps; and by our own, which does not:
/// for so long nothing has changed. Where something always changes, give_up() keeps them few.
bool is_over(const Snapshot& seen, const FormerNode& former) {
    return seen.wall - former.since >= ban && seen.now - seen.last_changed >= ban;
}

void close_old_entries(const Snapshot& seen, const Topology& topology, Proposal& proposal) {
    if (set_right_what_lies_ahead(seen, proposal)) {
        return;
    }
    Record record = *seen.record;
    const auto stays_away = [&](const FormerNode& former) {
        return topology.missing.empty() && is_over(seen, former) &&
               std::none_of(topology.where.begin(), topology.where.end(), [&](const auto& entry) {
                   return row_of(seen.instances.at(entry.second), former.node) != nullptr;
               });
    };
    const auto before = record.former.size();
    std::erase_if(record.former, stays_away);
    if (record.former.size() != before) {
        const auto count = std::to_string(before - record.former.size());
        proposal.steps.push_back(write_signed(seen, std::move(record),
                                              "close entries of former nodes",
                                              count + " stayed away for a minute"));
    }
}

}  // namespace

Proposal forget(const ClusterSpec& /*spec*/, const Snapshot& seen) {
    Proposal proposal;
    const bool sources_are_certain = !seen.nomad.configured || seen.nomad.certain;
    if (!seen.record || seen.record->state != RecordState::formed || !sources_are_certain) {
        return proposal;
    }
    const Topology topology = topology_of(seen);
    if (topology.where.empty() || !topology.agrees()) {
        return proposal;
    }
    // Of a slot without an owner the few who answer may only not know whose it is.
    if (!topology.unowned.empty()) {
        return proposal;
    }
    retire_gone_members(seen, topology, proposal);
    if (proposal.steps.empty()) {
        forget_former_nodes(seen, topology, proposal);
    }
    if (proposal.steps.empty()) {
        close_old_entries(seen, topology, proposal);
    }
    return proposal;
}

}  // namespace rop::reconcilers
