#include "operator/runtime/real_time.hpp"

#include <random>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <time.h>

namespace rop::runtime {
namespace {

namespace asio = boost::asio;

Moment boot_now() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return Moment{std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec})};
}

class RealTimer : public ports::Timer {
  public:
    explicit RealTimer(asio::any_io_executor executor) : timer_(std::move(executor)) {}

    asio::awaitable<Woken> wait_until(Moment moment) override {
        if (std::exchange(rung_, false)) {
            co_return Woken::early;
        }
        timer_.expires_after(moment - boot_now());
        boost::system::error_code code;
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, code));
        const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) {
            throw boost::system::system_error(asio::error::operation_aborted);
        }
        rung_ = false;
        co_return code ? Woken::early : Woken::elapsed;
    }

    void wake() override {
        rung_ = true;
        timer_.cancel();
    }

  private:
    asio::steady_timer timer_;
    bool rung_ = false;
};

class RealTime : public ports::TimePort {
  public:
    explicit RealTime(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    [[nodiscard]] Moment now() const override { return boot_now(); }
    [[nodiscard]] Timestamp wall() const override {
        return std::chrono::time_point_cast<std::chrono::milliseconds>(
            std::chrono::system_clock::now());
    }
    [[nodiscard]] asio::any_io_executor executor() const override { return executor_; }
    [[nodiscard]] std::unique_ptr<ports::Timer> make_timer() override {
        return std::make_unique<RealTimer>(executor_);
    }

  private:
    asio::any_io_executor executor_;
};

class RealRandom : public ports::RandomPort {
  public:
    std::uint64_t next() override { return engine_(); }

  private:
    static std::uint64_t seed() {
        std::random_device device;
        return (std::uint64_t{device()} << 32U) | device();
    }
    std::mt19937_64 engine_{seed()};
};

}  // namespace

std::unique_ptr<ports::TimePort> make_real_time(asio::any_io_executor executor) {
    return std::make_unique<RealTime>(std::move(executor));
}

std::unique_ptr<ports::RandomPort> make_real_random() {
    return std::make_unique<RealRandom>();
}

}  // namespace rop::runtime
