#include "test/support/manual_time.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace rop::testing {

namespace asio = boost::asio;

class ManualTime::ManualTimer : public ports::Timer {
  public:
    explicit ManualTimer(ManualTime* time) : time_(time), woken_(time->executor(), 1) {}
    ~ManualTimer() override { std::erase(time_->waiting_, this); }

    asio::awaitable<Woken> wait_until(Moment moment) override {
        if (std::exchange(rung_, false)) {
            co_return Woken::early;
        }
        if (moment <= time_->now_) {
            moment = time_->now_;  // Still after whatever else is ready.
        }
        until_ = moment;
        time_->waiting_.push_back(this);
        boost::system::error_code cut;
        co_await woken_.async_receive(asio::redirect_error(asio::use_awaitable, cut));
        std::erase(time_->waiting_, this);
        if (cut) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
        co_return std::exchange(rung_, false) ? Woken::early : Woken::elapsed;
    }

    void wake() override {
        rung_ = true;
        release();
    }

    [[nodiscard]] Moment until() const { return until_; }

    /// Ends the wait, if there is one.
    void release() {
        if (std::erase(time_->waiting_, this) > 0) {
            woken_.try_send(boost::system::error_code());
        }
    }

  private:
    ManualTime* time_;
    asio::experimental::channel<void(boost::system::error_code)> woken_;
    Moment until_{};
    bool rung_ = false;
};

ManualTime::ManualTime() = default;
ManualTime::~ManualTime() = default;

Timestamp ManualTime::wall() const {
    const auto since = std::chrono::floor<std::chrono::milliseconds>(now_.time_since_epoch());
    return Timestamp(std::chrono::seconds(1'700'000'000) + since);
}

asio::any_io_executor ManualTime::executor() const {
    return const_cast<asio::io_context&>(io_).get_executor();
}

std::unique_ptr<ports::Timer> ManualTime::make_timer() {
    return std::make_unique<ManualTimer>(this);
}

void ManualTime::settle() {
    io_.restart();
    for (int handlers = 0; io_.poll_one() > 0; ++handlers) {
        if (handlers > 100'000) {
            throw std::runtime_error("a hot loop: work without end at one moment");
        }
    }
}

void ManualTime::advance(std::chrono::microseconds span) {
    const Moment target = now_ + span;
    settle();
    for (;;) {
        const auto next = std::min_element(
            waiting_.begin(), waiting_.end(),
            [](const ManualTimer* a, const ManualTimer* b) { return a->until() < b->until(); });
        if (next == waiting_.end() || (*next)->until() > target) {
            break;
        }
        now_ = std::max(now_, (*next)->until());
        (*next)->release();
        settle();
    }
    now_ = std::max(now_, target);
    settle();
}

}  // namespace rop::testing
