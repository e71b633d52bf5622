// Makes a cluster out of blank instances.
//
// Starts only when nothing speaks against it: no record of an earlier formation, and every
// instance that counts is empty, owns nothing and knows nobody (design, rule 4). Commits to the
// whole layout in the record before the first Redis command; whoever leads next completes it.

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/adoption.hpp"
#include "reconcilers/evidence.hpp"
#include "reconcilers/forming.hpp"
#include "reconcilers/layout.hpp"
#include "reconcilers/record_step.hpp"
#include "reconcilers/registry.hpp"

namespace rop::reconcilers {
namespace {

/// A whole cluster may wait for the one that is asked, and to ask costs little.
constexpr std::chrono::milliseconds ask_again{500};

struct Muster {
    std::vector<InstanceId> blank;
    std::vector<InstanceId> belonging;
    std::vector<InstanceId> awaited;  // Loading, silent or starting: may still turn out to count.
    std::vector<Finding> findings;
};

/// Whatever else is to be said of it: an earlier cluster is to be taken for one.
bool is_evidence(const Instance& instance) {
    if (!instance.answered() || !instance.report->cluster_enabled) {
        return false;
    }
    const InstanceReport& report = *instance.report;
    const TableRow* own = report.self();
    return report.known_nodes > 1 || report.table.size() > 1 || report.is_replica ||
           (own != nullptr && !own->slots.empty());
}

/// A stranger that lives, as its check in Consul says, and has not told us what it is. What is
/// only left over in the catalog is not waited for.
bool may_turn_out_to_belong(const Instance& instance) {
    const bool lives = instance.consul && instance.consul->status == "passing";
    return instance.contact == Contact::loading ||
           (lives &&
            (instance.contact == Contact::timed_out || instance.contact == Contact::unasked));
}

void judge_one(const Snapshot& seen, const InstanceId& id, const Instance& instance,
               Muster& muster) {
    if (is_evidence(instance)) {
        muster.belonging.push_back(id);
    }
    const Verdict verdict = judge(seen, instance);
    const auto note = [&](ConditionType about) {
        muster.findings.push_back(Finding{about, verdict.reason, verdict.what, id});
    };
    switch (verdict.kind) {
        case Kind::blank:
            muster.blank.push_back(id);
            return;
        case Kind::belongs:
            return;
        case Kind::loading:
        case Kind::silent:
            muster.awaited.push_back(id);
            note(ConditionType::observed);
            return;
        case Kind::starting:
        case Kind::refused:
            note(ConditionType::observed);
            return;
        case Kind::ending:
            return;
        case Kind::not_ours:
            if (may_turn_out_to_belong(instance)) {
                muster.awaited.push_back(id);
            }
            note(ConditionType::members_known);
            return;
        case Kind::locked_out:
        case Kind::untrusted:
        case Kind::garbled:
        case Kind::cluster_off:
        case Kind::duplicate:
        case Kind::bus_port_mapped:
        case Kind::claimed:
        case Kind::holds_keys:
            note(ConditionType::members_known);
            return;
    }
}

Muster call_muster(const Snapshot& seen) {
    Muster muster;
    for (const auto& [id, instance] : seen.instances) {
        judge_one(seen, id, instance, muster);
    }
    return muster;
}

/// What the servers had before us: the greatest, as the slowest to declare anyone failed.
std::chrono::milliseconds timeout_found(const Snapshot& seen,
                                        const std::vector<ShardLayout>& layout) {
    std::chrono::milliseconds found{0};
    const auto look_at = [&](const InstanceId& id) {
        found = std::max(found, seen.instances.at(id).report->node_timeout);
    };
    for (const auto& shard : layout) {
        look_at(shard.primary);
        std::for_each(shard.replicas.begin(), shard.replicas.end(), look_at);
    }
    return found;
}

Record commit_to(const ClusterSpec& spec, const Snapshot& seen, std::vector<Candidate> blank) {
    Record record = *seen.record;
    record.state = RecordState::forming;
    record.layout = deal_shards(std::move(blank), spec.primaries, spec.replicas_per_primary);
    record.node_timeout_found = timeout_found(seen, record.layout);
    const auto enter = [&](const InstanceId& id) {
        record.members[id] = Member{seen.instances.at(id).report->node};
    };
    for (const auto& shard : record.layout) {
        enter(shard.primary);
        std::for_each(shard.replicas.begin(), shard.replicas.end(), enter);
    }
    return record;
}

PrepareNodes first_preparation(const Snapshot& seen, const Record& record) {
    PrepareNodes prepare;
    prepare.node_timeout = forming_timeout;
    std::uint64_t epoch = 0;
    const auto ready = [&](const InstanceId& id, const std::vector<SlotRange>& slots) {
        ++epoch;
        const bool has_none = seen.instances.at(id).report->my_epoch == 0 &&
                              seen.instances.at(id).report->current_epoch == 0;
        prepare.nodes.push_back(PrepareNodes::Node{
            id, has_none ? std::optional<std::uint64_t>(epoch) : std::nullopt, slots});
    };
    for (const auto& shard : record.layout) {
        ready(shard.primary, shard.slots);
    }
    for (const auto& shard : record.layout) {
        for (const auto& replica : shard.replicas) {
            ready(replica, {});
        }
    }
    return prepare;
}

Meet everyone_meets(const Record& record) {
    Meet meet;
    for (auto a = record.members.begin(); a != record.members.end(); ++a) {
        for (auto b = std::next(a); b != record.members.end(); ++b) {
            meet.pairs.push_back(Meet::Pair{a->first, b->first});
        }
    }
    return meet;
}

Finding too_few(const ClusterSpec& spec, const Muster& muster) {
    const std::size_t wanted = spec.instances_wanted();
    const std::size_t missing = wanted - muster.blank.size();
    return Finding{ConditionType::formed,
                   "TooFewInstances",
                   std::to_string(muster.blank.size()) + " of " + std::to_string(wanted) +
                       " instances of service " + spec.service + " are ready to form: " +
                       std::to_string(missing) + (missing == 1 ? " is missing" : " are missing"),
                   {}};
}

Finding nomad_unavailable(const Snapshot& seen) {
    return Finding{ConditionType::observed,
                   "NomadUnavailable",
                   "Nomad cannot be asked (" + seen.nomad.why + "): no cluster is formed meanwhile",
                   {}};
}

Proposal take_over(const ClusterSpec& spec, const Snapshot& seen, Muster muster) {
    Proposal proposal =
        adopt(spec, seen, FoundCluster{muster.belonging, muster.blank, muster.awaited});
    proposal.findings.insert(proposal.findings.begin(),
                             std::make_move_iterator(muster.findings.begin()),
                             std::make_move_iterator(muster.findings.end()));
    if (!muster.awaited.empty()) {
        proposal.look_again = std::min(proposal.look_again.value_or(ask_again), ask_again);
    }
    if (spec.nomad && !seen.nomad.certain) {  // Nobody is proven to be ours.
        proposal.steps.clear();
        proposal.findings.push_back(nomad_unavailable(seen));
    }
    return proposal;
}

/// Nothing is of record yet, so nothing may be done; what will be done is worth telling.
Proposal outlook(const ClusterSpec& spec, const Snapshot& seen) {
    Muster muster = call_muster(seen);
    return muster.belonging.empty() ? Proposal{} : take_over(spec, seen, std::move(muster));
}

Proposal start(const ClusterSpec& spec, const Snapshot& seen) {
    Muster muster = call_muster(seen);
    if (!muster.belonging.empty()) {
        return take_over(spec, seen, std::move(muster));
    }
    Proposal proposal;
    proposal.findings = std::move(muster.findings);
    if (!muster.awaited.empty()) {
        proposal.look_again = ask_again;  // Nobody tells when one has loaded its data.
    }
    if (spec.nomad && !seen.nomad.certain) {
        proposal.findings.push_back(nomad_unavailable(seen));
        return proposal;
    }
    if (muster.blank.size() < spec.instances_wanted()) {
        proposal.findings.push_back(too_few(spec, muster));
        return proposal;
    }
    if (!muster.awaited.empty()) {
        proposal.findings.push_back(
            Finding{ConditionType::formed,
                    "WaitingForInstances",
                    list_names(muster.awaited) +
                        " may hold an earlier cluster's data: waiting for an answer",
                    {}});
        return proposal;
    }
    std::vector<Candidate> blank;
    for (const auto& id : muster.blank) {
        blank.push_back(Candidate{id, place_of(spec, seen.instances.at(id))});
    }
    Record record = commit_to(spec, seen, std::move(blank));
    const std::string why = std::to_string(record.members.size()) +
                            " blank instances are ready and no cluster was formed before";
    proposal.steps.push_back(write_signed(
        seen, record, "commit to forming " + std::to_string(spec.primaries) + " shards", why));
    proposal.steps.push_back(Step{first_preparation(seen, record), "shares of the slots"});
    if (record.members.size() > 1) {
        proposal.steps.push_back(Step{everyone_meets(record), "they know nobody yet"});
    }
    return proposal;
}

}  // namespace

Proposal formation(const ClusterSpec& spec, const Snapshot& seen) {
    if (!seen.record) {
        return outlook(spec, seen);
    }
    if (seen.record->state == RecordState::formed) {
        return {};
    }
    if (seen.record->state == RecordState::accepted) {
        return start(spec, seen);
    }
    if (spec.nomad && !seen.nomad.certain) {
        Proposal waiting;
        waiting.findings.push_back(nomad_unavailable(seen));
        return waiting;
    }
    Proposal replacing = replace_dead_members(seen);
    if (!replacing.steps.empty()) {
        return replacing;
    }
    Proposal proposal = complete_formation(spec, seen);
    proposal.findings.insert(proposal.findings.end(), replacing.findings.begin(),
                             replacing.findings.end());
    return proposal;
}

}  // namespace rop::reconcilers
