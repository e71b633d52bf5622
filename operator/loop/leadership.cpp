#include "operator/loop/leadership.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include "api/duration.hpp"
#include "operator/loop/leadership_shell.hpp"
#include "operator/runtime/task_group.hpp"
#include "operator/runtime/within.hpp"
#include "operator/telemetry/log.hpp"

namespace rop::loop {

namespace asio = boost::asio;

namespace {

// Leaving takes at most a second, even when nobody answers.
constexpr std::chrono::milliseconds time_to_unlock{700};
constexpr std::chrono::milliseconds time_to_deregister{250};

/// Names of services and checks become parts of URLs.
std::string plain(std::string_view text) {
    std::string name(text);
    for (char& letter : name) {
        const bool fits = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                          (letter >= '0' && letter <= '9') || letter == '-';
        letter = fits ? letter : '-';
    }
    return name;
}

std::string new_instance_id(const LeadershipOptions& options, std::uint64_t chance) {
    return plain(options.host) + "-" + hex16(chance);
}

LockValue signature(const LeadershipOptions& options, const std::string& instance) {
    LockValue value;
    value.instance = instance;
    value.address = to_string(options.listen);
    value.version = options.version;
    value.host = options.host;
    return value;
}

observe::WatchOptions lock_watch_options() {
    observe::WatchOptions options;
    options.name = "leader";
    options.retry_max = std::chrono::seconds(1);  // The next leader must not sleep for long.
    return options;
}

}  // namespace

void Trouble::failed(const Error& error) {
    if (error.kind == ErrorKind::cancelled || std::ranges::find(told_, error.kind) != told_.end()) {
        return;
    }
    told_.push_back(error.kind);
    log::warn("leadership is hindered", {{"doing", doing_}, {"error", error.what}});
}

void Trouble::over() {
    if (!std::exchange(told_, {}).empty()) {
        log::info("leadership is hindered no more", {{"doing", doing_}});
    }
}

void note_refusal(Trouble& trouble, const runtime::Backoff& backoff, const Error& error) {
    if (error.kind != ErrorKind::rejected || backoff.failures() > 3) {
        trouble.failed(error);
    }
}

LeadershipShell::LeadershipShell(Ports ports, LeadershipOptions options)
    : time_(ports.time),
      consul_(ports.consul),
      random_(ports.random),
      options_(std::move(options)),
      instance_(new_instance_id(options_, random_->next())),
      service_id_(plain(options_.service) + "-" + instance_),
      check_id_("service:" + service_id_),
      state_(options_, signature(options_, instance_)),
      lock_(
          time_, random_, lock_watch_options(),
          [this](ports::BlockingQuery query) { return consul_->kv_get(state_.lock_key(), query); },
          [this] { lock_changed(); }),
      beat_bell_(time_),
      keep_bell_(time_),
      take_bell_(time_),
      prove_bell_(time_),
      tell_bell_(time_),
      keep_backoff_(std::chrono::milliseconds(50), std::chrono::seconds(1)),
      take_backoff_(std::chrono::milliseconds(50), std::chrono::seconds(1)) {}

std::string LeadershipShell::session() const {
    return held() ? state_.session() : std::string();
}

asio::awaitable<void> LeadershipShell::run() {
    const bool throws = co_await asio::this_coro::throw_if_cancelled();
    co_await work_until_stopped();
    const bool must_unlock = state_.holds_lock();
    state_.lose(Loss::stopped);  // From here on nothing is done in the lock's name.
    changed();

    // A task that was stopped cannot await what leaving needs, a new one can.
    co_await asio::this_coro::throw_if_cancelled(false);
    runtime::TaskGroup last(time_->executor());
    last.spawn("leave", leave(must_unlock));
    co_await last.join();
    co_await asio::this_coro::throw_if_cancelled(throws);
}

asio::awaitable<void> LeadershipShell::work_until_stopped() {
    runtime::TaskGroup tasks(time_->executor());
    tasks.spawn("beat", beat());
    tasks.spawn("keep", keep());
    tasks.spawn("follow", lock_.run());
    tasks.spawn("take", take());
    tasks.spawn("prove", prove());
    tasks.spawn("tell", tell());
    try {
        co_await tasks.join();
    } catch (const boost::system::system_error& stopped) {
        if (stopped.code() != asio::error::operation_aborted) {
            throw;
        }
    }
}

asio::awaitable<void> LeadershipShell::leave(bool must_unlock) {
    const Result<void> ended =
        co_await runtime::within(time_, time_to_unlock, end_session(must_unlock));
    const Result<void> gone = co_await runtime::within(time_, time_to_deregister,
                                                       consul_->deregister_service(service_id_));
    if (ended.has_error()) {
        log::warn("could not leave cleanly", {{"error", ended.error().what}});
    }
    if (gone.has_error()) {
        log::warn("could not deregister", {{"error", gone.error().what}});
    }
}

asio::awaitable<Result<void>> LeadershipShell::end_session(bool must_unlock) {
    const std::string session = state_.session();
    if (must_unlock) {
        std::vector<ports::TxnOp> operations;
        operations.emplace_back(
            ports::KvUnlock{state_.lock_key(), state_.released_value(), session});
        const Result<ports::TxnAnswer> answer = co_await consul_->txn(std::move(operations));
        const bool unlocked = answer.has_value() && answer.value().applied;
        log::info("gave the lock back", {{"clean", unlocked ? "yes" : "no"}});
    }
    if (!session.empty()) {
        ROP_CO_TRY(co_await consul_->session_destroy(session));
    }
    co_return ok();
}

asio::awaitable<void> LeadershipShell::lost() {
    const std::unique_ptr<ports::Timer> timer = time_->make_timer();
    struct Place {
        std::list<ports::Timer*>& list;
        std::list<ports::Timer*>::iterator at;
        ~Place() { list.erase(at); }
    };
    const Place place{waiting_for_loss_,
                      waiting_for_loss_.insert(waiting_for_loss_.end(), timer.get())};
    while (held()) {
        co_await timer->wait_until(state_.lease_ends());
    }
}

void LeadershipShell::greater_epoch_seen(Epoch seen) {
    if (const std::optional<Loss> loss = state_.greater_epoch_seen(seen)) {
        lost_lock(*loss);
    }
}

void LeadershipShell::lost_lock(Loss loss) {
    log::warn("lost the lock", {{"reason", to_string(loss)}, {"epoch", epoch().value()}});
    keep_bell_.ring();
    take_bell_.ring();
    tell_bell_.ring();
    changed();
}

void LeadershipShell::changed() {
    const Standing now = standing();
    if (!now.leading) {
        for (ports::Timer* waiter : waiting_for_loss_) {
            waiter->wake();
        }
    }
    if (now == told_) {
        return;
    }
    if (now.leading != told_.leading) {
        log::info(now.leading ? "leading" : "leading no more", {{"epoch", epoch().value()}});
    }
    told_ = now;
    if (on_change_) {
        on_change_();
    }
}

std::unique_ptr<Leadership> make_leadership(Ports ports, LeadershipOptions options) {
    return std::make_unique<LeadershipShell>(ports, std::move(options));
}

std::optional<std::string> problem_of(const LeadershipTimes& times) {
    if (times.beat.count() <= 0 || times.give_up.count() <= 0) {
        return "beat (" + rop::to_string(times.beat) + ") and give up (" +
               rop::to_string(times.give_up) + ") must be greater than 0";
    }
    if (times.session_ttl < std::chrono::seconds(10)) {
        return "session TTL (" + rop::to_string(times.session_ttl) +
               ") must be at least 10s: Consul refuses less";
    }
    if (2 * times.beat < times.lease && times.lease < times.check) {
        return std::nullopt;
    }
    return "2 × beat (" + rop::to_string(times.beat) + ") < lease (" + rop::to_string(times.lease) +
           ") < check (" + rop::to_string(times.check) + ") does not hold";
}

}  // namespace rop::loop
