#pragma once

#include <string>
#include <vector>

#include "api/record.hpp"

namespace rop::reconcilers {

/// Someone who can be given a part, and where it stands.
struct Candidate {
    InstanceId id;
    std::string place;  // placement.spread's value: replicas stand elsewhere than their primary.
};

/// Deals `primaries` shards with `replicas_per_primary` replicas each out to the candidates:
/// primaries as far apart as these candidates allow (their majority decides failovers), then as few
/// replicas as possible at their primary's place, slots in equal contiguous ranges. Needs at least
/// as many candidates as instances; takes no more. Deterministic.
[[nodiscard]] std::vector<ShardLayout> deal_shards(std::vector<Candidate> candidates,
                                                   std::size_t primaries,
                                                   std::size_t replicas_per_primary);

}  // namespace rop::reconcilers
