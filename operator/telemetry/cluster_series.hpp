#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include "api/ids.hpp"
#include "api/status.hpp"

// What is behind telemetry::Metrics; for metrics.cpp alone, because it shows prometheus-cpp.
namespace rop::telemetry {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::Labels;

/// From a quiet round on loopback to an action that waits for its deadline.
[[nodiscard]] const Histogram::BucketBoundaries& seconds_buckets();

/// The series of one family that belong to one cluster; taken away together.
template <class Kind>
class Series {
  public:
    explicit Series(Family<Kind>& family) : family_(&family) {}
    Series(const Series&) = delete;
    Series& operator=(const Series&) = delete;
    ~Series() { clear(); }

    template <class... Settings>
    Kind& at(const Labels& labels, const Settings&... settings) {
        const auto known = series_.find(labels);
        if (known != series_.end()) {
            return *known->second;
        }
        return *series_.emplace(labels, &family_->Add(labels, settings...)).first->second;
    }

    /// Leaves exactly `values`: what is shown no more must not stand at its last value.
    void replace(const std::map<Labels, double>& values) {
        std::erase_if(series_, [&](const auto& entry) {
            const bool gone = !values.contains(entry.first);
            if (gone) {
                family_->Remove(entry.second);
            }
            return gone;
        });
        for (const auto& [labels, value] : values) {
            at(labels).Set(value);
        }
    }

    void clear() {
        for (const auto& [labels, one] : series_) {
            family_->Remove(one);
        }
        series_.clear();
    }

  private:
    Family<Kind>* family_;
    std::map<Labels, Kind*> series_;
};

/// One member per metric of docs/reference/metrics.md.
struct Families {
    explicit Families(prometheus::Registry& registry);

    Family<Counter>& rounds;
    Family<Histogram>& round_seconds;
    Family<Counter>& actions;
    Family<Histogram>& action_seconds;
    Family<Histogram>& survey_seconds;
    Family<Gauge>& good_round_age;
    Family<Gauge>& watch_age;
    Family<Counter>& watch_failures;
    Family<Gauge>& leading;
    Family<Gauge>& epoch;
    Family<Gauge>& phase;
    Family<Gauge>& condition;
    Family<Gauge>& slots_assigned;
    Family<Gauge>& slots_served;
    Family<Gauge>& instances_wanted;
    Family<Gauge>& instances;
    Family<Gauge>& instance_states;
    Family<Gauge>& instance_healthy;
    Family<Gauge>& replicas_in_sync;
    Family<Gauge>& replication_lag;
};

/// All series of one cluster.
struct ClusterSeries {
    ClusterSeries(Families& families, const std::string& name);

    void show(const ClusterStatus& status);
    void show_lags(const std::map<InstanceId, std::uint64_t>& by_primary);
    [[nodiscard]] Labels by_outcome(std::string_view outcome) const;

    std::string cluster;
    Series<Counter> rounds;
    Series<Histogram> round_seconds;
    Series<Counter> actions;
    Series<Histogram> action_seconds;
    Series<Histogram> survey_seconds;
    Series<Gauge> good_round_age;
    Series<Gauge> phase;
    Series<Gauge> condition;
    Series<Gauge> numbers_assigned;
    Series<Gauge> numbers_served;
    Series<Gauge> numbers_wanted;
    Series<Gauge> instances;
    Series<Gauge> instance_states;
    Series<Gauge> instance_healthy;
    Series<Gauge> replicas_in_sync;
    Series<Gauge> replication_lag;
};

}  // namespace rop::telemetry
