// Makes a replica of every member that has no slots: of the primary with the fewest replicas,
// away from that primary's place when another one can do it. Who joined while a primary was dead
// went to another one: it moves over when that primary's replica took its place and has none.
//
// Ranks after slot coverage: a cluster without redundancy serves, one with a hole does not.

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/evidence.hpp"
#include "reconcilers/registry.hpp"
#include "reconcilers/status_parts.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

struct Opening {
    const Instance* primary = nullptr;
    std::string place;
    std::size_t replicas = 0;
};

/// Everybody lists it as a settled member: a node told earlier may follow one that ignores it.
bool known_to_all(const Snapshot& seen, const Topology& topology, const Instance& instance) {
    return std::all_of(topology.where.begin(), topology.where.end(), [&](const auto& entry) {
        return row_of(seen.instances.at(entry.second), instance.report->node) != nullptr;
    });
}

/// A primary without slots, or a replica whose primary has none: free to be placed.
bool needs_a_primary(const Snapshot& seen, const Topology& topology, const Instance& instance) {
    const TableRow* own = instance.report->self();
    if (own == nullptr || !own->slots.empty()) {
        return false;
    }
    if (!own->is_replica) {
        return instance.report->keys == 0;
    }
    return !topology.owners.contains(own->primary) &&
           (is_former(*seen.record, own->primary) || topology.where.contains(own->primary));
}

/// Agreed by a majority of the primaries. Nobody needs to be proven dead to get another replica.
bool is_failed(const Snapshot& seen, const Topology& topology, const NodeId& node) {
    return std::any_of(topology.where.begin(), topology.where.end(), [&](const auto& entry) {
        const TableRow* row = row_of(seen.instances.at(entry.second), node);
        return row != nullptr && row->failed;
    });
}

/// Tables keep a dead replica until it is forgotten; one that is only silent may come back.
bool may_replicate(const Snapshot& seen, const Topology& topology, const NodeId& node) {
    const auto& members = seen.record->members;
    return topology.where.contains(node) ||
           (!is_failed(seen, topology, node) &&
            std::any_of(members.begin(), members.end(), [&](const auto& entry) {
                return entry.second.node == node && !is_gone(seen, entry.first, node);
            }));
}

std::size_t count_replicas(const Snapshot& seen, const Topology& topology, const NodeId& primary) {
    const auto it = topology.replicas.find(primary);
    if (it == topology.replicas.end()) {
        return 0;
    }
    return static_cast<std::size_t>(
        std::count_if(it->second.begin(), it->second.end(),
                      [&](const NodeId& node) { return may_replicate(seen, topology, node); }));
}

/// Of one opening at least.
std::size_t fewest_replicas(const std::vector<Opening>& open) {
    return std::min_element(
               open.begin(), open.end(),
               [](const Opening& a, const Opening& b) { return a.replicas < b.replicas; })
        ->replicas;
}

std::vector<Opening> openings(const ClusterSpec& spec, const Snapshot& seen,
                              const Topology& topology) {
    std::vector<Opening> found;
    for (const auto& [node, slots] : topology.owners) {
        if (const Instance* primary = find_node(seen, topology, node)) {
            const std::size_t count = count_replicas(seen, topology, node);
            found.push_back(Opening{primary, place_of(spec, *primary), count});
        }
    }
    return found;
}

struct Match {
    std::size_t opening = 0;
    std::size_t candidate = 0;
};

/// Among the primaries with the fewest replicas one that somebody from another place can follow,
/// else one that anybody can. nullopt: nobody knows any of these yet. There is one opening at
/// least.
std::optional<Match> match(const ClusterSpec& spec, const std::vector<Opening>& open,
                           const std::vector<const Instance*>& free) {
    const std::size_t fewest = fewest_replicas(open);
    std::vector<std::string> places;
    for (const Instance* candidate : free) {
        places.push_back(place_of(spec, *candidate));
    }
    const auto knows = [](const Instance& candidate, const Opening& opening) {
        const TableRow* row = row_of(candidate, opening.primary->report->node);
        return row != nullptr && row->is_primary;
    };
    for (const bool apart : {true, false}) {
        for (std::size_t i = 0; i < open.size(); ++i) {
            for (std::size_t j = 0; j < free.size() && open[i].replicas == fewest; ++j) {
                if ((!apart || places[j] != open[i].place) && knows(*free[j], open[i])) {
                    return Match{i, j};
                }
            }
        }
    }
    return std::nullopt;
}

Follow place_all(const ClusterSpec& spec, std::vector<Opening> open,
                 std::vector<const Instance*> free) {
    Follow follow;
    while (!free.empty() && !open.empty()) {
        const auto found = match(spec, open, free);
        if (!found) {
            std::erase_if(open, [fewest = fewest_replicas(open)](const Opening& opening) {
                return opening.replicas == fewest;
            });
            continue;
        }
        Opening& neediest = open[found->opening];
        const auto candidate = free.begin() + static_cast<std::ptrdiff_t>(found->candidate);
        follow.pairs.push_back(Follow::Pair{(*candidate)->id, neediest.primary->report->node});
        ++neediest.replicas;
        free.erase(candidate);
    }
    return follow;
}

/// Replicas that ask where their primary is no longer: Redis takes a moved node's new address over
/// from gossip without telling its own replication (all of Redis; Valkey before its pull request
/// 965), and then nothing but REPLICATE moves it.
Follow gone_astray(const Snapshot& seen, const Topology& topology) {
    Follow follow;
    for (const auto& [node, id] : topology.where) {
        const Instance& instance = seen.instances.at(id);
        const InstanceReport& report = *instance.report;
        const TableRow* own = report.self();
        if (own == nullptr || !report.is_replica || report.link_up || report.sync_in_progress) {
            continue;
        }
        const TableRow* primary = row_of(instance, own->primary);
        if (primary != nullptr && primary->link_connected && primary->has_address &&
            primary->address != report.follows && topology.where.contains(own->primary)) {
            follow.pairs.push_back(Follow::Pair{id, own->primary});
        }
    }
    return follow;
}

/// A replica that its primary can spare, for one that lacks any: one at a time, for it is copied
/// anew from there. Only where everybody was seen, for who is silent may be the missing replica.
Follow even_out(const ClusterSpec& spec, const Snapshot& seen, const Topology& topology) {
    std::vector<Opening> open = openings(spec, seen, topology);
    const auto declared = static_cast<std::size_t>(spec.replicas_per_primary);
    std::vector<const Instance*> spare;
    for (const auto& [node, followers] : topology.replicas) {
        std::vector<const Instance*> in_sync;
        for (const auto& follower : followers) {
            const Instance* instance = find_node(seen, topology, follower);
            if (instance != nullptr && instance->report->link_up) {
                in_sync.push_back(instance);
            }
        }
        if (in_sync.size() > declared && topology.owners.contains(node)) {
            spare.insert(spare.end(), in_sync.begin(), in_sync.end());
        }
    }
    std::erase_if(open, [&](const Opening& opening) { return opening.replicas >= declared; });
    Follow follow;
    if (!topology.whole() || open.empty() || spare.empty()) {
        return follow;
    }
    if (const auto found = match(spec, open, spare)) {
        follow.pairs.push_back(
            Follow::Pair{spare[found->candidate]->id, open[found->opening].primary->report->node});
    }
    return follow;
}

/// Redis is about to link a replica, or to notice that all slots are served, or somebody who was
/// silent answers again: nobody tells when.
bool settles(const Snapshot& seen, const Topology& topology) {
    return !topology.whole() ||
           std::any_of(topology.where.begin(), topology.where.end(), [&](const auto& entry) {
               const InstanceReport& report = *seen.instances.at(entry.second).report;
               const Instance& instance = seen.instances.at(entry.second);
               return !report.state_ok ||
                      (report.is_replica && !is_in_sync(seen, topology, instance));
           });
}

}  // namespace

Proposal replicas(const ClusterSpec& spec, const Snapshot& seen) {
    Proposal proposal;
    if (!seen.record || seen.record->state != RecordState::formed) {
        return proposal;
    }
    using std::chrono::milliseconds;
    const Topology topology = topology_of(seen);
    const auto patience = [&](milliseconds least) {
        const auto waited = std::chrono::duration_cast<milliseconds>(seen.now - seen.last_changed);
        return std::clamp(waited / 10, least, milliseconds{2'000});
    };
    std::vector<const Instance*> free;
    for (const auto& [node, id] : topology.where) {
        const Instance& instance = seen.instances.at(id);
        if (!needs_a_primary(seen, topology, instance)) {
            continue;
        }
        if (known_to_all(seen, topology, instance)) {
            free.push_back(&instance);
        } else {
            proposal.look_again = patience(milliseconds{50});
        }
    }
    Follow follow = place_all(spec, openings(spec, seen, topology), std::move(free));
    if (!follow.pairs.empty()) {
        const auto count = std::to_string(follow.pairs.size());
        proposal.steps.push_back(Step{std::move(follow), count + " members have no part yet"});
    } else if (Follow again = gone_astray(seen, topology); !again.pairs.empty()) {
        proposal.steps.push_back(
            Step{std::move(again), "replicating from an address that its primary has left"});
    } else if (Follow move = even_out(spec, seen, topology); !move.pairs.empty()) {
        proposal.steps.push_back(
            Step{std::move(move), "its primary has more replicas than declared, this one lacks"});
    }
    if (settles(seen, topology)) {
        proposal.look_again = patience(milliseconds{20});
    }
    return proposal;
}

}  // namespace rop::reconcilers
