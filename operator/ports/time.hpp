#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/time.hpp"

namespace rop::ports {

/// One waiter, which can be woken early. Outlives the wait.
class Timer {
  public:
    virtual ~Timer() = default;

    enum class Woken { elapsed, early };

    /// Waits until `moment`, or until wake(). A wake() that nobody waited for is remembered and
    /// ends the next wait at once. Throws operation_aborted when the waiting task is stopped.
    virtual boost::asio::awaitable<Woken> wait_until(Moment moment) = 0;
    virtual void wake() = 0;
};

/// The only place where time comes from. The simulator turns the hands of another one.
class TimePort {
  public:
    virtual ~TimePort() = default;

    [[nodiscard]] virtual Moment now() const = 0;
    [[nodiscard]] virtual Timestamp wall() const = 0;
    [[nodiscard]] virtual boost::asio::any_io_executor executor() const = 0;
    [[nodiscard]] virtual std::unique_ptr<Timer> make_timer() = 0;

    /// Throws operation_aborted when the sleeping task is stopped.
    boost::asio::awaitable<void> sleep_for(std::chrono::microseconds span);
};

}  // namespace rop::ports
