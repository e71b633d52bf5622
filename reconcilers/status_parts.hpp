#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/snapshot.hpp"
#include "api/status.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {

// The lists of a status, from the snapshot alone.

/// "redis 7.0.15"; "redis 7.0.15, redis 7.2.4" while versions differ.
[[nodiscard]] std::string engine_of(const Snapshot& seen);

/// Slots whose owner answered and itself says that the cluster is up.
[[nodiscard]] std::uint32_t slots_served(const Snapshot& seen, const Topology& topology);

/// Slots of owners that do not answer us, but are well in the eyes of all who do.
[[nodiscard]] SlotSet slots_unheard(const Snapshot& seen, const Topology& topology);

[[nodiscard]] std::vector<ShardStatus> shards_of(const Snapshot& seen, const Topology& topology);

[[nodiscard]] std::vector<InstanceStatus> instances_of(const Snapshot& seen);

}  // namespace rop::reconcilers
