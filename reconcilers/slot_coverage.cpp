// Gives every slot an owner.
//
// Redis refuses writes to the whole cluster while one slot is unowned
// (cluster-require-full-coverage). A slot is assigned only when every member of record was
// surveyed, all tables agree and its keys, if there are any, lie with the one who gets it
// (design, rule 5): keys win. Slots of a primary that is merely failed are not unowned.

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/evidence.hpp"
#include "reconcilers/registry.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

using Shares = std::map<InstanceId, SlotSet>;

bool all_counted(const Snapshot& seen, const SlotSet& unowned) {
    return std::all_of(seen.instances.begin(), seen.instances.end(), [&](const auto& entry) {
        const Instance& instance = entry.second;
        return !instance.answered() || !instance.report->cluster_enabled ||
               (unowned - SlotSet{instance.report->counted}).empty();
    });
}

/// Who holds keys of each unowned slot. Replicas do not count: what they hold is their primary's.
std::map<std::uint16_t, std::vector<const Instance*>> holders(const Snapshot& seen,
                                                              const SlotSet& unowned) {
    std::map<std::uint16_t, std::vector<const Instance*>> found;
    for (const auto& [id, instance] : seen.instances) {
        if (!instance.answered() || instance.report->is_replica) {
            continue;
        }
        for (const auto& [slot, keys] : instance.report->keys_in) {
            if (keys > 0 && unowned.contains(Slot{slot})) {
                found[slot].push_back(&instance);
            }
        }
    }
    return found;
}

struct Owner {
    InstanceId id;
    std::size_t load = 0;
};

std::vector<Owner> owners_by_load(const Topology& topology) {
    std::vector<Owner> owners;
    for (const auto& [node, slots] : topology.owners) {
        if (const auto it = topology.where.find(node); it != topology.where.end()) {
            owners.push_back(Owner{it->second, slots.size()});
        }
    }
    std::stable_sort(owners.begin(), owners.end(),
                     [](const Owner& a, const Owner& b) { return a.load < b.load; });
    return owners;
}

void deal_free_slots(SlotSet free, std::vector<Owner> owners, Shares& shares) {
    std::size_t total = free.size();
    for (const auto& owner : owners) {
        total += owner.load;
    }
    const std::size_t fair = (total + owners.size() - 1) / owners.size();
    for (const auto& owner : owners) {
        const SlotSet taken = free.lowest(fair > owner.load ? fair - owner.load : 0);
        if (!taken.empty()) {
            shares[owner.id] = shares[owner.id] | taken;
            free = free - taken;
        }
    }
}

Finding uncovered(std::string reason, std::string what) {
    return Finding{ConditionType::slots_covered, std::move(reason), std::move(what), {}};
}

/// `node` was a member, and will never be again what it was.
bool is_lost(const Snapshot& seen, const NodeId& node) {
    const auto& members = seen.record->members;
    const auto member = std::find_if(members.begin(), members.end(),
                                     [&](const auto& entry) { return entry.second.node == node; });
    if (member != members.end()) {
        return is_gone_for_good(seen, member->first, node);
    }
    return is_of_record(*seen.record, node);
}

/// A primary is gone with all its replicas. Its slots are not unowned: they are in the tables of
/// the others until somebody consents to the loss.
void name_lost_shards(const Snapshot& seen, const Topology& topology, Proposal& proposal) {
    SlotSet kept;  // Not every table knows yet who followed whom.
    for (const auto& [node, slots] : topology.owners) {
        kept = topology.where.contains(node) ? kept | slots : kept;
    }
    for (const auto& [node, slots] : topology.owners) {
        const SlotSet gone = slots - kept;
        if (topology.where.contains(node) || gone.empty() || !is_lost(seen, node)) {
            continue;
        }
        const auto found = topology.replicas.find(node);
        const bool all_lost =
            found == topology.replicas.end() ||
            std::all_of(found->second.begin(), found->second.end(), [&](const NodeId& replica) {
                return !topology.where.contains(replica) && is_lost(seen, replica);
            });
        if (all_lost) {
            proposal.findings.push_back(uncovered(
                "ShardDataLost", "the owner of " + std::to_string(gone.size()) + " slots, node " +
                                     node.value().substr(0, 8) +
                                     ", is gone with all its replicas: what they held is lost, and "
                                     "nothing is assigned without consent"));
        }
    }
}

}  // namespace

Proposal slot_coverage(const ClusterSpec& /*spec*/, const Snapshot& seen) {
    Proposal proposal;
    if (!seen.record || seen.record->state != RecordState::formed) {
        return proposal;
    }
    const Topology topology = topology_of(seen);
    name_lost_shards(seen, topology, proposal);
    if (!topology.agrees()) {
        proposal.findings.push_back(uncovered("TablesDisagree", topology.disagreement));
    }
    if (topology.unowned.empty() || topology.where.empty()) {
        return proposal;
    }
    const std::string count = std::to_string(topology.unowned.size()) + " slots have no owner";
    if (!topology.whole()) {
        proposal.findings.push_back(
            uncovered("SlotsUnowned", count + "; not every member was surveyed, or their tables "
                                              "disagree: nothing is assigned meanwhile"));
        return proposal;
    }
    const std::vector<Owner> owners = owners_by_load(topology);
    if (owners.empty()) {
        proposal.findings.push_back(uncovered("SlotsUnowned", count + ", and no primary is left"));
        return proposal;
    }
    if (!all_counted(seen, topology.unowned)) {
        proposal.findings.push_back(uncovered("SlotsUnowned", count + "; counting their keys"));
        using std::chrono::milliseconds;
        const auto waited = std::chrono::duration_cast<milliseconds>(seen.now - seen.last_changed);
        proposal.look_again = std::clamp(waited / 10, milliseconds{10}, milliseconds{2'000});
        return proposal;
    }
    Shares shares;
    SlotSet free = topology.unowned;
    for (const auto& [slot, who] : holders(seen, topology.unowned)) {
        const SlotSet one{SlotRange{Slot{slot}, Slot{slot}}};
        free = free - one;
        const bool is_member =
            who.size() == 1 && topology.where.contains(who.front()->report->node);
        if (is_member) {
            shares[who.front()->id] = shares[who.front()->id] | one;
        } else {
            proposal.findings.push_back(
                uncovered("SlotKeysElsewhere",
                          "slot " + std::to_string(slot) + " has no owner and its keys lie with " +
                              short_name(who.front()->id) +
                              (who.size() > 1 ? " and others" : ", which is no member")));
        }
    }
    deal_free_slots(free, owners, shares);
    AssignSlots assign;
    for (const auto& [id, slots] : shares) {
        assign.shares.push_back(AssignSlots::Share{id, slots.ranges(), true});
    }
    if (!assign.shares.empty()) {
        proposal.steps.push_back(Step{std::move(assign), count});
    }
    return proposal;
}

}  // namespace rop::reconcilers
