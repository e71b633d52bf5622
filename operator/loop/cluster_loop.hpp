#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "operator/execute/executor.hpp"
#include "operator/loop/claims.hpp"
#include "operator/loop/core.hpp"
#include "operator/loop/documents.hpp"
#include "operator/loop/publisher.hpp"
#include "operator/loop/sources.hpp"
#include "operator/runtime/bell.hpp"

namespace rop::loop {

/// What all loops of one operator share. Everything outlives the loops.
struct LoopContext {
    Ports ports;
    const CoreOptions* options = nullptr;
    Leadership* leadership = nullptr;
    telemetry::Metrics* metrics = nullptr;  // May be null.
    const NodesWatch* nodes = nullptr;      // Null without Nomad.
    Claims* claims = nullptr;
};

/// Observe, decide, act, for one cluster: one round at a time, at its own pace. A slow cluster
/// delays nobody else.
class ClusterLoop {
  public:
    ClusterLoop(LoopContext context, ClusterName name);

    /// What Consul KV holds now; rings when a round must look at it.
    void update(Documents documents, const View& kv);
    void ring() { bell_.ring(); }

    /// Runs until stopped.
    boost::asio::awaitable<void> run();
    /// After run() was stopped: ends what it left watching.
    void stop_sources();
    boost::asio::awaitable<void> join_sources();

    [[nodiscard]] const ClusterView& view() const { return view_; }
    [[nodiscard]] std::vector<Endpoint> endpoints() const;
    /// Why this loop does not see what it needs; empty when it does.
    [[nodiscard]] std::string not_live() const {
        return view_.status || sources_.follows_any() ? sources_.not_live() : "not watching yet";
    }
    void forget_watches(telemetry::Metrics& metrics);

  private:
    boost::asio::awaitable<void> guarded_round();
    boost::asio::awaitable<void> round();
    boost::asio::awaitable<SnapshotPtr> observe(ClusterSpec spec);
    boost::asio::awaitable<SnapshotPtr> confirm_absences(ClusterSpec spec, SnapshotPtr seen);
    boost::asio::awaitable<void> act(Plan plan, SnapshotPtr seen);
    boost::asio::awaitable<void> reread_record();
    boost::asio::awaitable<void> wait_for_round(Moment wake);
    boost::asio::awaitable<void> publish();

    void fold_outcome(const Plan& plan, const execute::PlanOutcome& outcome);
    void watch_for_greater_epochs(const Snapshot& seen);
    void conclude(SnapshotPtr seen, Plan plan);
    [[nodiscard]] observe::Observations collect(const ClusterSpec& spec) const;
    [[nodiscard]] std::optional<ClusterSpec> wanted() const;
    [[nodiscard]] Moment next_round() const;
    [[nodiscard]] Result<ports::AccessPtr> access_to(const ClusterSpec& spec) const;
    [[nodiscard]] bool has_new_access() const;

    LoopContext context_;
    ClusterName name_;
    runtime::Bell bell_;
    Sources sources_;
    SecretSource secret_;
    execute::Executor executor_;
    Publisher publisher_;
    Documents documents_;
    View kv_;
    ClusterView view_;
    ClusterSpec looked_with_;  // The spec of the last round,
    ports::AccessPtr access_;  // and what it got in with.
    std::shared_ptr<EventLog> events_ = std::make_shared<EventLog>();
    std::map<std::string, Setback> setbacks_;
    std::set<InstanceId> confirmed_absent_;
    Moment last_confirmation_{};
    Moment last_round_{};
    std::optional<Moment> last_good_;
    std::optional<Moment> publish_again_;
    bool acted_ = false;
    bool was_leading_ = false;
    bool record_unknown_ = false;
};

}  // namespace rop::loop
