// Beat and keep: our service in Consul, its check, and the session that hangs on it.

#include <algorithm>
#include <utility>
#include <vector>

#include "operator/loop/leadership_shell.hpp"
#include "operator/runtime/within.hpp"
#include "operator/telemetry/log.hpp"

namespace rop::loop {

namespace asio = boost::asio;

namespace {

// The slowest thing a healthy cluster of Consul servers does is to elect a new one.
constexpr std::chrono::milliseconds session_limit{2'000};

}  // namespace

asio::awaitable<void> LeadershipShell::beat() {
    for (;;) {
        const Moment sent = time_->now();
        auto pace = options_.times.beat;
        if (state_.may_beat()) {
            const Result<void> done = co_await beat_once();
            if (done.has_error()) {
                beat_trouble_.failed(done.error());
                pace /= 2;
            } else {
                beat_trouble_.over();
            }
        }
        co_await beat_bell_.wait_until(sent + pace);
    }
}

asio::awaitable<Result<void>> LeadershipShell::beat_once() {
    if (!registered_) {
        co_return co_await join_service();
    }
    Result<void> passed =
        co_await runtime::within(time_, options_.times.beat, consul_->pass_check(check_id_));
    if (passed.has_error() && passed.error().kind == ErrorKind::rejected) {
        registered_ = false;  // An agent without its data folder has forgotten us.
    }
    co_return passed;
}

asio::awaitable<Result<void>> LeadershipShell::join_service() {
    if (!leftovers_removed_) {
        co_await remove_leftovers();
    }
    ports::TtlService service;
    service.id = service_id_;
    service.name = options_.service;
    service.address = options_.listen;
    service.meta["instance"] = instance_;
    service.meta["version"] = options_.version;
    service.check_id = check_id_;
    service.ttl = options_.times.check;
    const auto limit = options_.times.check;
    ROP_CO_TRY(co_await runtime::within(time_, limit, consul_->register_service(service)));
    ROP_CO_TRY(co_await runtime::within(time_, limit, consul_->pass_check(check_id_)));
    registered_ = true;
    keep_bell_.ring();
    co_return ok();
}

/// Of earlier operators on this host. Only critical ones: several operators may share a host, and
/// passing the check of a dead one would keep its lock alive.
asio::awaitable<void> LeadershipShell::remove_leftovers() {
    const auto limit = options_.times.check;
    const Result<std::vector<ports::AgentService>> services =
        co_await runtime::within(time_, limit, consul_->agent_services(options_.service));
    if (services.has_error()) {
        co_return;  // A courtesy; Consul removes them after a minute.
    }
    leftovers_removed_ = true;
    for (const ports::AgentService& service : services.value()) {
        if (service.status != "critical" || service.id == service_id_) {
            continue;
        }
        const Result<void> removed =
            co_await runtime::within(time_, limit, consul_->deregister_service(service.id));
        if (removed.has_value()) {
            log::info("removed a leftover", {{"service_id", service.id}});
        }
    }
}

asio::awaitable<void> LeadershipShell::keep() {
    for (;;) {
        const Result<void> done = co_await keep_once();
        std::chrono::microseconds pause = options_.times.session_ttl / 5;
        if (done.has_error()) {
            pause = keep_backoff_.next(random_->next());
            note_refusal(keep_trouble_, keep_backoff_, done.error());
        } else {
            keep_trouble_.over();
            keep_backoff_.reset();
        }
        if (state_.holds_lock()) {
            pause = std::min<std::chrono::microseconds>(pause, options_.times.beat);
        }
        co_await keep_bell_.wait_until(time_->now() + pause);
    }
}

asio::awaitable<Result<void>> LeadershipShell::keep_once() {
    if (!state_.discarded().empty()) {
        ROP_CO_TRY(co_await destroy_discarded());
    }
    if (!registered_) {
        co_return ok();  // Beating rings when it is time.
    }
    if (state_.session().empty()) {
        co_return co_await open_session();
    }
    co_return co_await renew_session();
}

asio::awaitable<Result<void>> LeadershipShell::open_session() {
    ports::SessionRequest request;
    request.name = options_.service + " " + instance_;
    request.ttl = options_.times.session_ttl;
    request.lock_delay = std::chrono::seconds(0);
    request.node_checks.emplace_back("serfHealth");
    request.service_checks.push_back(check_id_);
    ROP_CO_TRY(std::string session,
               co_await runtime::within(time_, session_limit, consul_->session_create(request)));
    state_.session_opened(std::move(session));
    take_bell_.ring();
    co_return ok();
}

asio::awaitable<Result<void>> LeadershipShell::renew_session() {
    const std::string session = state_.session();
    ROP_CO_TRY(const bool alive,
               co_await runtime::within(time_, session_limit, consul_->session_renew(session)));
    if (!alive) {
        keep_bell_.ring();  // For the next one.
        if (const std::optional<Loss> loss = state_.session_gone(session)) {
            lost_lock(*loss);
        }
    }
    co_return ok();
}

asio::awaitable<Result<void>> LeadershipShell::destroy_discarded() {
    const std::string session = state_.discarded();
    ROP_CO_TRY(co_await runtime::within(time_, session_limit, consul_->session_destroy(session)));
    state_.discarded_destroyed();
    beat_bell_.ring();  // It may have paused.
    co_return ok();
}

}  // namespace rop::loop
