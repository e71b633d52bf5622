#include "operator/runtime/bell.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "operator/runtime/task_group.hpp"
#include "test/support/manual_time.hpp"

namespace rop::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class BellTest : public ::testing::Test {
  protected:
    void TearDown() override {
        tasks_.stop();
        time_.settle();
    }

    asio::awaitable<void> wait_twice_for_a_second() {
        for (int i = 0; i < 2; ++i) {
            const Bell::Woken how = co_await bell_.wait_until(time_.now() + 1s);
            woken_.push_back(how);
        }
    }
    asio::awaitable<void> wait_once() {
        co_await bell_.wait();
        woken_.push_back(Bell::Woken::early);
    }

    testing::ManualTime time_;
    Bell bell_{&time_};
    TaskGroup tasks_{time_.executor()};
    std::vector<Bell::Woken> woken_;
};

TEST_F(BellTest, RingsThatNobodyWaitedForEndOneWait) {
    bell_.ring();
    bell_.ring();
    tasks_.spawn("wait", wait_twice_for_a_second());
    time_.settle();
    EXPECT_EQ(woken_, std::vector{Bell::Woken::early});

    time_.advance(1s);
    EXPECT_EQ(woken_, (std::vector{Bell::Woken::early, Bell::Woken::elapsed}));
}

TEST_F(BellTest, ARingEndsTheWaitAtOnce) {
    tasks_.spawn("wait", wait_twice_for_a_second());
    time_.advance(10ms);
    bell_.ring();
    time_.settle();
    EXPECT_EQ(woken_, std::vector{Bell::Woken::early});
}

TEST_F(BellTest, WaitsForDaysIfNobodyRings) {
    tasks_.spawn("wait", wait_once());
    time_.advance(72h);
    EXPECT_TRUE(woken_.empty());
    bell_.ring();
    time_.settle();
    EXPECT_EQ(woken_.size(), 1U);
}

}  // namespace
}  // namespace rop::runtime
