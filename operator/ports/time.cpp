#include "operator/ports/time.hpp"

namespace rop::ports {

boost::asio::awaitable<void> TimePort::sleep_for(std::chrono::microseconds span) {
    const std::unique_ptr<Timer> timer = make_timer();
    const Moment until = now() + span;
    while (now() < until) {
        co_await timer->wait_until(until);
    }
}

}  // namespace rop::ports
