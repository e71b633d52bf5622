#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "operator/observe/watch_pace.hpp"
#include "operator/observe/watch_state.hpp"
#include "operator/ports/consul.hpp"
#include "operator/ports/random.hpp"
#include "operator/ports/time.hpp"
#include "operator/runtime/backoff.hpp"

namespace rop::observe {

struct WatchOptions {
    std::string name;                          // For logs and metrics: "specs", "nomad-nodes".
    std::chrono::milliseconds wait{25'000};    // How long one poll blocks; a fifth less by chance.
    std::chrono::milliseconds retry_min{200};  // Doubles up to retry_max while the source fails.
    std::chrono::milliseconds retry_max{10'000};
    std::uint32_t burst = 10;  // So many answers in a row, then one per `pace`.
    std::chrono::milliseconds pace{200};
};

/// What all watches have in common, whatever they watch: see Watch.
class WatchShell {
  public:
    WatchShell(ports::TimePort* time, ports::RandomPort* random, WatchOptions options);

    /// How far the value can be believed, and since when it is known.
    [[nodiscard]] const View& view() const { return state_.view(); }
    [[nodiscard]] const std::string& name() const { return options_.name; }
    /// Questions that failed, since the start.
    [[nodiscard]] std::uint64_t failures() const { return failures_; }

  protected:
    ~WatchShell() = default;

    /// Waits until it is time to ask again, and says what to ask.
    boost::asio::awaitable<ports::BlockingQuery> next_query();
    /// The longest that an answer to `query` may take, with the up to a sixteenth by which Consul
    /// stretches every wait.
    [[nodiscard]] static std::chrono::milliseconds limit_of(const ports::BlockingQuery& query);
    [[nodiscard]] bool answered(const ports::BlockingQuery& query, std::uint64_t index, bool empty,
                                Moment sent);
    void failed(const Error& error);

    [[nodiscard]] ports::TimePort* time() const { return time_; }

  private:
    ports::TimePort* time_;
    ports::RandomPort* random_;
    WatchOptions options_;
    WatchState state_;
    WatchPace pace_;
    runtime::Backoff backoff_;
    Moment retry_at_{};
    std::uint64_t failures_ = 0;
};

}  // namespace rop::observe
