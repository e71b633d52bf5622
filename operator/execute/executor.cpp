#include "operator/execute/executor.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "api/json/record_json.hpp"
#include "api/shortened.hpp"
#include "operator/runtime/all.hpp"

namespace rop::execute {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;

struct Executor::Job {
    SnapshotPtr seen;
    std::shared_ptr<const ports::Access> access;
    Epoch epoch;
    std::string connection_name;
    PlanOutcome outcome;
};

std::string connection_name(const InstallationId& installation, Epoch epoch) {
    return "redis-operator:" + installation.value() + ":" + std::to_string(epoch.value());
}

Executor::Executor(ExecutorPorts ports, ExecutorOptions options)
    : ports_(ports), options_(std::move(options)) {}

asio::awaitable<PlanOutcome> Executor::run(Plan plan, SnapshotPtr seen,
                                           std::shared_ptr<const ports::Access> access) {
    auto job = std::make_shared<Job>();
    job->seen = std::move(seen);
    job->access = std::move(access);
    job->epoch = job->seen->standing.epoch;
    job->connection_name = connection_name(job->seen->standing.installation, job->epoch);
    job->outcome.record_index = job->seen->record_index;
    for (auto& step : plan.steps) {
        StepOutcome outcome{
            std::string(kind_of(step.action)), to_string(step.action), step.reason, {}, {}};
        const Moment begun = ports_.time->now();
        const Result<> done = co_await run_step(job, std::move(step.action));
        outcome.took = ports_.time->now() - begun;
        if (done.has_error()) {
            outcome.failure = done.error();
        }
        job->outcome.steps.push_back(std::move(outcome));
        if (done.has_error()) {
            break;
        }
    }
    co_return std::move(job->outcome);
}

asio::awaitable<Result<>> Executor::run_step(std::shared_ptr<Job> job, Action action) {
    ROP_CO_TRY(Script script, write_script(action, *job->seen));
    for (auto& stage : script) {
        if (!may_write(job->epoch)) {
            co_return Error{ErrorKind::fenced, "leadership was lost before the first command"};
        }
        if (auto* redis = std::get_if<RedisStage>(&stage)) {
            ROP_CO_TRY(co_await run_stage(job, std::move(*redis)));
        } else if (auto* write = std::get_if<WriteRecord>(&stage)) {
            ROP_CO_TRY(co_await run_stage(job, std::move(*write)));
        } else {
            ROP_CO_TRY(co_await run_stage(job, std::get<RaiseCount>(std::move(stage))));
        }
    }
    co_return ok();
}

/// A dead receiver does not keep the others of the stage from theirs; waiting for answers ends
/// with the lease.
asio::awaitable<Result<>> Executor::run_stage(std::shared_ptr<Job> job, RedisStage stage) {
    auto errors = std::make_shared<std::vector<Error>>();
    std::vector<asio::awaitable<void>> tasks;
    for (auto& batch : stage) {
        tasks.push_back(send_batch(job, std::move(batch), errors));
    }
    co_await (runtime::all(std::move(tasks)) || ports_.lease->lost());
    if (!may_write(job->epoch)) {
        co_return Error{ErrorKind::fenced, "leadership was lost before every answer was there"};
    }
    if (errors->empty()) {
        co_return ok();
    }
    Error first = errors->front();
    if (errors->size() > 1) {
        first.what += " (and " + std::to_string(errors->size() - 1) + " more failed)";
    }
    co_return first;
}

asio::awaitable<void> Executor::send_batch(std::shared_ptr<Job> job, Batch batch,
                                           std::shared_ptr<std::vector<Error>> errors) {
    ports::RedisRequest request;
    request.to = batch.to;
    request.access = job->access;
    request.connection_name = job->connection_name;
    request.deadline = options_.redis_deadline;
    for (const auto& command : batch.commands) {
        request.commands.push_back(command.words);
    }
    request.may_write = [this, epoch = job->epoch] { return may_write(epoch); };
    const ports::RedisOutcome outcome = co_await ports_.redis->send(std::move(request));
    const std::string where = to_string(batch.to);
    for (std::size_t i = 0; i < outcome.replies.size() && i < batch.commands.size(); ++i) {
        const ports::Reply& reply = outcome.replies[i];
        const Command& sent = batch.commands[i];
        const bool was_so = !sent.already_so.empty() && reply.text.starts_with(sent.already_so);
        if (reply.is_error() && !was_so) {
            const std::string name = sent.words.at(0) + " " + sent.words.at(1);
            errors->push_back(
                Error{ErrorKind::rejected, name + " at " + where + ": " + shortened(reply.text)});
        }
    }
    if (outcome.failure) {
        errors->push_back(in_context(where, *outcome.failure));
    }
}

asio::awaitable<Result<>> Executor::run_stage(std::shared_ptr<Job> job, WriteRecord write) {
    const std::string key =
        options_.kv_prefix + "clusters/" + job->seen->cluster.value() + "/record";
    const std::uint64_t index = job->outcome.record_index;
    const std::string session = options_.session();
    if (session.empty()) {  // Consul takes it for the session of a lock that nobody holds.
        co_return Error{ErrorKind::fenced, "leadership was lost before the record was written"};
    }
    std::vector<ports::TxnOp> operations;
    operations.emplace_back(ports::KvCheckSession{options_.lock_key, session});
    operations.emplace_back(ports::KvCas{key, json::write_record(write.record), index});
    const Result<ports::TxnAnswer> answer = co_await ports_.consul->txn(std::move(operations));
    if (answer.has_error()) {
        job->outcome.record_unknown = true;
        co_return in_context("write record", answer.error());
    }
    if (!answer.value().applied) {
        job->outcome.record_unknown = true;
        std::string why = "write record: ";
        for (const auto& error : answer.value().errors) {
            why += error + "; ";
        }
        co_return Error{ErrorKind::rejected, why};
    }
    for (const auto& entry : answer.value().entries) {
        if (entry.key == key) {
            job->outcome.record_index = entry.modify_index;
            job->outcome.record = write.record;
            co_return ok();
        }
    }
    job->outcome.record_unknown = true;
    co_return Error{ErrorKind::malformed, "write record: the answer does not name the new index"};
}

asio::awaitable<Result<>> Executor::run_stage(std::shared_ptr<Job> job, RaiseCount raise) {
    if (ports_.nomad == nullptr) {
        co_return Error{ErrorKind::rejected, "Nomad is not configured: set NOMAD_ADDR"};
    }
    const std::string message = "redis-operator: cluster " + job->seen->cluster.value() +
                                " declares " + std::to_string(raise.to) + " instances";
    co_return co_await ports_.nomad->scale(raise.target, raise.to, raise.job_modify_index, message);
}

}  // namespace rop::execute
