#include "operator/observe/watch_state.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "operator/observe/wait_index.hpp"
#include "operator/observe/watch_pace.hpp"

namespace rop::observe {
namespace {

using namespace std::chrono_literals;
using Verdict = WaitIndex::Verdict;
using Question = WatchState::Question;

TEST(WaitIndex, FollowsTheRulesOfBlockingQueries) {
    struct Row {
        const char* rule;
        std::uint64_t answered;
        Verdict verdict;
        std::uint64_t ask_from;
    };
    const std::vector<Row> rows = {
        {"the first answer is news", 5, Verdict::changed, 5},
        {"a poll may end without news", 5, Verdict::unchanged, 5},
        {"forward is news", 9, Verdict::changed, 9},
        {"backwards: start over", 4, Verdict::backwards, 0},
        {"and any index will do then", 4, Verdict::changed, 4},
        {"zero is lower, too", 0, Verdict::backwards, 0},
        {"zero is no place to wait from", 0, Verdict::changed, 1},
        {"and again", 0, Verdict::unchanged, 1},
    };
    WaitIndex index;
    EXPECT_EQ(index.value(), 0U);
    for (const Row& row : rows) {
        EXPECT_EQ(index.advance(row.answered), row.verdict) << row.rule;
        EXPECT_EQ(index.value(), row.ask_from) << row.rule;
    }
}

TEST(WaitIndex, RemembersWhatItSawWhenItAsksAnew) {
    WaitIndex index;
    (void)index.advance(40);
    index.ask_anew();
    EXPECT_EQ(index.value(), 0U);
    EXPECT_EQ(index.advance(1), Verdict::backwards);
}

class WatchStateTest : public ::testing::Test {
  protected:
    bool full_at(std::uint64_t index) { return state_.answered(index, false, now_ += 1s); }
    bool empty_at(std::uint64_t index) { return state_.answered(index, true, now_ += 1s); }

    WatchState state_;
    Moment now_{};
};

TEST_F(WatchStateTest, KnowsNothingBeforeTheFirstAnswer) {
    EXPECT_TRUE(state_.view().configured);
    EXPECT_FALSE(state_.view().seen);
    EXPECT_FALSE(state_.view().certain);
    EXPECT_EQ(state_.next_question(), (Question{0, false}));
}

TEST_F(WatchStateTest, BelievesAnAnswerAndWaitsFromThere) {
    EXPECT_TRUE(full_at(7));
    EXPECT_TRUE(state_.view().seen);
    EXPECT_TRUE(state_.view().certain);
    EXPECT_EQ(state_.view().at, Moment{1s});
    EXPECT_EQ(state_.next_question(), (Question{7, false}));
}

TEST_F(WatchStateTest, AnIndexThatWentBackwardsWaitsForAConsistentRead) {
    (void)full_at(40);
    EXPECT_FALSE(full_at(12));
    EXPECT_FALSE(state_.view().certain);
    EXPECT_EQ(state_.view().at, Moment{1s});
    EXPECT_EQ(state_.next_question(), (Question{0, true}));

    EXPECT_TRUE(full_at(13));
    EXPECT_TRUE(state_.view().certain);
    EXPECT_EQ(state_.next_question(), (Question{13, false}));
}

TEST_F(WatchStateTest, SuddenEmptinessWaitsForAConsistentRead) {
    (void)full_at(40);
    EXPECT_FALSE(empty_at(41));
    EXPECT_FALSE(state_.view().certain);
    EXPECT_EQ(state_.next_question(), (Question{0, true}));

    EXPECT_TRUE(empty_at(41));
    EXPECT_TRUE(state_.view().certain);
    EXPECT_TRUE(empty_at(45)) << "known to be empty: nothing new";
}

TEST_F(WatchStateTest, TheFirstEmptinessIsConfirmedToo) {
    EXPECT_FALSE(empty_at(1));
    EXPECT_FALSE(state_.view().seen);
    EXPECT_EQ(state_.next_question(), (Question{0, true}));
    EXPECT_TRUE(empty_at(1));
    EXPECT_TRUE(state_.view().seen);
}

TEST_F(WatchStateTest, AConsistentReadIsBelievedWhateverItsIndex) {
    (void)full_at(40);
    EXPECT_FALSE(empty_at(41));
    EXPECT_TRUE(full_at(12)) << "the snapshot of the store was restored meanwhile";
    EXPECT_EQ(state_.next_question(), (Question{12, false}));
}

TEST_F(WatchStateTest, AFailureAsksAnewAndStaysUncertainUntilAnAnswer) {
    (void)full_at(40);
    state_.failed("no cluster leader");
    EXPECT_FALSE(state_.view().certain);
    EXPECT_TRUE(state_.view().seen);
    EXPECT_EQ(state_.view().why, "no cluster leader");
    EXPECT_EQ(state_.next_question(), (Question{0, false}));

    EXPECT_FALSE(full_at(39)) << "the index went backwards over the failure";
    EXPECT_TRUE(full_at(39));
    EXPECT_EQ(state_.view().why, "");
}

TEST_F(WatchStateTest, AFailureWhileConfirmingStillNeedsTheConfirmation) {
    (void)full_at(40);
    (void)empty_at(41);
    state_.failed("no cluster leader");
    EXPECT_EQ(state_.next_question(), (Question{0, true}));
}

TEST(WatchPace, AllowsABurstThenOneAtATime) {
    WatchPace pace(3, 200ms);
    Moment now{100s};
    EXPECT_EQ(pace.take(now), now);
    EXPECT_EQ(pace.take(now), now);
    EXPECT_EQ(pace.take(now), now);
    EXPECT_EQ(pace.take(now), now + 200ms);
    EXPECT_EQ(pace.take(now), now + 400ms);
    now += 1h;
    EXPECT_EQ(pace.take(now), now) << "tokens come back";
}

}  // namespace
}  // namespace rop::observe
