#pragma once

#include <cstdint>
#include <map>
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

/// Its link is up, and its primary says that it streams to it. A primary that a replica has just
/// copied may begin up to a second later (seen with 7.0.15, diskless).
[[nodiscard]] bool is_in_sync(const Snapshot& seen, const Topology& topology,
                              const Instance& replica);

[[nodiscard]] std::vector<ShardStatus> shards_of(const Snapshot& seen, const Topology& topology);

[[nodiscard]] std::vector<InstanceStatus> instances_of(const Snapshot& seen);

/// By primary: how many bytes of its stream the replica has not got that lacks most. Only where
/// both answered and share a history. They were asked one after the other: under writes, what was
/// written between the two answers is part of it.
[[nodiscard]] std::map<InstanceId, std::uint64_t> replication_lag(
    const Snapshot& seen, const std::vector<ShardStatus>& shards);

}  // namespace rop::reconcilers
