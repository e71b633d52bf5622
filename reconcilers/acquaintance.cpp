// Redis acknowledges MEET before it has met anyone: that a handshake never ends shows only in the
// tables. Nobody who answers us may be unknown to the others for long.

#include "reconcilers/acquaintance.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>
#include <string>

#include "reconcilers/evidence.hpp"

namespace rop::reconcilers {
namespace {

/// Redis gives a handshake up after its node timeout, at least a second; with ours, or one of a few
/// seconds, it was tried several times until then.
constexpr std::chrono::seconds handshakes_end{5};

std::set<NodeId> known_to(const Instance& viewer) {
    std::set<NodeId> known;
    for (const auto& row : viewer.report->table) {
        if (!row.in_handshake) {
            known.insert(row.id);
        }
    }
    return known;
}

/// Nothing is at stake: any of our own instances may become a member of what is being formed.
bool is_all_empty(const Snapshot& seen, const Topology& topology) {
    return seen.record->state == RecordState::forming &&
           std::none_of(topology.where.begin(), topology.where.end(), [&](const auto& entry) {
               return seen.instances.at(entry.second).report->keys > 0;
           });
}

/// An instance of ours without keys and slots has this id.
bool is_empty_here(const Snapshot& seen, const NodeId& node) {
    return std::any_of(seen.instances.begin(), seen.instances.end(), [&](const auto& entry) {
        const Instance& instance = entry.second;
        const TableRow* own = instance.answered() ? instance.report->self() : nullptr;
        return own != nullptr && own->id == node && own->slots.empty() &&
               instance.report->keys == 0;
    });
}

/// It is part of no other cluster, nor will be: whom it knows runs here.
bool knows_nobody_else(const Snapshot& seen, const Instance& member) {
    const auto& table = member.report->table;
    return std::all_of(table.begin(), table.end(), [&](const TableRow& row) {
        return row.in_handshake || is_of_record(*seen.record, row.id) ||
               is_empty_here(seen, row.id);
    });
}

/// The owners of most slots know it. One view is no proof that it is nobody's own acquaintance: a
/// member that somebody moved to another cluster keeps its id, and what it owned.
bool is_vouched_for(const Snapshot& seen, const Topology& topology, const NodeId& node) {
    const bool is_safe = is_all_empty(seen, topology);
    SlotSet owned;
    for (const auto& [viewer, id] : topology.where) {
        const Instance& member = seen.instances.at(id);
        const TableRow* own = member.report->self();
        if (own == nullptr || row_of(member, node) == nullptr) {
            continue;
        }
        if (is_safe && knows_nobody_else(seen, member)) {
            return true;
        }
        owned = owned | SlotSet{own->slots};
    }
    return owned.size() * 2 > slot_count;
}

/// Of no record, and met by those of it. What costs least is asked first.
bool is_known_and_empty(const Snapshot& seen, const Topology& topology, const Instance& instance) {
    if (!instance.answered()) {
        return false;
    }
    const InstanceReport& report = *instance.report;
    const TableRow* own = report.self();
    return own != nullptr && !report.is_blank() && !is_of_record(*seen.record, report.node) &&
           !report.is_replica && report.keys == 0 && own->slots.empty() &&
           is_vouched_for(seen, topology, report.node) &&
           judge(seen, instance).kind == Kind::belongs;
}

/// Those of two clusters are not introduced at all.
bool may_meet(const Snapshot& seen, const Instance& one, const Instance& other,
              const std::set<NodeId>& own) {
    return foreign_peer(seen, one, other, own) == nullptr &&
           foreign_peer(seen, other, one, own) == nullptr;
}

}  // namespace

bool met_in_vain(const Snapshot& seen) {
    return seen.now - seen.last_changed >= handshakes_end;
}

std::vector<Finding> blocked_buses(const Snapshot& seen, const Topology& topology,
                                   ConditionType about) {
    std::vector<Finding> findings;
    if (!met_in_vain(seen)) {
        return findings;
    }
    const std::set<NodeId> own = nodes_met_by_chance(seen, topology);
    std::map<NodeId, std::vector<InstanceId>> strangers_to;  // Who does not know it.
    for (const auto& [viewer, viewer_id] : topology.where) {
        const Instance& one = seen.instances.at(viewer_id);
        const std::set<NodeId> known = known_to(one);
        for (const auto& [node, id] : topology.where) {
            if (!known.contains(node) && may_meet(seen, one, seen.instances.at(id), own)) {
                strangers_to[node].push_back(viewer_id);
            }
        }
    }
    std::size_t most = 0;
    for (const auto& [node, viewers] : strangers_to) {
        most = std::max(most, viewers.size());
    }
    for (const auto& [node, viewers] : strangers_to) {
        // Whom nobody reaches, reaches others perhaps, and they do not know each other either.
        if (viewers.size() < most) {
            continue;
        }
        const Instance& instance = seen.instances.at(topology.where.at(node));
        findings.push_back(
            Finding{about, "BusUnreachable",
                    short_name(instance.id) + " answers at " + to_string(*instance.address) +
                        ", but " + list_names(viewers) + " cannot meet it at bus port " +
                        std::to_string(instance.report->bus_port) +
                        ": members talk to each other over it, so open it between their hosts",
                    instance.id});
    }
    return findings;
}

std::set<InstanceId> met_by_chance(const Snapshot& seen, const Topology& topology) {
    std::map<NodeId, const Instance*> met;
    for (const auto& [id, instance] : seen.instances) {
        if (is_known_and_empty(seen, topology, instance)) {
            met.emplace(instance.report->node, &instance);
        }
    }
    const auto knows_another = [&](const auto& entry) {
        const auto& table = entry.second->report->table;
        return std::any_of(table.begin(), table.end(), [&](const TableRow& row) {
            return !row.in_handshake && !met.contains(row.id) &&
                   !is_of_record(*seen.record, row.id);
        });
    };
    // Who knows one that is out is out as well.
    while (std::erase_if(met, knows_another) > 0) {
    }
    std::set<InstanceId> found;
    for (const auto& [node, instance] : met) {
        found.insert(instance->id);
    }
    return found;
}

std::set<NodeId> nodes_met_by_chance(const Snapshot& seen, const Topology& topology) {
    std::set<NodeId> found;
    for (const auto& id : met_by_chance(seen, topology)) {
        found.insert(seen.instances.at(id).report->node);
    }
    return found;
}

}  // namespace rop::reconcilers
