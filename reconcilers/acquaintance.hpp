#pragma once

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

/// Blank, but for its acquaintances: a handshake that was on its way to whoever had its address
/// before ended with it. The members know it and it knows nobody else, owns nothing and holds
/// nothing, so to enter it merges nothing that is not one cluster already.
[[nodiscard]] bool met_by_chance(const Snapshot& seen, const Topology& topology,
                                 const Instance& instance);

}  // namespace rop::reconcilers
