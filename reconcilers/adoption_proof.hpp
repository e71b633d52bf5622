#pragma once

#include <map>
#include <set>
#include <vector>

#include "api/plan.hpp"
#include "reconcilers/adoption.hpp"

namespace rop::reconcilers {

/// What a cluster that was found consists of, and what speaks against taking it over.
struct Proof {
    std::map<NodeId, const Instance*> nodes;  // Of the snapshot that was examined.
    std::set<NodeId> failed;  // No instance's; all who know them call them failed; without slots.
    SlotSet owned;
    bool has_keys = false;
    bool is_whole = true;  // Everybody knows everybody, and all slots have an owner.
    std::vector<Finding> refusals;
};

/// Every node that lives in anyone's table must be an instance of this service that said so
/// itself, and all tables must name the same owners; without keys they must not contradict each
/// other (design, rule 4).
[[nodiscard]] Proof examine(const ClusterSpec& spec, const Snapshot& seen,
                            const FoundCluster& found);

}  // namespace rop::reconcilers
