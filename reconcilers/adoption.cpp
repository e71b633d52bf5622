// Takes over a cluster that somebody else made, or whose record was lost with Consul's data.
//
// What is recorded is what is there: every node that lives in anyone's table must be an instance
// of this service that said so itself, and all tables must name the same owners. Whoever makes or
// reshapes a cluster meanwhile is not disturbed: nothing is recorded before two quiet seconds.
// Without a single key an unfinished cluster is completed as a formation, from where it stands.

#include "reconcilers/adoption.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "reconcilers/adoption_proof.hpp"
#include "reconcilers/evidence.hpp"
#include "reconcilers/forming.hpp"
#include "reconcilers/layout.hpp"
#include "reconcilers/record_step.hpp"

namespace rop::reconcilers {
namespace {

using std::chrono::milliseconds;

/// redis-cli --cluster create pauses for a second at a time between its steps.
constexpr milliseconds quiet_time{2'000};

class Adoption {
  public:
    Adoption(const ClusterSpec& spec, const Snapshot& seen, const FoundCluster& found)
        : spec_(spec), seen_(seen), found_(found), proof_(examine(spec, seen, found)) {}

    Proposal propose();

  private:
    [[nodiscard]] Record as_found() const;
    [[nodiscard]] std::vector<ShardLayout> completed_layout() const;
    [[nodiscard]] std::string sum() const;
    [[nodiscard]] Proposal complete(Proposal proposal) const;
    [[nodiscard]] Proposal record_it(Proposal proposal) const;
    [[nodiscard]] Candidate candidate(const Instance& instance) const {
        return Candidate{instance.id, place_of(spec_, instance)};
    }

    const ClusterSpec& spec_;
    const Snapshot& seen_;
    const FoundCluster& found_;
    Proof proof_;
};

std::string Adoption::sum() const {
    const auto replicas =
        std::count_if(proof_.nodes.begin(), proof_.nodes.end(),
                      [](const auto& entry) { return entry.second->report->is_replica; });
    return std::to_string(proof_.nodes.size() - static_cast<std::size_t>(replicas)) +
           " primaries, " + std::to_string(replicas) + " replicas, " +
           std::to_string(proof_.owned.size()) + " slots, " +
           (proof_.has_keys ? "with keys" : "without keys");
}

Record Adoption::as_found() const {
    Record record = seen_.record.value_or(Record{});
    for (const auto& [node, instance] : proof_.nodes) {
        record.members[instance->id] = Member{node};
    }
    for (const auto& node : proof_.failed) {
        record.former.push_back(FormerNode{node, seen_.wall});
    }
    return record;
}

/// Owners keep their slots and replicas their primary; who has no part yet gets one.
std::vector<ShardLayout> Adoption::completed_layout() const {
    UnfinishedShards unfinished;
    std::map<NodeId, std::size_t> shard_of;
    for (const auto& [node, instance] : proof_.nodes) {
        const TableRow* own = instance->report->self();
        if (!own->slots.empty()) {
            shard_of[node] = unfinished.shards.size();
            unfinished.shards.push_back(ShardLayout{instance->id, own->slots, {}});
            unfinished.places[instance->id] = place_of(spec_, *instance);
        }
    }
    for (const auto& [node, instance] : proof_.nodes) {
        const TableRow* own = instance->report->self();
        const auto followed = shard_of.find(own->primary);
        if (own->is_replica && followed != shard_of.end()) {
            unfinished.shards[followed->second].replicas.push_back(instance->id);
        } else if (own->slots.empty()) {
            unfinished.free.push_back(candidate(*instance));
        }
    }
    for (const auto& id : found_.blank) {
        unfinished.spare.push_back(candidate(seen_.instances.at(id)));
    }
    return complete_shards(std::move(unfinished), spec_.primaries, spec_.replicas_per_primary);
}

Proposal Adoption::complete(Proposal proposal) const {
    const std::size_t wanted = spec_.instances_wanted();
    const std::size_t ready = proof_.nodes.size() + found_.blank.size();
    const auto note = [&](std::string reason, std::string what) {
        proposal.findings.push_back(
            Finding{ConditionType::formed, std::move(reason), std::move(what), {}});
    };
    if (ready < wanted) {
        proposal.holds = false;  // More may be asked for.
        note("TooFewInstances", "an unfinished cluster without keys is completed when " +
                                    std::to_string(wanted) +
                                    " instances are ready: " + std::to_string(ready) + " are");
        return proposal;
    }
    if (!found_.awaited.empty()) {
        note("WaitingForInstances", list_names(found_.awaited) +
                                        " may be part of the unfinished cluster that was found: "
                                        "waiting for an answer");
        return proposal;
    }
    Record record = as_found();
    record.state = RecordState::forming;
    record.layout = completed_layout();
    milliseconds timeout{0};
    for (const auto& shard : record.layout) {
        const auto enter = [&](const InstanceId& id) {
            const InstanceReport& report = *seen_.instances.at(id).report;
            record.members[id] = Member{report.node};
            if (report.node_timeout != forming_timeout) {
                timeout = std::max(timeout, report.node_timeout);
            }
        };
        enter(shard.primary);
        std::for_each(shard.replicas.begin(), shard.replicas.end(), enter);
    }
    record.node_timeout_found =
        timeout.count() > 0 ? std::optional<milliseconds>(timeout) : std::nullopt;
    proposal.steps.push_back(
        write_signed(seen_, std::move(record), "commit to completing the cluster that was found",
                     "it has no key, and every node of it is proven: " + sum()));
    return proposal;
}

Proposal Adoption::record_it(Proposal proposal) const {
    Record record = as_found();
    record.state = RecordState::formed;
    proposal.steps.push_back(
        write_signed(seen_, std::move(record), "take over the cluster that was found, as it is",
                     "every node of it is proven, and all tables agree: " + sum()));
    return proposal;
}

Proposal Adoption::propose() {
    Proposal proposal;
    proposal.holds = true;
    if (!proof_.refusals.empty()) {
        proposal.findings = std::move(proof_.refusals);
        return proposal;
    }
    const auto quiet = std::chrono::duration_cast<milliseconds>(seen_.now - seen_.last_changed);
    if (quiet < quiet_time || !seen_.record) {
        proposal.look_again = std::max(quiet_time - quiet, milliseconds{10});
        proposal.findings.push_back(Finding{ConditionType::formed,
                                            "Adopting",
                                            "the cluster that was found (" + sum() +
                                                ") is taken over as it is, when it was quiet for " +
                                                std::to_string(quiet_time.count() / 1'000) +
                                                " s; nothing is written to it",
                                            {}});
        return proposal;
    }
    return proof_.has_keys || proof_.is_whole ? record_it(std::move(proposal))
                                              : complete(std::move(proposal));
}

}  // namespace

Proposal adopt(const ClusterSpec& spec, const Snapshot& seen, const FoundCluster& found) {
    if (spec.allow.contains(Consent::adopt)) {
        return Adoption(spec, seen, found).propose();
    }
    Proposal proposal;
    proposal.holds = true;
    proposal.findings.push_back(
        Finding{ConditionType::formed,
                "ExistingCluster",
                list_names(found.belonging) +
                    " own slots or know other nodes: a cluster exists already and is left alone "
                    "(read-only); \"allow\": [\"adopt\"] in the spec takes it over as it is",
                {}});
    return proposal;
}

}  // namespace rop::reconcilers
