// Says what a person should know: computed once per round from what was seen and what is about
// to be done. Ready comes from the data path (slots served, links up), never from counts.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/evidence.hpp"
#include "reconcilers/forming.hpp"
#include "reconcilers/registry.hpp"
#include "reconcilers/status_parts.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

/// Reasons that describe a normal course of things: they explain, they do not alarm.
bool is_harmless(const std::string& reason) {
    return reason == "Newcomer" || reason == "Starting" || reason == "Paused";
}

class Writer {
  public:
    Writer(const Snapshot& seen, const Plan& plan, const ClusterStatus* before)
        : seen_(seen), plan_(plan), before_(before), topology_(topology_of(seen)) {}

    ClusterStatus write();

  private:
    void head();
    void add(ConditionType type, Truth truth, std::string reason, std::string message);
    /// Adds the condition as False with the findings about it; false when there are none.
    bool add_findings(ConditionType type, Truth truth);

    void spec_valid();
    void formed();
    void slots_covered();
    void replicas_in_sync();
    void balanced();
    void spread();
    void members_known();
    void observed();
    void phase();
    void phase_when_formed();
    void operation();

    [[nodiscard]] const Finding* finding(ConditionType type) const;
    [[nodiscard]] const Finding* finding_named(const std::string& reason) const;
    [[nodiscard]] const Condition* condition(ConditionType type) const;
    void conclude(Phase phase, std::string reason, std::string message);

    const Snapshot& seen_;
    const Plan& plan_;
    const ClusterStatus* before_;
    Topology topology_;
    ClusterSpec spec_;
    ClusterStatus status_;
};

void Writer::add(ConditionType type, Truth truth, std::string reason, std::string message) {
    Condition condition{type, truth, std::move(reason), std::move(message), seen_.wall};
    if (before_ != nullptr) {
        for (const auto& old : before_->conditions) {
            if (old.type == type && old.status == truth) {
                condition.since = old.since;
            }
        }
    }
    status_.conditions.push_back(std::move(condition));
}

const Finding* Writer::finding(ConditionType type) const {
    for (const auto& finding : plan_.findings) {
        if (finding.about == type && !is_harmless(finding.reason)) {
            return &finding;
        }
    }
    return nullptr;
}

const Finding* Writer::finding_named(const std::string& reason) const {
    for (const auto& finding : plan_.findings) {
        if (finding.reason == reason) {
            return &finding;
        }
    }
    return nullptr;
}

const Condition* Writer::condition(ConditionType type) const {
    for (const auto& condition : status_.conditions) {
        if (condition.type == type) {
            return &condition;
        }
    }
    return nullptr;
}

bool Writer::add_findings(ConditionType type, Truth truth) {
    const Finding* first = finding(type);
    if (first == nullptr) {
        return false;
    }
    std::string message;
    std::size_t more = 0;
    constexpr std::size_t message_max = 1'000;
    for (const auto& finding : plan_.findings) {
        if (finding.about != type || is_harmless(finding.reason)) {
            continue;
        }
        if (message.size() > message_max) {
            ++more;
            continue;
        }
        message += (message.empty() ? "" : "; ") + finding.what;
    }
    message += more > 0 ? "; and " + std::to_string(more) + " more" : "";
    add(type, truth, first->reason, message);
    return true;
}

void Writer::spec_valid() {
    if (!add_findings(ConditionType::spec_valid, Truth::no)) {
        const bool known = seen_.offer.has_value() || seen_.record.has_value();
        add(ConditionType::spec_valid, known ? Truth::yes : Truth::unknown,
            known ? "Accepted" : "NotRead", known ? "the spec is in force" : "");
    }
}

void Writer::formed() {
    const bool is_formed = seen_.record && seen_.record->state == RecordState::formed;
    if (is_formed) {
        add(ConditionType::formed, Truth::yes, "AsDeclared", "the cluster was formed");
    } else if (!add_findings(ConditionType::formed, Truth::no)) {
        const bool forming = seen_.record && seen_.record->state == RecordState::forming;
        add(ConditionType::formed, Truth::no, forming ? "Forming" : "NotStarted",
            forming ? "the cluster is being formed" : "no cluster was formed yet");
    }
}

void Writer::slots_covered() {
    if (status_.slots_served == slot_count) {
        add(ConditionType::slots_covered, Truth::yes, "AsDeclared", "16384 slots are served");
        return;
    }
    if (!add_findings(ConditionType::slots_covered, Truth::no)) {
        const std::size_t unheard = slots_unheard(seen_, topology_).size();
        const bool blind = topology_.where.empty() || status_.slots_served + unheard == slot_count;
        add(ConditionType::slots_covered, blind ? Truth::unknown : Truth::no,
            blind ? "NotObserved" : "SlotsNotServed",
            std::to_string(status_.slots_served) + " of 16384 slots are served" +
                (unheard == 0 ? ""
                              : "; the owner of " + std::to_string(unheard) +
                                    " does not answer, but is well in the eyes of its peers"));
    }
}

void Writer::replicas_in_sync() {
    std::size_t lacking = 0;
    std::size_t behind = 0;
    for (const auto& shard : status_.shards) {
        const auto synced = static_cast<std::size_t>(
            std::count_if(shard.replicas.begin(), shard.replicas.end(),
                          [](const ReplicaStatus& replica) { return replica.in_sync; }));
        behind += shard.replicas.size() - synced;
        lacking += synced < spec_.replicas_per_primary ? spec_.replicas_per_primary - synced : 0;
    }
    const bool good = lacking == 0 && behind == 0 && !status_.shards.empty();
    const Truth truth = status_.shards.empty() ? Truth::unknown : good ? Truth::yes : Truth::no;
    add(ConditionType::replicas_in_sync, truth,
        good                      ? "AsDeclared"
        : truth == Truth::unknown ? "NotObserved"
                                  : "ReplicasMissing",
        good ? "every primary has its replicas in sync"
             : std::to_string(lacking) + " replicas in sync are missing, " +
                   std::to_string(behind) + " are behind");
}

void Writer::balanced() {
    std::size_t least = slot_count;
    std::size_t most = 0;
    for (const auto& [node, slots] : topology_.owners) {
        least = std::min(least, slots.size());
        most = std::max(most, slots.size());
    }
    if (topology_.owners.empty()) {
        add(ConditionType::balanced, Truth::unknown, "NotObserved", "");
        return;
    }
    const double fair = double(slot_count) / double(topology_.owners.size());
    const double off = std::max(double(most) - fair, fair - double(least)) / fair;
    const bool good = off <= spec_.balance.threshold;
    add(ConditionType::balanced, good ? Truth::yes : Truth::no, good ? "AsDeclared" : "Uneven",
        "the primaries own " + std::to_string(least) + " to " + std::to_string(most) + " slots");
}

void Writer::spread() {
    std::vector<InstanceId> beside;
    for (const auto& shard : status_.shards) {
        const auto primary = seen_.instances.find(shard.primary);
        for (const auto& replica : shard.replicas) {
            const auto it = seen_.instances.find(replica.instance);
            if (primary != seen_.instances.end() && it != seen_.instances.end() &&
                place_of(spec_, primary->second) == place_of(spec_, it->second)) {
                beside.push_back(replica.instance);
            }
        }
    }
    if (status_.shards.empty()) {
        add(ConditionType::spread, Truth::unknown, "NotObserved", "");
    } else if (beside.empty()) {
        add(ConditionType::spread, Truth::yes, "AsDeclared",
            "no replica stands at its primary's " + spec_.spread);
    } else {
        add(ConditionType::spread, Truth::no, "ReplicaBesidePrimary",
            list_names(beside) + " stand at their primary's " + spec_.spread);
    }
}

void Writer::members_known() {
    if (add_findings(ConditionType::members_known, Truth::no)) {
        return;
    }
    if (!seen_.consul.certain) {
        add(ConditionType::members_known, Truth::unknown, "NotObserved",
            "nobody knows who answers to the service's name while Consul is in doubt");
    } else {
        add(ConditionType::members_known, Truth::yes, "AsDeclared", "no strangers");
    }
}

void Writer::observed() {
    if (!add_findings(ConditionType::observed, Truth::no)) {
        add(ConditionType::observed, Truth::yes, "AsDeclared", "every source answers");
    }
}

void Writer::conclude(Phase phase, std::string reason, std::string message) {
    status_.phase = phase;
    status_.reason = std::move(reason);
    status_.message = std::move(message);
}

void Writer::phase_when_formed() {
    const auto primaries = status_.shards.size();
    std::size_t replica_count = 0;
    for (const auto& shard : status_.shards) {
        replica_count += shard.replicas.size();
    }
    const std::string sum = std::to_string(primaries) + " primaries, " +
                            std::to_string(replica_count) + " replicas, " +
                            std::to_string(status_.slots_served) + " slots served";
    if (const Condition* slots = condition(ConditionType::slots_covered);
        slots->status != Truth::yes) {
        const bool unseen = slots->status == Truth::unknown;
        return conclude(unseen ? Phase::degraded : Phase::down, slots->reason, slots->message);
    }
    for (const auto type :
         {ConditionType::replicas_in_sync, ConditionType::observed, ConditionType::members_known}) {
        if (const Condition* bad = condition(type); bad->status != Truth::yes) {
            return conclude(Phase::degraded, bad->reason, bad->message);
        }
    }
    if (primaries != spec_.primaries) {
        return conclude(Phase::degraded, "PrimariesNotAsDeclared",
                        sum + "; the spec declares " + std::to_string(spec_.primaries) +
                            " primaries, and moving slots is not served yet");
    }
    conclude(Phase::ready, "AsDeclared", sum);
}

void Writer::phase() {
    if (const Finding* paused = finding_named("Paused")) {
        return conclude(Phase::paused, paused->reason, paused->what);
    }
    if (!seen_.record || seen_.record->state == RecordState::accepted) {
        for (const auto type : {ConditionType::spec_valid, ConditionType::formed}) {
            const Condition* bad = condition(type);
            if (bad->status != Truth::yes && bad->reason != "NotStarted") {
                return conclude(Phase::pending, bad->reason, bad->message);
            }
        }
        const Condition* seen = condition(ConditionType::observed);
        const bool blind = seen->status != Truth::yes;
        return conclude(Phase::pending, blind ? seen->reason : "NotStarted",
                        blind ? seen->message : "no cluster was formed yet");
    }
    if (seen_.record->state == RecordState::forming) {
        const Condition* formed = condition(ConditionType::formed);
        return conclude(Phase::forming, formed->reason, formed->message);
    }
    phase_when_formed();
}

void Writer::operation() {
    if (!seen_.record || seen_.record->state != RecordState::forming) {
        return;
    }
    const FormingProgress progress = forming_progress(seen_);
    OperationStatus operation{"form", progress.done, progress.total, seen_.wall};
    if (before_ != nullptr && before_->current_operation &&
        before_->current_operation->kind == operation.kind) {
        operation.since = before_->current_operation->since;
    }
    status_.current_operation = operation;
}

void Writer::head() {
    status_.name = seen_.cluster;
    status_.spec_index = seen_.record ? seen_.record->spec_index : 0;
    status_.epoch = seen_.standing.epoch.value();
    status_.leader = seen_.standing.leader;
    status_.updated_at = seen_.wall;
    status_.primaries_wanted = spec_.primaries;
    status_.replicas_per_primary_wanted = spec_.replicas_per_primary;
    status_.engine = engine_of(seen_);
    status_.slots_assigned = static_cast<std::uint32_t>(slot_count - topology_.unowned.size());
    status_.slots_served = slots_served(seen_, topology_);
    status_.shards = shards_of(seen_, topology_);
    constexpr std::size_t instances_max = 512;  // Consul's value limit; see the design, 4.
    if (seen_.instances.size() <= instances_max) {
        status_.instances = instances_of(seen_);
    }
}

ClusterStatus Writer::write() {
    spec_ = spec_in_force(seen_).value_or(ClusterSpec{});
    head();
    spec_valid();
    formed();
    slots_covered();
    replicas_in_sync();
    balanced();
    spread();
    members_known();
    observed();
    phase();
    operation();
    return std::move(status_);
}

}  // namespace

ClusterStatus conditions(const Snapshot& seen, const Plan& plan, const ClusterStatus* before) {
    return Writer(seen, plan, before).write();
}

}  // namespace rop::reconcilers
