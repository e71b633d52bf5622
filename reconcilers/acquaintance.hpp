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

}  // namespace rop::reconcilers
