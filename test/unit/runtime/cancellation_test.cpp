#include "operator/runtime/cancellation.hpp"

#include <stdexcept>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include "test/support/manual_time.hpp"

namespace rop::runtime {
namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;
using namespace std::chrono_literals;

asio::awaitable<void> fail_at_once() {
    throw std::runtime_error("lost the plot");
    co_return;
}

class CancellationTest : public ::testing::Test {
  protected:
    /// What `task` throws when it is stopped, or before.
    std::exception_ptr thrown_by(asio::awaitable<void> task) {
        std::exception_ptr thrown;
        asio::cancellation_signal stop;
        asio::co_spawn(time_.executor(), std::move(task),
                       asio::bind_cancellation_slot(
                           stop.slot(), [&](std::exception_ptr failure) { thrown = failure; }));
        time_.settle();
        stop.emit(asio::cancellation_type::terminal);
        time_.settle();
        return thrown;
    }

    testing::ManualTime time_;
};

TEST_F(CancellationTest, IsToldFromFailures) {
    EXPECT_TRUE(is_cancellation(thrown_by(time_.sleep_for(1h))));
    EXPECT_FALSE(is_cancellation(thrown_by(fail_at_once())));
}

TEST_F(CancellationTest, OfTwoAlternativesIsOneToo) {
    EXPECT_TRUE(is_cancellation(thrown_by([](ports::TimePort* time) -> asio::awaitable<void> {
        co_await (time->sleep_for(1h) || time->sleep_for(2h));
    }(&time_))));
    EXPECT_FALSE(is_cancellation(thrown_by(
        []() -> asio::awaitable<void> { co_await (fail_at_once() || fail_at_once()); }())));
}

}  // namespace
}  // namespace rop::runtime
