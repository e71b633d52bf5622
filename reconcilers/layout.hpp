#pragma once

#include <map>
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

/// Shards of which some part is played already.
struct UnfinishedShards {
    std::vector<ShardLayout> shards;           // These keep what they have.
    std::map<InstanceId, std::string> places;  // Of their primaries.
    std::vector<Candidate> free;               // Are there, and must be given a part.
    std::vector<Candidate> spare;              // May be given one.
};

/// Adds primaries while slots have no owner, deals those slots out evenly, and fills up the
/// replicas: of the primary with the fewest, elsewhere where one can be. Shards without a slot are
/// not made; more primaries than declared stay. Deterministic.
[[nodiscard]] std::vector<ShardLayout> complete_shards(UnfinishedShards unfinished,
                                                       std::size_t primaries,
                                                       std::size_t replicas_per_primary);

}  // namespace rop::reconcilers
