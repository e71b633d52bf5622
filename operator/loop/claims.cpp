#include "operator/loop/claims.hpp"

#include <algorithm>
#include <variant>

namespace rop::loop {

void Claims::know(const ClusterName& cluster, const Record& record) {
    auto& nodes = nodes_[cluster];
    nodes.clear();
    for (const auto& [id, member] : record.members) {
        nodes.insert(member.node);
    }
}

bool Claims::stake(const ClusterName& cluster, const Plan& plan) {
    const std::map<NodeId, ClusterName> taken = of_others(cluster);
    for (const auto& step : plan.steps) {
        const auto* write = std::get_if<WriteRecord>(&step.action);
        if (write == nullptr) {
            continue;
        }
        const auto& members = write->record.members;
        if (std::any_of(members.begin(), members.end(),
                        [&](const auto& entry) { return taken.contains(entry.second.node); })) {
            return false;
        }
        know(cluster, write->record);
    }
    return true;
}

std::map<NodeId, ClusterName> Claims::of_others(const ClusterName& cluster) const {
    std::map<NodeId, ClusterName> taken;
    for (const auto& [name, nodes] : nodes_) {
        for (const auto& node : nodes) {
            if (name != cluster) {
                taken.emplace(node, name);
            }
        }
    }
    return taken;
}

}  // namespace rop::loop
