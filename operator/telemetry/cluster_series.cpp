#include "operator/telemetry/cluster_series.hpp"

#include <array>
#include <string_view>

#include "api/plan.hpp"
#include "operator/telemetry/metrics.hpp"

namespace rop::telemetry {
namespace {

using prometheus::Registry;

constexpr std::array round_outcomes{RoundOutcome::quiet, RoundOutcome::acted, RoundOutcome::failed,
                                    RoundOutcome::skipped};
constexpr std::array action_outcomes{ActionOutcome::done, ActionOutcome::failed,
                                     ActionOutcome::fenced};
constexpr std::array phases{Phase::pending,  Phase::forming,     Phase::ready,
                            Phase::scaling,  Phase::rebalancing, Phase::rolling,
                            Phase::degraded, Phase::down,        Phase::paused};
constexpr std::array condition_types{ConditionType::spec_valid,    ConditionType::formed,
                                     ConditionType::slots_covered, ConditionType::replicas_in_sync,
                                     ConditionType::balanced,      ConditionType::spread,
                                     ConditionType::members_known, ConditionType::observed};
constexpr std::array truths{Truth::yes, Truth::no, Truth::unknown};
constexpr std::array<std::string_view, 3> roles{"primary", "replica", "none"};
constexpr std::array<std::string_view, 2> healths{"healthy", "unhealthy"};

Family<Counter>& counter(Registry& registry, const char* name, const char* what) {
    return prometheus::BuildCounter().Name(name).Help(what).Register(registry);
}

Family<Gauge>& gauge(Registry& registry, const char* name, const char* what) {
    return prometheus::BuildGauge().Name(name).Help(what).Register(registry);
}

Family<Histogram>& histogram(Registry& registry, const char* name, const char* what) {
    return prometheus::BuildHistogram().Name(name).Help(what).Register(registry);
}

}  // namespace

const Histogram::BucketBoundaries& seconds_buckets() {
    static const Histogram::BucketBoundaries buckets{0.001, 0.005, 0.01, 0.05, 0.1,
                                                     0.25,  0.5,   1,    2.5,  10};
    return buckets;
}

// The words after a name are the ones that docs/reference/metrics.md shows.
Families::Families(Registry& registry)
    : rounds(counter(registry, "redis_operator_rounds_total", "Rounds, by how they ended.")),
      round_seconds(histogram(registry, "redis_operator_round_duration_seconds",
                              "How long rounds took, survey included, by how they ended.")),
      actions(counter(registry, "redis_operator_actions_total",
                      "Actions carried out, by kind and by how they ended.")),
      action_seconds(histogram(registry, "redis_operator_action_duration_seconds",
                               "How long actions took, by kind.")),
      survey_seconds(histogram(registry, "redis_operator_survey_duration_seconds",
                               "How long it took to ask all instances of a cluster.")),
      good_round_age(gauge(registry, "redis_operator_last_good_round_age_seconds",
                           "Time since the last good round, or since the cluster was declared.")),
      watch_age(gauge(registry, "redis_operator_watch_age_seconds",
                      "Age of the newest answer of a watch.")),
      watch_failures(counter(registry, "redis_operator_watch_failures_total",
                             "Answers of a watch that were errors.")),
      leading(gauge(registry, "redis_operator_leading", "1 while this operator leads, else 0.")),
      epoch(gauge(registry, "redis_operator_epoch", "Epoch of the leader known here.")),
      phase(gauge(registry, "redis_operator_cluster_phase",
                  "1 for the phase that the cluster is in, 0 for all others.")),
      condition(gauge(registry, "redis_operator_cluster_condition",
                      "1 for what a condition says, 0 for what it does not say.")),
      slots_assigned(gauge(registry, "redis_operator_slots_assigned", "Slots that have an owner.")),
      slots_served(
          gauge(registry, "redis_operator_slots_served", "Slots whose owner answers and serves.")),
      instances_wanted(gauge(registry, "redis_operator_instances_wanted",
                             "Instances that the spec in force asks for.")),
      instances(gauge(registry, "redis_operator_instances", "Instances, by role and by health.")),
      instance_states(gauge(registry, "redis_operator_instance_states", "Instances, by state.")),
      instance_healthy(gauge(registry, "redis_operator_instance_healthy",
                             "1 while the instance's state is ok, else 0.")),
      replicas_in_sync(gauge(registry, "redis_operator_replicas_in_sync",
                             "Replicas that follow their primary without a gap.")),
      replication_lag(gauge(registry, "redis_operator_replication_lag_bytes",
                            "Bytes that the last replica of a shard is behind its primary.")) {}

ClusterSeries::ClusterSeries(Families& families, const std::string& name)
    : cluster(name),
      rounds(families.rounds),
      round_seconds(families.round_seconds),
      actions(families.actions),
      action_seconds(families.action_seconds),
      survey_seconds(families.survey_seconds),
      good_round_age(families.good_round_age),
      phase(families.phase),
      condition(families.condition),
      numbers_assigned(families.slots_assigned),
      numbers_served(families.slots_served),
      numbers_wanted(families.instances_wanted),
      instances(families.instances),
      instance_states(families.instance_states),
      instance_healthy(families.instance_healthy),
      replicas_in_sync(families.replicas_in_sync),
      replication_lag(families.replication_lag) {
    for (const auto outcome : round_outcomes) {
        rounds.at(by_outcome(to_string(outcome)));
        round_seconds.at(by_outcome(to_string(outcome)), seconds_buckets());
    }
    survey_seconds.at({{"cluster", cluster}}, seconds_buckets());
    for (const auto kind : action_kinds()) {
        for (const auto outcome : action_outcomes) {
            actions.at({{"cluster", cluster},
                        {"kind", std::string(kind)},
                        {"outcome", std::string(to_string(outcome))}});
        }
        action_seconds.at({{"cluster", cluster}, {"kind", std::string(kind)}}, seconds_buckets());
    }
    show(ClusterStatus{});
    phase.at({{"cluster", cluster}, {"kind", std::string(to_string(Phase::pending))}}).Set(0);
}

Labels ClusterSeries::by_outcome(std::string_view outcome) const {
    return {{"cluster", cluster}, {"outcome", std::string(outcome)}};
}

void ClusterSeries::show_lags(const std::map<InstanceId, std::uint64_t>& by_primary) {
    std::map<Labels, double> lags;
    for (const auto& [primary, bytes] : by_primary) {
        lags[{{"cluster", cluster}, {"shard", primary.value()}}] = static_cast<double>(bytes);
    }
    replication_lag.replace(lags);
}

void ClusterSeries::show(const ClusterStatus& status) {
    const auto labelled = [&](std::string_view kind) {
        return Labels{{"cluster", cluster}, {"kind", std::string(kind)}};
    };
    for (const auto one : phases) {
        phase.at(labelled(to_string(one))).Set(one == status.phase ? 1 : 0);
    }

    std::map<Labels, double> conditions;
    for (const auto type : condition_types) {
        for (const auto truth : truths) {
            Labels labels = labelled(to_string(type));
            labels.emplace("outcome", to_string(truth));
            conditions[labels] = 0;
        }
    }
    for (const auto& one : status.conditions) {
        Labels labels = labelled(to_string(one.type));
        labels.emplace("outcome", to_string(one.status));
        conditions[labels] = 1;
    }
    condition.replace(conditions);

    std::map<Labels, double> by_role;
    const auto in_role = [&](std::string_view role, std::string_view health) {
        Labels labels = labelled(role);
        labels.emplace("outcome", health);
        return labels;
    };
    for (const auto role : roles) {
        for (const auto health : healths) {
            by_role[in_role(role, health)] = 0;
        }
    }
    std::map<Labels, double> by_state{{labelled("ok"), 0}};
    std::map<Labels, double> healthy;
    for (const auto& instance : status.instances) {
        const bool is_healthy = instance.state == "ok";
        by_role[in_role(instance.role, healths[is_healthy ? 0 : 1])] += 1;
        by_state[labelled(instance.state)] += 1;
        healthy[{{"cluster", cluster}, {"instance_id", instance.instance.value()}}] =
            is_healthy ? 1 : 0;
    }
    instances.replace(by_role);
    instance_states.replace(by_state);
    instance_healthy.replace(healthy);

    double in_sync = 0;
    for (const auto& shard : status.shards) {
        for (const auto& replica : shard.replicas) {
            in_sync += replica.in_sync ? 1 : 0;
        }
    }
    const Labels plain{{"cluster", cluster}};
    replicas_in_sync.at(plain).Set(in_sync);
    numbers_assigned.at(plain).Set(status.slots_assigned);
    numbers_served.at(plain).Set(status.slots_served);
    numbers_wanted.at(plain).Set(status.primaries_wanted *
                                 (1.0 + status.replicas_per_primary_wanted));
}

}  // namespace rop::telemetry
