#include "operator/observe/watch_shell.hpp"

#include <algorithm>
#include <utility>

#include "operator/telemetry/log.hpp"

namespace rop::observe {

namespace asio = boost::asio;

WatchShell::WatchShell(ports::TimePort* time, ports::RandomPort* random, WatchOptions options)
    : time_(time),
      random_(random),
      options_(std::move(options)),
      pace_(options_.burst, options_.pace),
      backoff_(options_.retry_min, options_.retry_max) {}

asio::awaitable<ports::BlockingQuery> WatchShell::next_query() {
    const Moment now = time_->now();
    const Moment allowed = std::max(pace_.take(now), retry_at_);
    if (allowed > now) {
        co_await time_->sleep_for(allowed - now);
    }
    const WatchState::Question question = state_.next_question();
    ports::BlockingQuery query;
    query.index = question.index;
    query.consistent = question.consistent;
    // Polls that began together, as after a restart of Consul, do not end together for ever.
    const auto fifth = static_cast<std::uint64_t>(options_.wait.count()) / 5;
    query.wait = options_.wait - std::chrono::milliseconds(random_->next() % (fifth + 1));
    co_return query;
}

std::chrono::milliseconds WatchShell::limit_of(const ports::BlockingQuery& query) {
    const std::chrono::milliseconds network(5'000);
    return query.index == 0 ? network : query.wait + query.wait / 16 + network;
}

bool WatchShell::answered(const ports::BlockingQuery& query, std::uint64_t index, bool empty,
                          Moment sent) {
    const bool failed_before = backoff_.failures() > 0;
    backoff_.reset();
    retry_at_ = {};
    if (failed_before) {
        log::info("watch answers again", {{"watch", options_.name}});
    }
    // An answer at once was true at some moment since it was asked for; one that blocked, when it
    // came.
    const bool believed = state_.answered(index, empty, query.index == 0 ? sent : time_->now());
    if (!believed && state_.view().seen) {
        log::info("watch asks again before it believes",
                  {{"watch", options_.name}, {"reason", state_.view().why}});
    }
    return believed;
}

void WatchShell::failed(const Error& error) {
    const bool first = backoff_.failures() == 0;
    ++failures_;
    retry_at_ = time_->now() + backoff_.next(random_->next());
    state_.failed(error.what);
    if (first) {
        log::warn("watch failed", {{"watch", options_.name}, {"error", error.what}});
    }
}

}  // namespace rop::observe
