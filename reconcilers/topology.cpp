#include "reconcilers/topology.hpp"

#include <algorithm>
#include <utility>

#include "reconcilers/evidence.hpp"

namespace rop::reconcilers {
namespace {

/// Who owns what, as one instance sees it. Points into its report.
using Claim = std::pair<const NodeId*, const std::vector<SlotRange>*>;
using Claims = std::vector<Claim>;

/// In the order of the ids, each once: the table's rows come in any order.
Claims claims_of(const InstanceReport& report) {
    Claims claims;
    for (const auto& row : report.table) {
        if (!row.in_handshake && !row.slots.empty()) {
            claims.emplace_back(&row.id, &row.slots);
        }
    }
    const auto by_id = [](const Claim& a, const Claim& b) { return *a.first < *b.first; };
    const auto same_id = [](const Claim& a, const Claim& b) { return *a.first == *b.first; };
    std::stable_sort(claims.begin(), claims.end(), by_id);
    claims.erase(std::unique(claims.begin(), claims.end(), same_id), claims.end());
    return claims;
}

bool agree(const Claims& ours, const Claims& theirs) {
    return std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(),
                      [](const Claim& a, const Claim& b) {
                          return *a.first == *b.first && *a.second == *b.second;
                      });
}

void place_members(const Snapshot& seen, Topology& topology) {
    for (const auto& [id, member] : seen.record->members) {
        const auto it = seen.instances.find(id);
        const bool speaks = it != seen.instances.end() && it->second.answered() &&
                            it->second.report->node == member.node;
        if (speaks) {
            topology.where.emplace(member.node, id);
        } else {
            topology.missing.push_back(id);
        }
    }
}

void read_own_line(const InstanceReport& report, Topology& topology) {
    const TableRow* own = report.self();
    if (own == nullptr) {
        return;
    }
    if (!own->slots.empty()) {
        topology.owners[report.node] = SlotSet{own->slots};
    }
    if (own->is_replica) {
        topology.replicas[own->primary].insert(report.node);
    }
}

void read_others_lines(const InstanceReport& report, Topology& topology) {
    for (const auto& row : report.table) {
        if (row.is_self || row.in_handshake || topology.where.contains(row.id)) {
            continue;
        }
        if (!row.slots.empty() && !topology.owners.contains(row.id)) {
            topology.owners[row.id] = SlotSet{row.slots};
        }
        if (row.is_replica) {
            topology.replicas[row.primary].insert(row.id);
        }
    }
}

void compare(const Snapshot& seen, Topology& topology) {
    const Instance* first = nullptr;
    Claims agreed;
    for (const auto& [node, id] : topology.where) {
        const Instance& instance = seen.instances.at(id);
        for (const auto& row : instance.report->table) {
            if (!row.in_handshake && !is_of_record(*seen.record, row.id)) {
                topology.unknown.insert(row.id);
            }
        }
        Claims claims = claims_of(*instance.report);
        if (first == nullptr) {
            first = &instance;
            agreed = std::move(claims);
        } else if (topology.agrees() && !agree(claims, agreed)) {
            topology.disagreement = short_name(first->id) + " and " + short_name(id) +
                                    " disagree on who owns which slots";
        }
    }
}

}  // namespace

bool is_member(const Record& record, const NodeId& node) {
    return std::any_of(record.members.begin(), record.members.end(),
                       [&](const auto& entry) { return entry.second.node == node; });
}

bool is_former(const Record& record, const NodeId& node) {
    return std::any_of(record.former.begin(), record.former.end(),
                       [&](const FormerNode& gone) { return gone.node == node; });
}

bool is_of_record(const Record& record, const NodeId& node) {
    return is_former(record, node) || is_member(record, node);
}

Topology topology_of(const Snapshot& seen) {
    Topology topology;
    topology.unowned = SlotSet::all();
    if (!seen.record) {
        return topology;
    }
    place_members(seen, topology);
    for (const auto& [node, id] : topology.where) {
        read_own_line(*seen.instances.at(id).report, topology);
    }
    for (const auto& [node, id] : topology.where) {
        read_others_lines(*seen.instances.at(id).report, topology);
    }
    for (const auto& [node, slots] : topology.owners) {
        topology.unowned = topology.unowned - slots;
    }
    compare(seen, topology);
    return topology;
}

const TableRow* row_of(const Instance& viewer, const NodeId& node) {
    if (!viewer.answered()) {
        return nullptr;
    }
    for (const auto& row : viewer.report->table) {
        if (row.id == node && !row.in_handshake) {
            return &row;
        }
    }
    return nullptr;
}

bool is_unlinked_everywhere(const Snapshot& seen, const Topology& topology, const NodeId& node) {
    return std::all_of(topology.where.begin(), topology.where.end(), [&](const auto& entry) {
        const TableRow* row = row_of(seen.instances.at(entry.second), node);
        return row == nullptr || row->failed || !row->link_connected;
    });
}

bool follows_one_of(const Instance& instance, const std::vector<NodeId>& nodes) {
    const TableRow* own = instance.answered() ? instance.report->self() : nullptr;
    return own != nullptr && own->is_replica &&
           std::find(nodes.begin(), nodes.end(), own->primary) != nodes.end();
}

const NodeId* foreign_peer(const Snapshot& seen, const Instance& one, const Instance& other,
                           const std::set<NodeId>& own) {
    for (const auto& row : one.report->table) {
        if (!row.in_handshake && !row.is_self && !is_of_record(*seen.record, row.id) &&
            row_of(other, row.id) == nullptr && !own.contains(row.id)) {
            return &row.id;
        }
    }
    return nullptr;
}

bool has_stale_address(const TableRow& row, const Instance& other) {
    return !row.link_connected && (!row.has_address || row.address != *other.address ||
                                   row.bus_port != other.report->bus_port);
}

const Instance* find_node(const Snapshot& seen, const Topology& topology, const NodeId& node) {
    const auto it = topology.where.find(node);
    return it == topology.where.end() ? nullptr : &seen.instances.at(it->second);
}

}  // namespace rop::reconcilers
