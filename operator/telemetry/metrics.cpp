#include "operator/telemetry/metrics.hpp"

#include <map>
#include <sstream>
#include <utility>

#include <prometheus/text_serializer.h>

#include "operator/telemetry/cluster_series.hpp"

namespace rop::telemetry {
namespace {

/// An age that goes on growing until it is reported anew.
struct Age {
    Gauge* gauge = nullptr;
    Seconds reported{0};
    Moment at{};
};

}  // namespace

std::string_view to_string(RoundOutcome outcome) {
    switch (outcome) {
        case RoundOutcome::quiet:
            return "quiet";
        case RoundOutcome::acted:
            return "acted";
        case RoundOutcome::failed:
            return "failed";
        case RoundOutcome::skipped:
            return "skipped";
    }
    return "";
}

std::string_view to_string(ActionOutcome outcome) {
    switch (outcome) {
        case ActionOutcome::done:
            return "done";
        case ActionOutcome::failed:
            return "failed";
        case ActionOutcome::fenced:
            return "fenced";
    }
    return "";
}

struct Metrics::Impl {
    explicit Impl(std::function<Moment()> clock)
        : now(std::move(clock)),
          families(registry),
          leading(families.leading.Add({})),
          epoch(families.epoch.Add({})) {}

    ClusterSeries& of(const ClusterName& name) {
        auto& series = clusters[name];
        if (!series) {
            series = std::make_unique<ClusterSeries>(families, name.value());
            Age& age = good_rounds[name];
            age.gauge = &series->good_round_age.at({{"cluster", name.value()}});
            report(age, Seconds{0});
        }
        return *series;
    }

    void report(Age& age, Seconds value) {
        age.reported = value;
        age.at = now ? now() : Moment{};
        age.gauge->Set(value.count());
    }

    void let_grow(Age& age) const {
        const Seconds since = now ? Seconds(now() - age.at) : Seconds{0};
        age.gauge->Set((age.reported + since).count());
    }

    std::function<Moment()> now;
    prometheus::Registry registry;  // Before everything that points into it.
    Families families;
    Gauge& leading;
    Gauge& epoch;
    std::map<ClusterName, std::unique_ptr<ClusterSeries>> clusters;
    std::map<ClusterName, Age> good_rounds;
    std::map<std::string, Age, std::less<>> watches;
    std::map<std::string, Counter*, std::less<>> watch_failures;
};

Metrics::Metrics(std::function<Moment()> now) : impl_(std::make_unique<Impl>(std::move(now))) {}
Metrics::~Metrics() = default;

void Metrics::round(const ClusterName& cluster, RoundOutcome outcome, Seconds took) {
    ClusterSeries& series = impl_->of(cluster);
    const Labels labels = series.by_outcome(to_string(outcome));
    series.rounds.at(labels).Increment();
    series.round_seconds.at(labels, seconds_buckets()).Observe(took.count());
}

void Metrics::action(const ClusterName& cluster, std::string_view kind, ActionOutcome outcome,
                     Seconds took) {
    ClusterSeries& series = impl_->of(cluster);
    series.actions
        .at({{"cluster", cluster.value()},
             {"kind", std::string(kind)},
             {"outcome", std::string(to_string(outcome))}})
        .Increment();
    series.action_seconds
        .at({{"cluster", cluster.value()}, {"kind", std::string(kind)}}, seconds_buckets())
        .Observe(took.count());
}

void Metrics::survey(const ClusterName& cluster, Seconds took) {
    impl_->of(cluster)
        .survey_seconds.at({{"cluster", cluster.value()}}, seconds_buckets())
        .Observe(took.count());
}

void Metrics::last_good_round(const ClusterName& cluster, Seconds ago) {
    impl_->of(cluster);
    impl_->report(impl_->good_rounds.at(cluster), ago);
}

void Metrics::watch_age(std::string_view watch, Seconds age) {
    const std::string name(watch);
    Age& known = impl_->watches[name];
    known.gauge = &impl_->families.watch_age.Add({{"kind", name}});
    impl_->report(known, age);
    impl_->watch_failures.try_emplace(name, &impl_->families.watch_failures.Add({{"kind", name}}));
}

void Metrics::watch_failed(std::string_view watch) {
    const std::string name(watch);
    impl_->watch_failures.try_emplace(name, &impl_->families.watch_failures.Add({{"kind", name}}))
        .first->second->Increment();
}

void Metrics::forget_watch(std::string_view watch) {
    if (const auto age = impl_->watches.find(watch); age != impl_->watches.end()) {
        impl_->families.watch_age.Remove(age->second.gauge);
        impl_->watches.erase(age);
    }
    if (const auto failures = impl_->watch_failures.find(watch);
        failures != impl_->watch_failures.end()) {
        impl_->families.watch_failures.Remove(failures->second);
        impl_->watch_failures.erase(failures);
    }
}

void Metrics::leader(bool leading, Epoch epoch) {
    impl_->leading.Set(leading ? 1 : 0);
    impl_->epoch.Set(static_cast<double>(epoch.value()));
}

void Metrics::cluster(const ClusterStatus& status) {
    impl_->of(status.name).show(status);
}

void Metrics::replication_lag(const ClusterName& cluster,
                              const std::map<InstanceId, std::uint64_t>& by_primary) {
    impl_->of(cluster).show_lags(by_primary);
}

void Metrics::forget_cluster(const ClusterName& cluster) {
    impl_->good_rounds.erase(cluster);
    impl_->clusters.erase(cluster);
}

std::string Metrics::text() const {
    for (auto& [name, age] : impl_->good_rounds) {
        impl_->let_grow(age);
    }
    for (auto& [name, age] : impl_->watches) {
        impl_->let_grow(age);
    }
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, impl_->registry.Collect());
    return out.str();
}

}  // namespace rop::telemetry
