#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/loop/leader_state.hpp"
#include "operator/loop/lease_clock.hpp"
#include "operator/loop/lock_value.hpp"

namespace rop::loop {
namespace {

using namespace std::chrono_literals;
using Verdict = LeaderState::Verdict;

constexpr Moment start{100s};

LockValue signature(const std::string& instance, std::uint64_t epoch, bool released = false) {
    LockValue value;
    value.instance = instance;
    value.address = "127.0.0.1:9480";
    value.version = "0.1.0";
    value.epoch = Epoch(epoch);
    value.host = "host-1";
    value.released = released;
    return value;
}

LockEntry entry(const std::string& value, const std::string& session = "") {
    ports::KvEntry found;
    found.value = value;
    found.session = session;
    found.modify_index = 7;
    return found;
}

LockEntry lock(const LockValue& value, const std::string& session = "") {
    return entry(write_lock_value(value), session);
}

LockAnswer answer(LockEntry found) {
    return ports::Page<LockEntry>{std::move(found), 7};
}

class LeaderStateTest : public ::testing::Test {
  protected:
    /// Takes the lock at `start` from nobody, who had not released it.
    void lead() {
        state_.session_opened("ours");
        (void)state_.attempt(Ground(), 0xabc);
        ASSERT_TRUE(state_.taken(start, start + 10ms));
    }

    LeaderState state_{LeadershipOptions(), signature("us", 0)};
};

TEST(LockValue, ComesBackAsItWasWritten) {
    for (const bool released : {false, true}) {
        const LockValue value = signature("host-1-ab \"quoted\"", 7, released);
        EXPECT_EQ(parse_lock_value(write_lock_value(value)), value);
    }
}

TEST(LeaderState, WhatFollowsTheGreatestThatIsBelievedIsBelievedToo) {
    Ground ground;
    ground.written = Epoch(greatest_epoch.value() - 1);
    LeaderState state{LeadershipOptions(), signature("us", 0)};
    state.session_opened("ours");
    const Attempt& attempt = state.attempt(ground, 1);
    EXPECT_EQ(attempt.epoch, greatest_epoch);
    EXPECT_TRUE(parse_lock_value(attempt.value));
    EXPECT_TRUE(state.is_ours(entry(attempt.value, "ours")));
}

TEST(LeaseClock, WaitsOneLeaseAndEndsOneAfterTheSendingOfTheLastProof) {
    LeaseClock clock(1'500ms, 5'000ms);
    clock.taken(start, start + 100ms, false);
    EXPECT_FALSE(clock.held(start + 100ms));
    clock.proven(start + 1'000ms);
    EXPECT_FALSE(clock.held(start + 1'599ms));
    EXPECT_TRUE(clock.held(start + 1'600ms));
    EXPECT_TRUE(clock.held(start + 2'499ms));
    EXPECT_FALSE(clock.held(start + 2'500ms));
    EXPECT_EQ(clock.gives_up_at(), start + 7'500ms);
}

TEST(LeaseClock, DoesNotWaitForWhoeverHadReleased) {
    LeaseClock clock(1'500ms, 5'000ms);
    clock.taken(start, start + 100ms, true);
    EXPECT_TRUE(clock.held(start + 100ms));
}

TEST(LeaseClock, AnOlderProofDoesNotShortenIt) {
    LeaseClock clock(1'500ms, 5'000ms);
    clock.taken(start, start, true);
    clock.proven(start + 1'000ms);
    clock.proven(start + 500ms);
    EXPECT_EQ(clock.ends(), start + 2'500ms);
}

TEST(LeaseClock, SaysWhenItChangesNext) {
    LeaseClock clock(1'500ms, 5'000ms);
    clock.taken(start, start + 100ms, false);
    EXPECT_EQ(clock.next_change(start), start + 1'600ms);
    clock.proven(start + 1'000ms);
    EXPECT_EQ(clock.next_change(start + 1'600ms), start + 2'500ms);
    EXPECT_EQ(clock.next_change(start + 2'500ms), start + 7'500ms);
}

TEST_F(LeaderStateTest, WhatWasReleasedBeforeSomebodyElseLedIsNoRelease) {
    const LockEntry released = entry(write_lock_value(signature("a", 9, true)));
    struct Case {
        std::string epoch;
        std::uint64_t written;  // The greatest in records and statuses.
        std::uint64_t watched;  // In the lock, once.
        bool expected;
    };
    for (const auto& [epoch, written, watched, expected] :
         std::vector<Case>{{"9", 9, 0, true},
                           {"10", 9, 0, false},
                           {"", 9, 9, true},
                           {"garbage", 0, 0, true},
                           {"", 10, 0, false},
                           {"garbage", 10, 9, false},
                           {"9", 9, 10, false}}) {
        LeaderState fresh(LeadershipOptions(), signature("us", 0));
        fresh.session_opened("ours");
        if (watched > 0) {
            fresh.saw_lock(entry(write_lock_value(signature("a", watched)), "theirs"));
        }
        Ground ground{released, entry(epoch), {}};
        ground.written = Epoch(written);
        EXPECT_EQ(fresh.attempt(ground, 1).released, expected)
            << epoch << " " << written << " " << watched;
    }
}

TEST_F(LeaderStateTest, TheEpochIsAboveAllThatIsKnown) {
    struct Row {
        const char* why;
        Ground ground;
        std::uint64_t seen;
        std::uint64_t expected;
    };
    const std::vector<Row> rows = {
        {"nothing yet", {}, 0, 1},
        {"the key counts", {{}, entry("41"), {}}, 0, 42},
        {"the lock's value stands in for a deleted key", {lock(signature("a", 9)), {}, {}}, 0, 10},
        {"and for a spoilt one", {lock(signature("a", 9)), entry("??"), {}}, 0, 10},
        {"records stand in for both", {{}, {}, {}, Epoch(7)}, 0, 8},
        {"also where the key went back", {{}, entry("2"), {}, Epoch(7)}, 0, 8},
        {"and are not the last word", {lock(signature("a", 9)), {}, {}, Epoch(7)}, 0, 10},
        {"seen elsewhere", {{}, entry("41"), {}}, 50, 51},
        {"nonsense does not count", {entry("x"), entry("41"), {}}, ~std::uint64_t{0}, 42},
    };
    for (const Row& row : rows) {
        LeaderState fresh(LeadershipOptions(), signature("us", 0));
        fresh.session_opened("ours");
        (void)fresh.greater_epoch_seen(Epoch(row.seen));
        EXPECT_EQ(fresh.attempt(row.ground, 1).epoch, Epoch(row.expected)) << row.why;
    }
}

TEST_F(LeaderStateTest, RecordsAreAskedWhereLockAndEpochDisagree) {
    const LockEntry nine = lock(signature("a", 9));
    EXPECT_TRUE(LeaderState::is_counted({nine, entry("9"), {}}));
    EXPECT_FALSE(LeaderState::is_counted({nine, entry("8"), {}}));
    EXPECT_FALSE(LeaderState::is_counted({nine, entry("10"), {}}));
    EXPECT_FALSE(LeaderState::is_counted({nine, entry("??"), {}}));
    EXPECT_FALSE(LeaderState::is_counted({nine, {}, {}}));
    EXPECT_FALSE(LeaderState::is_counted({entry("mine now!"), entry("9"), {}}));
    EXPECT_FALSE(LeaderState::is_counted({{}, entry("9"), {}}));
    EXPECT_FALSE(LeaderState::is_counted(Ground()));
}

TEST_F(LeaderStateTest, AFollowerRemembersAnEpochWhoseKeysWereDeleted) {
    state_.saw_lock(lock(signature("them", 9), "theirs"));
    state_.saw_lock(std::nullopt);
    state_.session_opened("ours");
    EXPECT_EQ(state_.attempt(Ground(), 1).epoch, Epoch(10));
    EXPECT_TRUE(state_.taken(start, start + 10ms));
    EXPECT_EQ(state_.epoch(), Epoch(10));
}

TEST_F(LeaderStateTest, LockAndEpochAreWrittenTogether) {
    state_.session_opened("ours");
    const Attempt& attempt = state_.attempt({lock(signature("a", 4)), entry("4"), {}}, 0xabc);

    ASSERT_EQ(attempt.operations.size(), 3U);
    const auto& lock_op = std::get<ports::KvLock>(attempt.operations[0]);
    EXPECT_EQ(lock_op.key, "redis-operator/leader");
    EXPECT_EQ(lock_op.session, "ours");
    EXPECT_EQ(parse_lock_value(lock_op.value), signature("us", 5));
    const auto& epoch_op = std::get<ports::KvCas>(attempt.operations[1]);
    EXPECT_EQ(epoch_op.key, "redis-operator/epoch");
    EXPECT_EQ(epoch_op.value, "5");
    EXPECT_EQ(epoch_op.index, 7U);
    const auto& name_op = std::get<ports::KvCas>(attempt.operations[2]);
    EXPECT_EQ(name_op.key, "redis-operator/installation");
    EXPECT_EQ(name_op.value, "0000000000000abc");
    EXPECT_EQ(name_op.index, 0U) << "created only";
}

TEST_F(LeaderStateTest, AnInstallationThatHasANameKeepsIt) {
    state_.session_opened("ours");
    EXPECT_EQ(state_.attempt({{}, {}, entry("00ff")}, 1).operations.size(), 2U);
    ASSERT_TRUE(state_.taken(start, start));
    EXPECT_EQ(state_.installation(), InstallationId("00ff"));

    state_.lose(Loss::deleted);
    const Attempt& again = state_.attempt({{}, {}, entry("not a name: it has spaces")}, 1);
    EXPECT_EQ(std::get<ports::KvCas>(again.operations.back()).value, "00ff");
}

TEST_F(LeaderStateTest, OnlyAReleaseSparesTheWait) {
    struct Row {
        const char* found;
        LockEntry lock;
        bool acts_at_once;
    };
    const std::vector<Row> rows = {
        {"nothing", {}, false},
        {"a lock that was let go by Consul", lock(signature("a", 4)), false},
        {"garbage", entry("released: true"), false},
        {"a clean unlock", lock(signature("a", 4, true)), true},
        {"our own lock, and an old word", lock(signature("a", 4, true), "ours"), false},
    };
    for (const Row& row : rows) {
        LeaderState fresh(LeadershipOptions(), signature("us", 0));
        fresh.session_opened("ours");
        (void)fresh.attempt({row.lock, {}, {}}, 1);
        ASSERT_TRUE(fresh.taken(start, start + 1ms));
        EXPECT_EQ(fresh.held(start + 1ms), row.acts_at_once) << row.found;
        EXPECT_FALSE(fresh.held(start + 1'501ms)) << "without a proof";
    }
}

TEST_F(LeaderStateTest, WhatAProofMeans) {
    const Error denied{ErrorKind::denied, "Permission denied"};
    const Error late{ErrorKind::unavailable, "no answer"};
    const LockAnswer gone = answer({});
    const LockAnswer ours = answer(lock(signature("us", 1), "ours"));
    struct Row {
        const char* why;
        std::vector<LockAnswer> answers;
        Verdict last;
        std::optional<Loss> loss;
    };
    const std::vector<Row> rows = {
        {"our session", {ours}, Verdict::proven, {}},
        {"our session, whatever someone wrote", {answer(entry("x", "ours"))}, Verdict::proven, {}},
        {"another", {answer(lock(signature("a", 2), "b"))}, Verdict::lost, Loss::taken_over},
        {"none", {answer(lock(signature("us", 1)))}, Verdict::lost, Loss::taken_over},
        {"no key", {gone}, Verdict::ask_again, {}},
        {"no key, twice", {gone, gone}, Verdict::lost, Loss::deleted},
        {"no key for a moment", {gone, ours, gone}, Verdict::ask_again, {}},
        {"no answer", {late, late, late}, Verdict::nothing, {}},
        {"denied", {denied}, Verdict::nothing, {}},
        {"denied, twice", {denied, denied}, Verdict::lost, Loss::denied},
        {"denied now and then", {denied, ours, denied}, Verdict::nothing, {}},
    };
    for (const Row& row : rows) {
        LeaderState fresh(LeadershipOptions(), signature("us", 0));
        fresh.session_opened("ours");
        (void)fresh.attempt(Ground(), 1);
        ASSERT_TRUE(fresh.taken(start, start));
        Verdict last = Verdict::nothing;
        for (const LockAnswer& given : row.answers) {
            last = fresh.judge(given, start + 500ms, fresh.hold());
        }
        EXPECT_EQ(last, row.last) << row.why;
        EXPECT_EQ(fresh.loss(), row.loss) << row.why;
        EXPECT_EQ(fresh.holds_lock(), !row.loss.has_value()) << row.why;
    }
}

TEST_F(LeaderStateTest, AnAnswerThatOutlivedItsHoldMeansNothing) {
    lead();
    const std::uint64_t first = state_.hold();
    (void)state_.greater_epoch_seen(Epoch(9));
    (void)state_.attempt(Ground(), 1);
    ASSERT_TRUE(state_.taken(start + 1s, start + 1s));

    EXPECT_EQ(state_.judge(answer(lock(signature("a", 2), "b")), start, first), Verdict::nothing);
    EXPECT_TRUE(state_.holds_lock());
}

TEST_F(LeaderStateTest, AProofBringsALapsedLeaseBack) {
    lead();
    EXPECT_FALSE(state_.held(start + 4s));
    (void)state_.judge(answer(lock(signature("us", 1), "ours")), start + 4s, state_.hold());
    EXPECT_TRUE(state_.held(start + 4s));
}

TEST_F(LeaderStateTest, GivesUpLongAfterTheLeaseHasEnded) {
    lead();
    EXPECT_FALSE(state_.tick(start + 6'499ms));
    EXPECT_EQ(state_.tick(start + 6'500ms), Loss::gave_up);
    EXPECT_EQ(state_.discarded(), "ours");
    EXPECT_FALSE(state_.may_beat());
    EXPECT_EQ(state_.session(), "");

    state_.discarded_destroyed();
    EXPECT_TRUE(state_.may_beat());
}

TEST_F(LeaderStateTest, NewsOfAnOldSessionIsIgnored) {
    lead();
    EXPECT_FALSE(state_.session_gone("older"));
    EXPECT_TRUE(state_.holds_lock());
    EXPECT_EQ(state_.session_gone("ours"), Loss::session_gone);
    EXPECT_EQ(state_.discarded(), "") << "nothing to destroy";
    EXPECT_FALSE(state_.wants_lock()) << "not before there is another session";
}

TEST_F(LeaderStateTest, AGreaterEpochEndsTheHoldAndIsOutbid) {
    lead();
    EXPECT_FALSE(state_.greater_epoch_seen(Epoch(1))) << "our own";
    EXPECT_EQ(state_.greater_epoch_seen(Epoch(9)), Loss::greater_epoch);
    EXPECT_TRUE(state_.wants_lock()) << "with the same session";
    const LockEntry held = lock(signature("us", 1), "ours");
    EXPECT_FALSE(state_.is_ours(held)) << "its epoch is too small";
    EXPECT_EQ(state_.attempt({held, entry("1"), {}}, 1).epoch, Epoch(10));

    (void)state_.greater_epoch_seen(Epoch(12));
    EXPECT_FALSE(state_.taken(start, start)) << "outdated before the answer came";
}

TEST_F(LeaderStateTest, AnAnswerThatWasLostIsFoundInTheLock) {
    state_.session_opened("ours");
    const Attempt attempt = state_.attempt({lock(signature("a", 4, true)), entry("4"), {}}, 0xabc);
    const LockEntry found = entry(attempt.value, "ours");

    ASSERT_TRUE(state_.is_ours(found));
    state_.adopted(found, start, start + 5ms);
    EXPECT_EQ(state_.epoch(), Epoch(5));
    EXPECT_TRUE(state_.held(start + 5ms)) << "what it followed had been released";
    EXPECT_EQ(state_.installation(), InstallationId("0000000000000abc"));
}

TEST_F(LeaderStateTest, StandingOfALeaderAndOfAFollower) {
    state_.saw_installation(entry("00ff"));
    state_.saw_lock(lock(signature("them", 3), "theirs"));
    Standing follower;
    follower.epoch = Epoch(3);
    follower.installation = InstallationId("00ff");
    follower.leader = "them";
    EXPECT_EQ(state_.standing(start), follower);

    state_.saw_lock(lock(signature("them", 3)));
    EXPECT_EQ(state_.standing(start).leader, "") << "free: nobody leads";

    state_.session_opened("ours");
    (void)state_.attempt({lock(signature("them", 3, true)), {}, {}}, 0xabc);
    ASSERT_TRUE(state_.taken(start, start));
    EXPECT_TRUE(state_.standing(start).leading);
    EXPECT_EQ(state_.standing(start).leader, "us");
    EXPECT_EQ(state_.standing(start).epoch, Epoch(4));
    EXPECT_FALSE(state_.standing(start + 2s).leading);
}

TEST(LeadershipTimes, OneRelationHoldsBetweenThem) {
    EXPECT_FALSE(problem_of(LeadershipTimes()));
    LeadershipTimes times;
    times.lease = 900ms;
    EXPECT_EQ(problem_of(times), "2 × beat (500ms) < lease (900ms) < check (2s) does not hold");
    times = LeadershipTimes();
    times.check = 1'500ms;
    EXPECT_TRUE(problem_of(times));
    times = LeadershipTimes();
    times.beat = 0ms;
    EXPECT_TRUE(problem_of(times));
    times = LeadershipTimes();
    times.session_ttl = 5s;
    EXPECT_TRUE(problem_of(times));
}

}  // namespace
}  // namespace rop::loop
