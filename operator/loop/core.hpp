#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/plan.hpp"
#include "api/snapshot.hpp"
#include "api/status.hpp"
#include "operator/loop/leadership.hpp"
#include "operator/loop/ports.hpp"
#include "operator/loop/secret_source.hpp"

namespace rop::telemetry {
class Metrics;
}

namespace rop::loop {

struct CoreOptions {
    LeadershipOptions leadership;
    std::chrono::milliseconds resync{10'000};         // At least one round per cluster this often.
    std::chrono::milliseconds redis_deadline{1'000};  // For one batch to one instance.
    /// How to get into the instances of a spec; the error names references, never a secret. Files
    /// and variables are its business, what Consul or Nomad keeps is given. The same object as
    /// long as nothing changed. Called at every round and between: it must be cheap.
    std::function<Result<ports::AccessPtr>(const ClusterSpec&, FetchedSecret)> access;
};

/// The newest of everything about one cluster, for HTTP and the simulator's oracles.
struct ClusterView {
    SnapshotPtr snapshot;
    std::shared_ptr<const Plan> plan;
    std::shared_ptr<const ClusterStatus> status;
    std::vector<Event> events;
};

/// The operator without its outside: watches, leads, and runs one loop per declared cluster.
/// Everything it knows of the world comes through the ports.
class Core {
  public:
    virtual ~Core() = default;

    /// Runs until stop(); gives the lock back before it returns.
    virtual boost::asio::awaitable<void> run() = 0;
    virtual void stop() = 0;

    [[nodiscard]] virtual std::map<ClusterName, ClusterView> clusters() const = 0;
    [[nodiscard]] virtual Standing standing() const = 0;
    /// Empty when all watches are live and a leader is known; else what is missing, in words.
    [[nodiscard]] virtual std::string not_ready() const = 0;
};

/// `metrics` may be null (tests).
[[nodiscard]] std::unique_ptr<Core> make_core(Ports ports, CoreOptions options,
                                              telemetry::Metrics* metrics);

}  // namespace rop::loop
