#pragma once

#include <map>
#include <set>

#include "api/ids.hpp"
#include "api/plan.hpp"
#include "api/record.hpp"

namespace rop::loop {

/// Which nodes are members of which cluster, by all records that this operator knows or is about
/// to write. One process may be registered under the services of two clusters: only one of them
/// may take it for a member, for their members would introduce it to both, and that merges them.
class Claims {
  public:
    /// What the record of `cluster` says now.
    void know(const ClusterName& cluster, const Record& record);

    /// To be asked between a decision and its first effect, without waiting in between: false when
    /// a record that `plan` writes names a node of another cluster. Else these are its nodes now.
    [[nodiscard]] bool stake(const ClusterName& cluster, const Plan& plan);

    /// It is not managed any more.
    void forget(const ClusterName& cluster) { nodes_.erase(cluster); }

    /// The members of all other clusters.
    [[nodiscard]] std::map<NodeId, ClusterName> of_others(const ClusterName& cluster) const;

  private:
    std::map<ClusterName, std::set<NodeId>> nodes_;
};

}  // namespace rop::loop
