#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/ids.hpp"
#include "api/status.hpp"
#include "api/time.hpp"

namespace rop::telemetry {

/// Any span converts to it: metrics are in seconds, as Prometheus wants them.
using Seconds = std::chrono::duration<double>;

/// How one round of one cluster ended.
enum class RoundOutcome {
    quiet,    // Nothing to do.
    acted,    // Every step of the plan was carried out.
    failed,   // A step failed; the next round sees what really happened.
    skipped,  // Somebody else leads, or the view forbids acting.
};

enum class ActionOutcome { done, failed, fenced };

[[nodiscard]] std::string_view to_string(RoundOutcome outcome);
[[nodiscard]] std::string_view to_string(ActionOutcome outcome);

/// Everything that is measured, by the names of docs/reference/metrics.md. Single-threaded.
/// A cluster's series appear, all at 0, with the first call that names it.
class Metrics {
  public:
    /// `now` lets ages grow between two calls that report them, so that a watch or a loop that
    /// hangs is seen to hang; without it an age stands as it was last reported.
    explicit Metrics(std::function<Moment()> now = {});
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    void round(const ClusterName& cluster, RoundOutcome outcome, Seconds took);
    /// `kind` is a word of rop::action_kinds().
    void action(const ClusterName& cluster, std::string_view kind, ActionOutcome outcome,
                Seconds took);
    /// From the first question to the last answer of all instances.
    void survey(const ClusterName& cluster, Seconds took);
    /// How long ago the last good round of `cluster` ended: nothing failed, and what Consul said
    /// was certain. Until there is one, the age counts from the first call for this cluster.
    void last_good_round(const ClusterName& cluster, Seconds ago);

    /// How old the newest answer of a watch is ("specs", "nomad-nodes", "service redis-cache").
    void watch_age(std::string_view watch, Seconds age);
    void watch_failed(std::string_view watch);
    void forget_watch(std::string_view watch);

    /// Whether we lead, and the epoch of the leader as far as we know it.
    void leader(bool leading, Epoch epoch);

    /// Replaces every gauge that shows the status of this cluster.
    void cluster(const ClusterStatus& status);
    /// Replaces what is shown of its shards: how many bytes the last replica is behind, by primary.
    void replication_lag(const ClusterName& cluster,
                         const std::map<InstanceId, std::uint64_t>& by_primary);
    /// Takes every series of a cluster away: its spec was deleted.
    void forget_cluster(const ClusterName& cluster);

    /// All of it in Prometheus' text format 0.0.4, as /metrics serves it.
    [[nodiscard]] std::string text() const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rop::telemetry
