#pragma once

#include <vector>

#include "api/plan.hpp"
#include "api/snapshot.hpp"

namespace rop::reconcilers {

/// Who answers to the service's name when there is evidence of a cluster and no record of one.
struct FoundCluster {
    std::vector<InstanceId> belonging;  // Own slots, know a peer or replicate. Never empty.
    std::vector<InstanceId> blank;
    std::vector<InstanceId> awaited;  // May turn out to belong.
};

/// Takes a cluster that is there for this one: writes the record, and nothing to Redis. Needs the
/// consent `adopt`, and proof that all of it is here; else says what is missing (design, rule 4).
[[nodiscard]] Proposal adopt(const ClusterSpec& spec, const Snapshot& seen,
                             const FoundCluster& found);

}  // namespace rop::reconcilers
