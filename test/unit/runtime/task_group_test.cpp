#include "operator/runtime/task_group.hpp"

#include <chrono>
#include <exception>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include "operator/runtime/within.hpp"
#include "test/support/manual_time.hpp"

namespace rop::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

asio::awaitable<void> hang(ports::TimePort* time) {
    co_await time->sleep_for(1h);
}

asio::awaitable<void> fail_after(ports::TimePort* time, std::chrono::milliseconds delay) {
    co_await time->sleep_for(delay);
    throw std::runtime_error("lost the plot");
}

asio::awaitable<Result<int>> answer_after(ports::TimePort* time, std::chrono::milliseconds delay) {
    co_await time->sleep_for(delay);
    co_return 7;
}

asio::awaitable<void> wait_within(ports::TimePort* time) {
    (void)co_await within(time, 10s, answer_after(time, 1h));
}

/// Joins a group of its own; says when it is past that.
asio::awaitable<void> join_own(ports::TimePort* time, bool* ended) {
    TaskGroup inner(time->executor());
    inner.spawn("hang", hang(time));
    inner.spawn("within", wait_within(time));
    try {
        co_await inner.join();
    } catch (const boost::system::system_error& error) {
        *ended = error.code() == asio::error::operation_aborted && inner.empty();
        throw;
    }
}

class TaskGroupTest : public ::testing::Test {
  protected:
    void start_joining() {
        asio::co_spawn(time_.executor(), tasks_.join(), [this](std::exception_ptr thrown) {
            joined_ = true;
            failure_ = std::move(thrown);
        });
        time_.settle();
    }

    testing::ManualTime time_;
    TaskGroup tasks_{time_.executor()};
    bool joined_ = false;
    std::exception_ptr failure_;
};

TEST_F(TaskGroupTest, OneFailureStopsTheOthersAndReachesTheJoiner) {
    tasks_.spawn("hang", hang(&time_));
    tasks_.spawn("fail", fail_after(&time_, 1ms));
    start_joining();
    EXPECT_FALSE(joined_);

    time_.advance(1ms);

    ASSERT_TRUE(joined_);
    EXPECT_THROW(std::rethrow_exception(failure_), std::runtime_error);
}

TEST_F(TaskGroupTest, StoppingIsNoFailureNotEvenInsideADeadline) {
    tasks_.spawn("hang", hang(&time_));
    tasks_.spawn("within", wait_within(&time_));
    start_joining();

    tasks_.stop();
    time_.settle();

    EXPECT_TRUE(joined_);
    EXPECT_FALSE(failure_);
}

TEST_F(TaskGroupTest, AJoinerThatIsStoppedStopsItsTasksAndStaysUntilTheirEnd) {
    bool ended = false;
    tasks_.spawn("outer", join_own(&time_, &ended));
    start_joining();

    tasks_.stop();
    time_.settle();

    EXPECT_TRUE(ended);
    EXPECT_TRUE(joined_);
    EXPECT_FALSE(failure_);
}

TEST_F(TaskGroupTest, JoiningWhatHasEndedReturnsAtOnceAndAgain) {
    tasks_.spawn("short", time_.sleep_for(1ms));
    time_.advance(1ms);
    start_joining();
    EXPECT_TRUE(joined_);

    joined_ = false;
    tasks_.spawn("second", time_.sleep_for(5ms));
    start_joining();
    EXPECT_FALSE(joined_);
    time_.advance(5ms);
    EXPECT_TRUE(joined_);
}

}  // namespace
}  // namespace rop::runtime
