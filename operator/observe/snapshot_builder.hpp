#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/snapshot.hpp"
#include "operator/observe/redis_survey.hpp"
#include "operator/ports/consul.hpp"
#include "operator/ports/nomad.hpp"

namespace rop::observe {

/// Everything one round collected, before it is made sense of.
struct Observations {
    ClusterName cluster;
    Moment now{};
    Timestamp wall{};
    Standing standing;
    std::optional<SpecOffer> offer;
    std::optional<Record> record;
    std::uint64_t record_index = 0;
    bool records_known = false;
    std::map<NodeId, ClusterName> claimed;
    View consul;
    std::vector<ports::ServiceEntry> services;
    View nomad;
    std::string nomad_group;  // Allocations of other groups of the job are not ours.
    std::vector<ports::Allocation> allocations;
    std::vector<ports::NomadNode> nodes;
    std::optional<GroupFacts> group;
    std::vector<SurveyAnswer> answers;
    std::set<InstanceId> confirmed_absent;  // Not in a second, consistent read either.
    std::map<std::string, Setback> setbacks;
};

/// The identity behind a catalog entry: the allocation id when Nomad registered it, else
/// "<node>/<service id>".
[[nodiscard]] InstanceId identity_of(const ports::ServiceEntry& entry, bool with_nomad);

/// Catalog and Nomad joined by identity, nobody asked yet. Terminal allocations that nothing
/// else mentions are left out: Nomad keeps them for hours.
[[nodiscard]] std::map<InstanceId, Instance> roster(const Observations& seen,
                                                    const Snapshot* previous);

/// Pure fold: what an instance does not say this time is not remembered, except who it was
/// (run id, node id), how long it is absent, that it was swept, and since when nothing changed.
[[nodiscard]] SnapshotPtr build_snapshot(const Snapshot* previous, Observations seen);

}  // namespace rop::observe
