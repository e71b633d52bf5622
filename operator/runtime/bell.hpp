#pragma once

#include <memory>

#include <boost/asio/awaitable.hpp>

#include "operator/ports/time.hpp"

namespace rop::runtime {

/// Wakes one loop. Rings coalesce: however often it rang since the last wait, the next wait ends
/// once. Events only ring; what to do is decided by the loop that wakes.
class Bell {
  public:
    using Woken = ports::Timer::Woken;

    explicit Bell(ports::TimePort* time) : time_(time), timer_(time->make_timer()) {}

    void ring() { timer_->wake(); }

    /// Until it rings (early) or `moment` comes (elapsed). Throws operation_aborted when the
    /// waiting task is stopped. One waiter at a time.
    boost::asio::awaitable<Woken> wait_until(Moment moment) { return timer_->wait_until(moment); }

    /// Until it rings, however long that takes.
    boost::asio::awaitable<void> wait();

  private:
    ports::TimePort* time_;
    std::unique_ptr<ports::Timer> timer_;
};

}  // namespace rop::runtime
