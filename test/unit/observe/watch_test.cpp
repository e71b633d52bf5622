#include "operator/observe/watch.hpp"

#include <deque>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/runtime/task_group.hpp"
#include "test/support/fixed_random.hpp"
#include "test/support/manual_time.hpp"

namespace rop::observe {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using List = std::vector<std::string>;
using Answer = Result<ports::Page<List>>;

Answer page(List list, std::uint64_t index) {
    return ports::Page<List>{std::move(list), index};
}
Answer failure() {
    return Error{ErrorKind::unavailable, "connection refused"};
}

/// Asks a script, which hangs when it has nothing more to say.
class WatchTest : public ::testing::Test {
  protected:
    WatchTest() { tasks_.spawn("watch", watch_.run()); }
    void TearDown() override {
        tasks_.stop();
        time_.settle();
        EXPECT_TRUE(tasks_.empty()) << "the watch does not stop";
    }

    asio::awaitable<Answer> ask(ports::BlockingQuery query) {
        asked_.push_back((query.consistent ? "consistent " : "") + std::to_string(query.index));
        if (script_.empty()) {
            co_await time_.sleep_for(1h);
        }
        Answer answer = std::move(script_.front());
        script_.pop_front();
        co_return answer;
    }

    void says(Answer answer) { script_.push_back(std::move(answer)); }

    testing::ManualTime time_;
    testing::FixedRandom random_;
    std::deque<Answer> script_;
    std::vector<std::string> asked_;
    int rings_ = 0;
    Watch<List> watch_{&time_, &random_, WatchOptions{.name = "test"},
                       [this](ports::BlockingQuery query) { return ask(query); },
                       [this] { ++rings_; }};
    runtime::TaskGroup tasks_{time_.executor()};
};

TEST_F(WatchTest, RingsOnlyWhenTheContentChanged) {
    says(page({"a"}, 5));
    says(page({"a"}, 5));
    says(page({"a"}, 6));
    says(page({"a", "b"}, 7));
    time_.settle();

    EXPECT_EQ(rings_, 2);
    EXPECT_THAT(watch_.value(), ::testing::Optional(ElementsAre("a", "b")));
    EXPECT_THAT(asked_, ElementsAre("0", "5", "5", "6", "7"));
}

TEST_F(WatchTest, KeepsTheOldValueUntilEmptinessIsConfirmed) {
    says(page({"a"}, 5));
    says(page({}, 6));
    time_.settle();
    EXPECT_THAT(watch_.value(), ::testing::Optional(ElementsAre("a")));
    EXPECT_FALSE(watch_.view().certain);
    EXPECT_EQ(rings_, 2) << "the certainty changed";
    EXPECT_EQ(asked_.back(), "consistent 0") << "at once";
}

TEST_F(WatchTest, BelievesEmptinessThatWasConfirmed) {
    says(page({"a"}, 5));
    says(page({}, 6));
    says(page({}, 6));
    time_.settle();
    EXPECT_THAT(watch_.value(), ::testing::Optional(IsEmpty()));
    EXPECT_TRUE(watch_.view().certain);
    EXPECT_EQ(rings_, 3);
}

TEST_F(WatchTest, AMomentWithoutAnythingChangesNothing) {
    says(page({"a"}, 40));
    says(page({}, 1));
    says(page({"a"}, 40));
    time_.settle();
    EXPECT_THAT(watch_.value(), ::testing::Optional(ElementsAre("a")));
    EXPECT_TRUE(watch_.view().certain);
    EXPECT_THAT(asked_, ElementsAre("0", "40", "consistent 0", "40"));
}

TEST_F(WatchTest, BacksOffWhileTheSourceFails) {
    says(page({"a"}, 5));
    for (int i = 0; i < 20; ++i) {
        says(failure());
    }
    time_.settle();
    EXPECT_EQ(asked_.size(), 2U);
    EXPECT_FALSE(watch_.view().certain);
    EXPECT_EQ(watch_.view().why, "connection refused");
    EXPECT_THAT(watch_.value(), ::testing::Optional(ElementsAre("a")));

    time_.advance(200ms);
    EXPECT_EQ(asked_.size(), 3U);
    time_.advance(400ms);
    EXPECT_EQ(asked_.size(), 4U);
    time_.advance(60s);
    EXPECT_LE(asked_.size(), 14U) << "every 10 s in the end";
    EXPECT_EQ(rings_, 2) << "a certainty is lost once";
    EXPECT_EQ(watch_.failures(), asked_.size() - 1);
}

TEST_F(WatchTest, AHangingPollIsAFailureAfterItsTime) {
    says(page({"a"}, 5));
    time_.settle();
    time_.advance(31s);
    EXPECT_TRUE(watch_.view().certain);
    time_.advance(1s);
    EXPECT_FALSE(watch_.view().certain);
    EXPECT_THAT(asked_, ElementsAre("0", "5", "0"));
}

TEST_F(WatchTest, IsNotDrivenByANoisySource) {
    for (std::uint64_t i = 1; i <= 1'000; ++i) {
        says(page({"a"}, i));
    }
    time_.settle();
    EXPECT_EQ(asked_.size(), 10U) << "a burst is let through";
    time_.advance(2s);
    EXPECT_EQ(asked_.size(), 20U);
    EXPECT_EQ(rings_, 1);
}

}  // namespace
}  // namespace rop::observe
