#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/plan.hpp"
#include "api/snapshot.hpp"
#include "operator/execute/lease.hpp"
#include "operator/execute/script.hpp"
#include "operator/ports/consul.hpp"
#include "operator/ports/nomad.hpp"
#include "operator/ports/redis.hpp"
#include "operator/ports/time.hpp"

namespace rop::execute {

struct ExecutorPorts {
    ports::TimePort* time = nullptr;
    ports::RedisPort* redis = nullptr;
    ports::ConsulPort* consul = nullptr;
    ports::NomadPort* nomad = nullptr;  // Null: not configured.
    Lease* lease = nullptr;
};

struct ExecutorOptions {
    std::string kv_prefix = "redis-operator/";
    std::string lock_key;
    std::function<std::string()> session;  // Ours, for check-session in every write.
    std::chrono::milliseconds redis_deadline{1'000};
};

/// How one step ended. No failure: done.
struct StepOutcome {
    std::string kind;    // kind_of(action)
    std::string what;    // to_string(action)
    std::string reason;  // The step's.
    std::optional<Error> failure;
    std::chrono::microseconds took{0};
};

struct PlanOutcome {
    std::vector<StepOutcome> steps;  // The last one may have failed; those after it were not begun.
    /// ModifyIndex of the record after our writes, and the record itself, when one was written.
    std::optional<Record> record;
    std::uint64_t record_index = 0;
    bool record_unknown = false;  // A record write got no clear answer: read it again first.

    [[nodiscard]] bool failed() const { return !steps.empty() && steps.back().failure; }
    [[nodiscard]] bool fenced() const {
        return failed() && steps.back().failure->kind == ErrorKind::fenced;
    }
};

/// The name under which a leader's connections may be ended by its successor.
[[nodiscard]] std::string connection_name(const InstallationId& installation, Epoch epoch);

/// Carries plans out: asks the lease before every write, stops at the first failure.
class Executor {
  public:
    Executor(ExecutorPorts ports, ExecutorOptions options);

    /// The plan must be based on `seen`, and on the epoch in which we lead now.
    boost::asio::awaitable<PlanOutcome> run(Plan plan, SnapshotPtr seen,
                                            std::shared_ptr<const ports::Access> access);

  private:
    struct Job;  // What run() carries from step to step.

    boost::asio::awaitable<Result<>> run_step(std::shared_ptr<Job> job, Action action);
    boost::asio::awaitable<Result<>> run_stage(std::shared_ptr<Job> job, RedisStage stage);
    boost::asio::awaitable<Result<>> run_stage(std::shared_ptr<Job> job, WriteRecord write);
    boost::asio::awaitable<Result<>> run_stage(std::shared_ptr<Job> job, RaiseCount raise);
    boost::asio::awaitable<void> send_batch(std::shared_ptr<Job> job, Batch batch,
                                            std::shared_ptr<std::vector<Error>> errors);

    [[nodiscard]] bool may_write(Epoch epoch) const {
        return ports_.lease->held() && ports_.lease->epoch() == epoch;
    }

    ExecutorPorts ports_;
    ExecutorOptions options_;
};

}  // namespace rop::execute
