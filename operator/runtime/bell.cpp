#include "operator/runtime/bell.hpp"

#include <chrono>

namespace rop::runtime {

boost::asio::awaitable<void> Bell::wait() {
    Woken woken = Woken::elapsed;
    while (woken == Woken::elapsed) {
        // In steps, because the end of time overflows when it becomes nanoseconds.
        woken = co_await timer_->wait_until(time_->now() + std::chrono::hours(1));
    }
}

}  // namespace rop::runtime
