#include "operator/runtime/all.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include "operator/runtime/real_time.hpp"
#include "operator/runtime/within.hpp"

namespace rop::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

/// One event loop with real time, and a caller that can be stopped.
class All : public ::testing::Test {
  protected:
    void spawn(asio::awaitable<void> task) {
        asio::co_spawn(io_, std::move(task),
                       asio::bind_cancellation_slot(stop_.slot(), [this](std::exception_ptr why) {
                           ended_ = true;
                           failure_ = std::move(why);
                       }));
    }

    asio::awaitable<void> note(std::string name, std::chrono::milliseconds after) {
        co_await time_->sleep_for(after);
        order_.push_back(name);
    }

    asio::awaitable<void> fail(std::string what) {
        co_await time_->sleep_for(1ms);
        throw std::runtime_error(what);
    }

    asio::awaitable<void> fail_at_once(std::string what) {
        throw std::runtime_error(what);
        co_return;
    }

    /// Sleeps for ever; notes how it ended.
    asio::awaitable<void> hang(std::string name) {
        try {
            co_await time_->sleep_for(1h);
        } catch (const boost::system::system_error& error) {
            order_.push_back(name + " stopped");
            throw;
        }
    }

    asio::awaitable<Result<int>> hang_with_a_result() {
        co_await time_->sleep_for(1h);
        co_return 1;
    }

    asio::awaitable<void> bounded_hang() {
        const auto answer = co_await within(time_.get(), 1h, hang_with_a_result());
        EXPECT_TRUE(answer.has_error()) << "nobody waited an hour";
    }

    [[nodiscard]] std::string failure() const {
        if (!failure_) {
            return "";
        }
        try {
            std::rethrow_exception(failure_);
        } catch (const boost::system::system_error& error) {
            return error.code() == asio::error::operation_aborted ? "stopped" : error.what();
        } catch (const std::exception& error) {
            return error.what();
        }
    }

    asio::io_context io_{1};
    std::unique_ptr<ports::TimePort> time_ = make_real_time(io_.get_executor());
    asio::cancellation_signal stop_;
    std::vector<std::string> order_;
    bool ended_ = false;
    std::exception_ptr failure_;
};

TEST_F(All, ReturnsWhenTheSlowestHasEnded) {
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(note("slow", 20ms));
    tasks.push_back(note("quick", 1ms));
    tasks.push_back(note("immediate", 0ms));

    spawn(all(std::move(tasks)));
    io_.run();

    EXPECT_TRUE(ended_);
    EXPECT_EQ(failure(), "");
    EXPECT_EQ(order_, (std::vector<std::string>{"immediate", "quick", "slow"}));
}

TEST_F(All, OfNothingReturnsAtOnce) {
    spawn(all({}));
    io_.run();

    EXPECT_TRUE(ended_);
    EXPECT_EQ(failure(), "");
}

TEST_F(All, AFailureStopsTheOthersAndIsThrownAgain) {
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(hang("first"));
    tasks.push_back(fail("broken"));
    tasks.push_back(hang("third"));

    spawn(all(std::move(tasks)));
    io_.run();

    EXPECT_EQ(failure(), "broken");
    EXPECT_EQ(order_, (std::vector<std::string>{"first stopped", "third stopped"}));
}

TEST_F(All, AFailureBeforeTheFirstWaitCountsToo) {
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(fail_at_once("broken"));
    tasks.push_back(hang("second"));

    spawn(all(std::move(tasks)));
    io_.run();

    EXPECT_EQ(failure(), "broken");
    EXPECT_EQ(order_, (std::vector<std::string>{"second stopped"}));
}

TEST_F(All, AStopReachesTheTasksAndIsThrownOnceTheyEnded) {
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(hang("first"));
    tasks.push_back(hang("second"));
    spawn(all(std::move(tasks)));
    io_.poll();

    stop_.emit(asio::cancellation_type::terminal);
    io_.restart();
    io_.run();

    EXPECT_EQ(failure(), "stopped");
    EXPECT_EQ(order_, (std::vector<std::string>{"first stopped", "second stopped"}));
}

TEST_F(All, AStopGoesThroughSeveralLevelsAndDeadlines) {
    std::vector<asio::awaitable<void>> inner;
    inner.push_back(bounded_hang());
    inner.push_back(hang("inner"));
    std::vector<asio::awaitable<void>> outer;
    outer.push_back(all(std::move(inner)));
    outer.push_back(hang("outer"));
    spawn(all(std::move(outer)));
    io_.poll();

    stop_.emit(asio::cancellation_type::terminal);
    io_.restart();
    io_.run();

    EXPECT_EQ(failure(), "stopped");
    EXPECT_EQ(order_.size(), 2U);
}

TEST_F(All, AnEventLoopMayBeTornDownWithTasksInside) {
    const auto witness = std::make_shared<int>(1);
    auto hold = [this](std::shared_ptr<int> held) -> asio::awaitable<void> {
        co_await time_->sleep_for(1h);
        *held = 2;
    };
    auto io = std::make_unique<asio::io_context>(1);
    std::vector<asio::awaitable<void>> tasks;
    tasks.push_back(hold(witness));
    asio::co_spawn(*io, all(std::move(tasks)), [](std::exception_ptr) {});
    time_ = make_real_time(io->get_executor());
    io->poll();

    io.reset();

    EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace rop::runtime
