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
        tasks.stop();
        time.settle();
    }

    asio::awaitable<void> wait_twice_for_a_second() {
        for (int i = 0; i < 2; ++i) {
            const Bell::Woken how = co_await bell.wait_until(time.now() + 1s);
            woken.push_back(how);
        }
    }
    asio::awaitable<void> wait_once() {
        co_await bell.wait();
        woken.push_back(Bell::Woken::early);
    }

    testing::ManualTime time;
    Bell bell{&time};
    TaskGroup tasks{time.executor()};
    std::vector<Bell::Woken> woken;
};

TEST_F(BellTest, RingsThatNobodyWaitedForEndOneWait) {
    bell.ring();
    bell.ring();
    tasks.spawn("wait", wait_twice_for_a_second());
    time.settle();
    EXPECT_EQ(woken, std::vector{Bell::Woken::early});

    time.advance(1s);
    EXPECT_EQ(woken, (std::vector{Bell::Woken::early, Bell::Woken::elapsed}));
}

TEST_F(BellTest, ARingEndsTheWaitAtOnce) {
    tasks.spawn("wait", wait_twice_for_a_second());
    time.advance(10ms);
    bell.ring();
    time.settle();
    EXPECT_EQ(woken, std::vector{Bell::Woken::early});
}

TEST_F(BellTest, WaitsForDaysIfNobodyRings) {
    tasks.spawn("wait", wait_once());
    time.advance(72h);
    EXPECT_TRUE(woken.empty());
    bell.ring();
    time.settle();
    EXPECT_EQ(woken.size(), 1U);
}

}  // namespace
}  // namespace rop::runtime
