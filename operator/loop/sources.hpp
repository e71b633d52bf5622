#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/spec.hpp"
#include "operator/loop/ports.hpp"
#include "operator/loop/watch_report.hpp"
#include "operator/observe/snapshot_builder.hpp"
#include "operator/observe/watch.hpp"
#include "operator/runtime/bell.hpp"
#include "operator/runtime/task_group.hpp"

namespace rop::telemetry {
class Metrics;
}

namespace rop::loop {

using NodesWatch = observe::Watch<std::vector<ports::NomadNode>>;

/// What is watched for one cluster: the health of its service and the allocations of its job.
class Sources {
  public:
    /// `ring` is called whenever something changed.
    Sources(Ports ports, const NodesWatch* nodes, std::function<void()> ring);

    /// Watches what `spec` names from now on. Cheap when that is what is watched already.
    boost::asio::awaitable<void> follow(ClusterSpec spec);

    /// The group's count was changed, or may have been: asks for it now. Until Nomad answers, what
    /// it accepted counts: asked for once more, it would deploy once more.
    void expect_new_count(std::optional<std::uint32_t> accepted);

    /// Details that lists of Nomad nodes leave out, for placement.spread "meta.<key>".
    boost::asio::awaitable<void> refresh_hosts(ClusterSpec spec);

    /// Puts what is known into `seen`.
    void fill(const ClusterSpec& spec, observe::Observations& seen) const;

    /// Every source answered, or failed, at least once.
    [[nodiscard]] bool ready() const;

    /// Why what is watched for the cluster is not live; empty when it is, or when no spec says
    /// what to watch.
    [[nodiscard]] std::string not_live() const;
    [[nodiscard]] bool follows_any() const { return health_ != nullptr; }

    void report(telemetry::Metrics& metrics);
    /// Takes the watches out of the metrics: they end.
    void forget(telemetry::Metrics& metrics) { report_.forget_all(metrics); }

    void stop() { tasks_.stop(); }
    boost::asio::awaitable<void> join() { return tasks_.join(); }

  private:
    /// No watch tells a group's count: it is asked for whenever its allocations change.
    boost::asio::awaitable<void> keep_asking_for_count();

    [[nodiscard]] bool with_nomad(const ClusterSpec& spec) const {
        return spec.nomad && ports_.nomad != nullptr;
    }

    Ports ports_;
    const NodesWatch* nodes_;
    std::function<void()> ring_;
    runtime::TaskGroup tasks_;
    std::string service_;
    std::optional<NomadTarget> target_;
    std::unique_ptr<observe::Watch<std::vector<ports::ServiceEntry>>> health_;
    std::unique_ptr<observe::Watch<std::vector<ports::Allocation>>> allocations_;
    WatchReport report_;
    std::optional<GroupFacts> group_;
    std::string group_problem_;
    bool group_asked_ = false;
    bool broken_ = false;  // A watch ended by a bug: nothing of it is believed any longer.
    runtime::Bell group_bell_;
    std::map<std::string, ports::NomadNode> hosts_;  // Details by node id.
};

}  // namespace rop::loop
