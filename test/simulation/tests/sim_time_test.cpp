#include "test/simulation/sim_time.hpp"

#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "operator/runtime/task_group.hpp"
#include "test/simulation/tests/virtual_fixture.hpp"

namespace rop::simulation {
namespace {

namespace asio = boost::asio;
using ports::Timer;
using std::chrono::milliseconds;
using std::chrono::seconds;

class SimTimeTest : public VirtualTest {};

TEST_F(SimTimeTest, AWaitEndsAtItsMomentAndNotBefore) {
    const Moment begun = clock_.now();
    const auto timer = time_->make_timer();
    EXPECT_EQ(finish(timer->wait_until(begun + seconds{3})), Timer::Woken::elapsed);
    EXPECT_EQ(clock_.now() - begun, seconds{3});
}

TEST_F(SimTimeTest, AWakeEndsAWaitAndOneThatNobodyHeardIsRemembered) {
    const Moment begun = clock_.now();
    const auto timer = time_->make_timer();
    timer->wake();
    EXPECT_EQ(finish(timer->wait_until(begun + seconds{3})), Timer::Woken::early);
    clock_.after(seconds{1}, [&] { timer->wake(); });
    EXPECT_EQ(finish(timer->wait_until(begun + seconds{3})), Timer::Woken::early);
    EXPECT_EQ(clock_.now() - begun, seconds{1});
    EXPECT_EQ(finish(timer->wait_until(begun + seconds{3})), Timer::Woken::elapsed);
}

TEST_F(SimTimeTest, AStoppedTaskWaitsNoLonger) {
    runtime::TaskGroup tasks(io_.get_executor());
    const auto timer = time_->make_timer();
    const Moment later = clock_.now() + seconds{60};
    bool went_on = false;
    auto wait = [&]() -> asio::awaitable<void> {
        co_await timer->wait_until(later);
        went_on = true;
    };
    tasks.spawn("wait", wait());
    run_for(milliseconds{1});
    tasks.stop();
    settle();
    bool joined = false;
    auto join = [&]() -> asio::awaitable<void> {
        co_await tasks.join();
        joined = true;
    };
    asio::co_spawn(io_, join(), asio::detached);
    settle();
    EXPECT_TRUE(joined);
    EXPECT_FALSE(went_on);
}

TEST_F(SimTimeTest, APausedProcessSeesItsMomentsWhenItIsResumed) {
    const auto timer = time_->make_timer();
    const Moment begun = clock_.now();
    process_.pause();
    clock_.after(seconds{5}, [&] { process_.resume(); });
    EXPECT_EQ(finish(timer->wait_until(begun + seconds{1})), Timer::Woken::elapsed);
    EXPECT_EQ(clock_.now() - begun, seconds{5});
}

}  // namespace
}  // namespace rop::simulation
