#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "api/plan.hpp"
#include "api/snapshot.hpp"
#include "api/status.hpp"

namespace rop::reconcilers {

// One pure function per concern: no I/O, no clock, no randomness, no logging. Each is told the
// spec in force, which is not always the one that is offered (see spec_in_force).
Proposal gate(const ClusterSpec& spec, const Snapshot& seen);
Proposal formation(const ClusterSpec& spec, const Snapshot& seen);
Proposal membership(const ClusterSpec& spec, const Snapshot& seen);
Proposal slot_coverage(const ClusterSpec& spec, const Snapshot& seen);
Proposal replicas(const ClusterSpec& spec, const Snapshot& seen);
Proposal forget(const ClusterSpec& spec, const Snapshot& seen);
Proposal scaling(const ClusterSpec& spec, const Snapshot& seen);
Proposal settings(const ClusterSpec& spec, const Snapshot& seen);

struct Concern {
    std::string_view name;
    Proposal (*reconcile)(const ClusterSpec& spec, const Snapshot& seen);
    std::string_view why_here;
};

/// Most urgent first. The first concern with steps owns the round.
inline constexpr std::array concerns{
    Concern{"gate", &gate, "nothing may be done by one who may not act, or on an unknown wish"},
    Concern{"formation", &formation, "without a cluster there is nothing to repair"},
    Concern{"membership", &membership, "slots and replicas can only go to who belongs"},
    Concern{"slot-coverage", &slot_coverage, "one unowned slot stops every write"},
    Concern{"replicas", &replicas, "redundancy comes after service"},
    Concern{"forget", &forget, "tidying up must never delay a repair"},
    Concern{"scaling", &scaling, "more instances help only what is sound"},
    Concern{"settings", &settings, "comfort: what is set wrong serves meanwhile"},
};

/// The offered spec when it is valid and may replace the accepted one, else the accepted one.
[[nodiscard]] std::optional<ClusterSpec> spec_in_force(const Snapshot& seen);

[[nodiscard]] Plan plan_round(const Snapshot& seen);

/// What people are told of a cluster: from what was seen and what is about to be done. `before`
/// is the last status, for the times at which conditions changed.
[[nodiscard]] ClusterStatus conditions(const Snapshot& seen, const Plan& plan,
                                       const ClusterStatus* before);

}  // namespace rop::reconcilers
