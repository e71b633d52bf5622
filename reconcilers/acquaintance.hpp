#pragma once

#include <set>
#include <vector>

#include "api/plan.hpp"
#include "api/snapshot.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {

/// Nothing has changed for as long as handshakes take: whoever was told to meet cannot.
[[nodiscard]] bool met_in_vain(const Snapshot& seen);

/// Members that answer us and that the others do not get to know, long after they were told to
/// meet: their bus ports are blocked. One finding for each, none while something still changes.
[[nodiscard]] std::vector<Finding> blocked_buses(const Snapshot& seen, const Topology& topology,
                                                 ConditionType about);

/// Blank, but for their acquaintances: handshakes that were on their way to whoever had their
/// addresses before ended with them. The owners of most slots know each of them (while an empty
/// cluster is being formed, a member is enough that knows nobody else), and it knows nobody but
/// members and others of these, owns nothing and holds nothing: to enter it merges nothing that is
/// not one cluster already.
[[nodiscard]] std::set<InstanceId> met_by_chance(const Snapshot& seen, const Topology& topology);
[[nodiscard]] std::set<NodeId> nodes_met_by_chance(const Snapshot& seen, const Topology& topology);

}  // namespace rop::reconcilers
