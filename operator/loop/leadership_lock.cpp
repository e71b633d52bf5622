// Follow, take, prove and tell: who has the lock, and whether it is us.

#include <utility>

#include "operator/loop/leadership_shell.hpp"
#include "operator/runtime/within.hpp"
#include "operator/telemetry/log.hpp"

namespace rop::loop {

namespace asio = boost::asio;

namespace {

// Waking by the watch is what counts; this is for what a watch does not show, like the end of a
// lock-delay that another kind of holder had set.
constexpr std::chrono::milliseconds take_retry{5'000};

}  // namespace

void LeadershipShell::lock_changed() {
    if (lock_.value()) {
        state_.saw_lock(*lock_.value());
    }
    if (state_.holds_lock()) {
        prove_bell_.ring();
    } else {
        take_bell_.ring();
    }
    changed();
}

asio::awaitable<void> LeadershipShell::take() {
    for (;;) {
        std::chrono::microseconds pause =
            take_retry - std::chrono::milliseconds(random_->next() % 1'000);
        if (state_.wants_lock()) {
            const Result<void> done = co_await take_once();
            if (done.has_error()) {
                pause = take_backoff_.next(random_->next());
                note_refusal(take_trouble_, take_backoff_, done.error());
            } else {
                take_backoff_.reset();
                take_trouble_.over();
            }
        }
        co_await take_bell_.wait_until(time_->now() + pause);
    }
}

asio::awaitable<Result<void>> LeadershipShell::take_once() {
    const Moment sent = time_->now();
    ROP_CO_TRY(LockEntry lock, co_await read(state_.lock_key()));
    if (!state_.wants_lock()) {
        co_return ok();
    }
    if (state_.is_ours(lock)) {
        state_.adopted(lock, sent, time_->now());
        took_lock();
        co_return ok();
    }
    if (LeaderState::is_free(lock) || lock->session == state_.session()) {
        co_return co_await send_attempt(std::move(lock));
    }
    if (state_.installation().value().empty()) {
        ROP_CO_TRY(LockEntry installation, co_await read(state_.installation_key()));
        state_.saw_installation(installation);
        changed();
    }
    co_return ok();
}

asio::awaitable<Result<void>> LeadershipShell::send_attempt(LockEntry lock) {
    Ground ground;
    ground.lock = std::move(lock);
    ROP_CO_TRY(ground.epoch, co_await read(state_.epoch_key()));
    ROP_CO_TRY(ground.installation, co_await read(state_.installation_key()));
    if (!LeaderState::is_counted(ground)) {
        ROP_CO_TRY(ground.written, co_await read_written());
    }
    if (!state_.wants_lock()) {
        co_return ok();
    }
    const std::string session = state_.session();
    std::vector<ports::TxnOp> operations = state_.attempt(ground, random_->next()).operations;
    const Moment sent = time_->now();
    // Without an answer the outcome is unknown: the next round reads the lock first.
    ROP_CO_TRY(
        ports::TxnAnswer answer,
        co_await runtime::within(time_, options_.times.lease, consul_->txn(std::move(operations))));
    if (!answer.applied) {
        keep_bell_.ring();  // It may be the session that is refused.
        co_return Error{ErrorKind::rejected,
                        answer.errors.empty() ? "not applied" : answer.errors.front()};
    }
    if (state_.session() == session && state_.taken(sent, time_->now())) {
        took_lock();
    }
    co_return ok();
}

asio::awaitable<Result<LockEntry>> LeadershipShell::read(std::string key) {
    ports::BlockingQuery query;
    query.consistent = true;
    ROP_CO_TRY(ports::Page<LockEntry> page,
               co_await runtime::within(time_, options_.times.lease / 2,
                                        consul_->kv_get(std::move(key), query)));
    co_return std::move(page.value);
}

/// Of all clusters, which may be much: only for the case that the count itself is in doubt.
asio::awaitable<Result<Epoch>> LeadershipShell::read_written() {
    ports::BlockingQuery query;
    query.consistent = true;
    ROP_CO_TRY(ports::Page<std::vector<ports::KvEntry>> page,
               co_await runtime::within(time_, options_.times.give_up,
                                        consul_->kv_list(state_.clusters_key(), query)));
    co_return greatest_written(page.value);
}

void LeadershipShell::took_lock() {
    log::info("took the lock", {{"epoch", epoch().value()},
                                {"instance", instance_},
                                {"installation", state_.installation().value()}});
    keep_bell_.ring();
    tell_bell_.ring();
    changed();
}

asio::awaitable<void> LeadershipShell::prove() {
    using Verdict = LeaderState::Verdict;
    for (;;) {
        const Moment sent = time_->now();
        auto pace = options_.times.beat;
        if (state_.holds_lock()) {
            const Verdict verdict = co_await prove_once();
            if (verdict == Verdict::ask_again) {
                continue;  // Once: then it is lost or proven.
            }
            pace = verdict == Verdict::nothing ? pace / 2 : pace;
        }
        co_await prove_bell_.wait_until(sent + pace);
    }
}

asio::awaitable<LeaderState::Verdict> LeadershipShell::prove_once() {
    const std::uint64_t hold = state_.hold();
    ports::BlockingQuery query;
    query.consistent = true;
    const Moment sent = time_->now();
    const LockAnswer answer = co_await runtime::within(time_, options_.times.lease / 2,
                                                       consul_->kv_get(state_.lock_key(), query));
    if (answer.has_error()) {
        prove_trouble_.failed(answer.error());
    } else {
        prove_trouble_.over();
    }
    const LeaderState::Verdict verdict = state_.judge(answer, sent, hold);
    if (verdict == LeaderState::Verdict::lost) {
        lost_lock(*state_.loss());
    } else {
        changed();  // A lease that had run out may be there again.
    }
    co_return verdict;
}

asio::awaitable<void> LeadershipShell::tell() {
    for (;;) {
        const Moment now = time_->now();
        if (const std::optional<Loss> loss = state_.tick(now)) {
            lost_lock(*loss);
        }
        changed();
        const std::optional<Moment> next = state_.next_change(now);
        if (next) {
            co_await tell_bell_.wait_until(*next);
        } else {
            co_await tell_bell_.wait();
        }
    }
}

}  // namespace rop::loop
