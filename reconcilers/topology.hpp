#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/snapshot.hpp"

namespace rop::reconcilers {

/// Who owns what, derived from the members' own reports. A node's own line is believed before
/// what others say of it; of a node that did not answer, the others' word is all there is.
struct Topology {
    std::map<NodeId, InstanceId> where;  // Members that answered under their recorded node id.
    std::vector<InstanceId> missing;     // Members of record that did not.
    std::map<NodeId, SlotSet> owners;    // Primaries with slots.
    std::map<NodeId, std::set<NodeId>> replicas;  // By their primary's id, with slots or without.
    SlotSet unowned;                              // No table names an owner.
    std::string disagreement;                     // Empty: all tables name the same owners.
    std::set<NodeId> unknown;                     // In tables, but no member's and not former.

    [[nodiscard]] bool agrees() const { return disagreement.empty(); }
    /// Every member of record was surveyed, and all tables agree.
    [[nodiscard]] bool whole() const { return missing.empty() && agrees(); }
};

[[nodiscard]] Topology topology_of(const Snapshot& seen);

/// How `viewer` sees `node`, or null. Rows still in handshake do not count: their id is made up.
[[nodiscard]] const TableRow* row_of(const Instance& viewer, const NodeId& node);

/// Whether a member of record has this id, a former one, or either.
[[nodiscard]] bool is_member(const Record& record, const NodeId& node);
[[nodiscard]] bool is_former(const Record& record, const NodeId& node);
[[nodiscard]] bool is_of_record(const Record& record, const NodeId& node);

/// Every member that answered sees it failed, has no link to it, or does not know it.
[[nodiscard]] bool is_unlinked_everywhere(const Snapshot& seen, const Topology& topology,
                                          const NodeId& node);

/// Whether it is a replica of one of `nodes`.
[[nodiscard]] bool follows_one_of(const Instance& instance, const std::vector<NodeId>& nodes);

/// A node that `one` knows and `other` does not, and that is neither of record nor former nor among
/// `own`: to introduce the two would merge two clusters. Null when there is none.
[[nodiscard]] const NodeId* foreign_peer(const Snapshot& seen, const Instance& one,
                                         const Instance& other, const std::set<NodeId>& own = {});

/// Nobody is reached under what a table says of `other`, who answers elsewhere.
[[nodiscard]] bool has_stale_address(const TableRow& row, const Instance& other);

/// The member that answered under this node id, or null.
[[nodiscard]] const Instance* find_node(const Snapshot& seen, const Topology& topology,
                                        const NodeId& node);

}  // namespace rop::reconcilers
