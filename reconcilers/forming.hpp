#pragma once

#include "api/plan.hpp"
#include "api/snapshot.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {

/// What brings a `forming` record closer to being true, from any point at which it was left.
[[nodiscard]] Proposal complete_formation(const ClusterSpec& spec, const Snapshot& seen);

/// Members that died while forming are replaced in the record first; empty steps when none did.
[[nodiscard]] Proposal replace_dead_members(const Snapshot& seen);

/// How far a formation is, counted in instances that say cluster_state:ok.
struct FormingProgress {
    std::uint32_t done = 0;
    std::uint32_t total = 0;
};
[[nodiscard]] FormingProgress forming_progress(const Snapshot& seen);

/// Short, so that membership, slots and failures travel fast and the wait after the first
/// majority is Redis' shortest (clamp(timeout, 500, 5000) ms: clusterUpdateState in Redis'
/// cluster.c).
inline constexpr std::chrono::milliseconds forming_timeout{500};

/// While Redis gossips there is nothing to do but look.
inline constexpr std::chrono::milliseconds forming_look_again{10};

}  // namespace rop::reconcilers
