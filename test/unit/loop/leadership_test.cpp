#include "operator/loop/leadership.hpp"

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/loop/lock_value.hpp"
#include "operator/runtime/task_group.hpp"
#include "test/support/fake_consul.hpp"
#include "test/support/fixed_random.hpp"
#include "test/support/manual_time.hpp"

namespace rop::loop {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Not;
using ::testing::SizeIs;
using Line = testing::FakeConsulClient::Line;

const std::string lock_key = "redis-operator/leader";

/// One operator process, as far as leadership goes.
struct Operator {
    Operator(testing::FakeConsul* store, testing::ManualTime* time, std::string host,
             std::uint64_t seed)
        : consul(store, time), random(seed, 7), tasks(time->executor()) {
        Ports ports;
        ports.time = time;
        ports.consul = &consul;
        ports.random = &random;
        LeadershipOptions options;
        options.listen.host = "127.0.0.1";
        options.listen.port = 9480;
        options.host = std::move(host);
        options.version = "0.1.0";
        leadership = make_leadership(ports, options);
        leadership->on_change([this] { ++changes; });
    }

    void start() { tasks.spawn("leadership", leadership->run()); }
    [[nodiscard]] bool held() const { return leadership->held(); }
    /// kill -9: nothing of it is heard again.
    void kill() { consul.line = Line::silent; }

    testing::FakeConsulClient consul;
    testing::FixedRandom random;
    std::unique_ptr<Leadership> leadership;
    runtime::TaskGroup tasks;
    int changes = 0;
};

class LeadershipTest : public ::testing::Test {
  protected:
    LeadershipTest() { world_.spawn("consul", store_.run()); }
    void TearDown() override {
        a_.tasks.stop();
        b_.tasks.stop();
        time_.advance(1s);
        EXPECT_TRUE(a_.tasks.empty() && b_.tasks.empty()) << "stopping takes longer than a second";
        world_.stop();
        time_.settle();
    }

    /// Until `who` may act. Whatever happens on the way, never two at once.
    [[nodiscard]] bool leads_within(const Operator& who, std::chrono::milliseconds at_most) {
        return time_.advance_until(
            [&] {
                EXPECT_FALSE(a_.held() && b_.held()) << "two leaders";
                return who.held();
            },
            at_most);
    }
    void start_with_leader_a() {
        a_.start();
        ASSERT_TRUE(leads_within(a_, 5s));
        b_.start();
        time_.advance(1s);
        ASSERT_TRUE(a_.held());
        ASSERT_FALSE(b_.held());
    }
    [[nodiscard]] LockValue lock_value() const {
        return parse_lock_value(store_.get(lock_key)->value).value();
    }

    testing::ManualTime time_;
    testing::FakeConsul store_{&time_};
    Operator a_{&store_, &time_, "host-1", 0x1000};
    Operator b_{&store_, &time_, "host-2", 0x2000};
    runtime::TaskGroup world_{time_.executor()};
};

asio::awaitable<void> note_loss(Operator* who, bool* lost) {
    co_await who->leadership->lost();
    *lost = true;
}

TEST_F(LeadershipTest, TheFirstOneTakesTheLockAndWaitsOneLease) {
    a_.start();
    ASSERT_TRUE(time_.advance_until([&] { return store_.get(lock_key).has_value(); }, 100ms));
    const Moment locked = time_.now();
    EXPECT_FALSE(a_.leadership->standing().leading);
    EXPECT_EQ(a_.leadership->session(), "") << "nothing is written before the lease is held";

    ASSERT_TRUE(leads_within(a_, 2s));
    EXPECT_GE(time_.now() - locked, 1'500ms);
    EXPECT_LE(time_.now() - locked, 1'510ms);
    EXPECT_EQ(a_.leadership->epoch(), Epoch(1));
    EXPECT_EQ(a_.leadership->session(), store_.get(lock_key)->session);
    EXPECT_EQ(store_.get("redis-operator/epoch")->value, "1");
    EXPECT_EQ(a_.leadership->standing().installation.value(),
              store_.get("redis-operator/installation")->value);
    EXPECT_EQ(lock_value().host, "host-1");
    EXPECT_EQ(lock_value().address, "127.0.0.1:9480");
}

TEST_F(LeadershipTest, ALeaderStaysOneAndAFollowerKnowsIt) {
    start_with_leader_a();
    const int changes = a_.changes;
    for (int second = 0; second < 120; ++second) {
        time_.advance(1s);
        ASSERT_TRUE(a_.held());
    }
    EXPECT_EQ(a_.changes, changes) << "no change is no news";
    EXPECT_EQ(a_.leadership->epoch(), Epoch(1));
    EXPECT_EQ(b_.leadership->standing().leader, lock_value().instance);
    EXPECT_EQ(b_.leadership->standing().epoch, Epoch(1));
    EXPECT_EQ(b_.leadership->standing().installation, a_.leadership->standing().installation);
    EXPECT_EQ(b_.leadership->session(), "");
}

TEST_F(LeadershipTest, ACleanStopHandsOverAtOnce) {
    start_with_leader_a();
    a_.tasks.stop();
    time_.settle();
    EXPECT_FALSE(a_.held()) << "before anything else";

    EXPECT_TRUE(leads_within(b_, 100ms)) << "no lease to wait for";
    EXPECT_EQ(b_.leadership->epoch(), Epoch(2));
    EXPECT_FALSE(lock_value().released) << "the new leader's word";
    time_.advance(100ms);
    EXPECT_TRUE(a_.tasks.empty());
    EXPECT_THAT(store_.service_ids(), SizeIs(1));
    EXPECT_EQ(store_.session_count(), 1U);
}

TEST_F(LeadershipTest, ACleanStopLeavesWordForALaterLeader) {
    a_.start();
    ASSERT_TRUE(leads_within(a_, 5s));
    a_.tasks.stop();
    time_.advance(100ms);
    EXPECT_TRUE(lock_value().released);
    EXPECT_EQ(store_.get(lock_key)->session, "");
    EXPECT_EQ(store_.session_count(), 0U);

    b_.start();
    EXPECT_TRUE(leads_within(b_, 100ms));
    EXPECT_EQ(b_.leadership->epoch(), Epoch(2));
}

TEST_F(LeadershipTest, AKilledLeaderIsReplacedWithinFiveSeconds) {
    start_with_leader_a();
    a_.kill();
    const Moment killed = time_.now();
    ASSERT_TRUE(leads_within(b_, 5s));
    EXPECT_LE(time_.now() - killed, 3'700ms) << "2 s check, 1.5 s lease, rounds";
    EXPECT_GE(time_.now() - killed, 3'000ms) << "the dead one's lease was not waited for";
    EXPECT_EQ(b_.leadership->epoch(), Epoch(2));
}

TEST_F(LeadershipTest, ASleeperFindsItsLeaseOverBeforeItRunsAnythingElse) {
    start_with_leader_a();
    time_.jump(1'501ms);
    EXPECT_FALSE(a_.held());
    EXPECT_EQ(a_.leadership->session(), "");
    EXPECT_FALSE(a_.leadership->standing().leading);
}

TEST_F(LeadershipTest, LossIsToldByExpiryToo) {
    start_with_leader_a();
    bool lost = false;
    a_.tasks.spawn("loss", note_loss(&a_, &lost));
    time_.advance(10s);
    EXPECT_FALSE(lost) << "each proof pushes the end back";

    const int changes = a_.changes;
    a_.consul.line = Line::refused;
    time_.advance(900ms);
    EXPECT_FALSE(lost);
    time_.advance(650ms);
    EXPECT_TRUE(lost);
    EXPECT_FALSE(a_.held());
    EXPECT_GT(a_.changes, changes);

    bool at_once = false;
    a_.tasks.spawn("loss", note_loss(&a_, &at_once));
    time_.settle();
    EXPECT_TRUE(at_once) << "it is not held now";
}

TEST_F(LeadershipTest, ASlowAnswerProvesNoMoreThanWhenItWasAskedFor) {
    start_with_leader_a();
    a_.consul.latency = 300ms;
    time_.advance(3s);
    ASSERT_TRUE(a_.held());
    a_.consul.line = Line::silent;
    time_.advance(900ms);
    EXPECT_FALSE(a_.held())
        << "the newest proof was asked for 600 ms before the silence, or longer";
}

TEST_F(LeadershipTest, ASessionThatIsDestroyedEndsTheHold) {
    start_with_leader_a();
    bool lost = false;
    a_.tasks.spawn("loss", note_loss(&a_, &lost));
    store_.destroy_session(store_.get(lock_key)->session);
    time_.advance(20ms);
    EXPECT_TRUE(lost) << "the watch saw it";

    ASSERT_TRUE(time_.advance_until([&] { return a_.held() || b_.held(); }, 2s));
    EXPECT_FALSE(a_.held() && b_.held());
    EXPECT_EQ(store_.get("redis-operator/epoch")->value, "2");
}

TEST_F(LeadershipTest, ALockKeyThatIsDeletedEndsTheHold) {
    start_with_leader_a();
    store_.erase(lock_key);
    const Moment deleted = time_.now();
    time_.advance(20ms);
    EXPECT_FALSE(a_.held());

    ASSERT_TRUE(time_.advance_until([&] { return a_.held() || b_.held(); }, 3s));
    EXPECT_GE(time_.now() - deleted, 1'500ms) << "whoever led before may not know yet";
    EXPECT_FALSE(a_.held() && b_.held());
    EXPECT_EQ(store_.get("redis-operator/epoch")->value, "2");
}

TEST_F(LeadershipTest, ALockThatSomeoneWritesOverStaysOurs) {
    start_with_leader_a();
    store_.put(lock_key, "mine now!");
    time_.advance(5s);
    EXPECT_TRUE(a_.held()) << "only the session counts";
    EXPECT_EQ(a_.leadership->standing().leader.rfind("host-1-", 0), 0U);
}

TEST_F(LeadershipTest, AnEpochKeyThatIsDeletedOrSpoiltIsNotStartedOver) {
    start_with_leader_a();
    store_.erase("redis-operator/epoch");
    a_.tasks.stop();
    ASSERT_TRUE(leads_within(b_, 100ms));
    EXPECT_EQ(b_.leadership->epoch(), Epoch(2));
    EXPECT_EQ(store_.get("redis-operator/epoch")->value, "2");
}

TEST_F(LeadershipTest, LockAndEpochDeletedWhileNobodyRunsAreNotStartedOver) {
    a_.start();
    ASSERT_TRUE(leads_within(a_, 5s));
    a_.tasks.stop();
    time_.advance(1s);
    store_.put("redis-operator/clusters/cache/record", R"({"version":1,"epoch":6})");
    store_.put("redis-operator/clusters/cache/status", "{\"this is\": not ours");
    store_.put("redis-operator/clusters/other/record", R"({"epoch":18446744073709551615})");
    store_.put("redis-operator/clusters/other/status", R"({"version":1,"epoch":7})");
    store_.erase(lock_key);
    store_.erase("redis-operator/epoch");

    b_.start();
    ASSERT_TRUE(leads_within(b_, 2s));
    EXPECT_EQ(b_.leadership->epoch(), Epoch(8));
    EXPECT_EQ(store_.get("redis-operator/epoch")->value, "8");
    EXPECT_EQ(lock_value().epoch, Epoch(8));
}

TEST_F(LeadershipTest, AnEpochKeyThatWentBackIsNotBelieved) {
    store_.put("redis-operator/epoch", "2");
    store_.put("redis-operator/clusters/cache/record", R"({"version":1,"epoch":6})");
    a_.start();
    ASSERT_TRUE(leads_within(a_, 2s));
    EXPECT_EQ(a_.leadership->epoch(), Epoch(7));
}

TEST_F(LeadershipTest, AnAnswerThatIsLostIsFoundByReadingAgain) {
    a_.consul.lose_next_txn_answer = true;
    a_.start();
    ASSERT_TRUE(leads_within(a_, 2s));
    EXPECT_EQ(a_.leadership->epoch(), Epoch(1)) << "taken once";
    EXPECT_EQ(store_.get("redis-operator/epoch")->value, "1");
}

TEST_F(LeadershipTest, AShortOutageIsBridgedUnderTheSameEpoch) {
    start_with_leader_a();
    a_.consul.line = Line::refused;
    time_.advance(1'600ms);
    EXPECT_FALSE(a_.held());
    a_.consul.line = Line::fine;
    ASSERT_TRUE(leads_within(a_, 500ms));
    EXPECT_EQ(a_.leadership->epoch(), Epoch(1)) << "the lock never left us";
}

TEST_F(LeadershipTest, AnOutageIsNeverAHotLoop) {
    start_with_leader_a();
    for (const Line line : {Line::refused, Line::denied, Line::silent}) {
        a_.consul.line = line;
        const std::size_t before = a_.consul.calls;
        time_.advance(60s);
        EXPECT_LE(a_.consul.calls - before, 900U) << "15 a second, from five loops";
        EXPECT_FALSE(a_.held());
    }
}

TEST_F(LeadershipTest, ALeaderThatCannotProveItGivesTheLockUp) {
    // Beats get through and keep the session alive, but no proof does.
    a_.start();
    ASSERT_TRUE(leads_within(a_, 5s));
    a_.consul.line = Line::denied;
    time_.advance(1'100ms);
    EXPECT_FALSE(a_.held()) << "denied twice";
    a_.consul.line = Line::fine;
    ASSERT_TRUE(leads_within(a_, 5s));
    EXPECT_EQ(a_.leadership->epoch(), Epoch(2)) << "with a new session";
}

TEST_F(LeadershipTest, AfterALongOutageItStartsOverWithANewSession) {
    a_.start();
    ASSERT_TRUE(leads_within(a_, 5s));
    const std::string session = a_.leadership->session();
    a_.consul.line = Line::refused;
    time_.advance(30s);
    a_.consul.line = Line::fine;
    ASSERT_TRUE(leads_within(a_, 5s));
    EXPECT_NE(a_.leadership->session(), session);
    EXPECT_EQ(a_.leadership->epoch(), Epoch(2));
    EXPECT_EQ(store_.session_count(), 1U);
}

TEST_F(LeadershipTest, AGreaterEpochStopsItAtOnceAndIsOutbid) {
    a_.start();
    ASSERT_TRUE(leads_within(a_, 5s));
    bool lost = false;
    a_.tasks.spawn("loss", note_loss(&a_, &lost));
    a_.leadership->greater_epoch_seen(Epoch(40));
    EXPECT_FALSE(a_.held());
    const Moment seen = time_.now();
    time_.settle();
    EXPECT_TRUE(lost);

    ASSERT_TRUE(leads_within(a_, 3s));
    EXPECT_EQ(a_.leadership->epoch(), Epoch(41));
    EXPECT_EQ(store_.get("redis-operator/epoch")->value, "41");
    EXPECT_EQ(lock_value().epoch, Epoch(41));
    EXPECT_GE(time_.now() - seen, 1'500ms);
}

TEST_F(LeadershipTest, EpochsOnlyEverGrow) {
    start_with_leader_a();
    std::uint64_t last = 1;
    for (int round = 0; round < 20; ++round) {
        const auto entry = store_.get(lock_key);
        if (round % 3 == 0) {
            store_.erase(lock_key);
        } else {
            store_.destroy_session(entry->session);
        }
        time_.advance(10ms);
        ASSERT_TRUE(time_.advance_until([&] { return a_.held() || b_.held(); }, 10s)) << round;
        ASSERT_FALSE(a_.held() && b_.held());
        const Operator& leader = a_.held() ? a_ : b_;
        EXPECT_GT(leader.leadership->epoch().value(), last);
        last = leader.leadership->epoch().value();
        EXPECT_EQ(store_.get("redis-operator/epoch")->value, std::to_string(last));
    }
}

TEST_F(LeadershipTest, StoppingTakesAtMostASecondWhenNobodyAnswers) {
    start_with_leader_a();
    a_.consul.line = Line::silent;
    a_.tasks.stop();
    time_.settle();
    EXPECT_FALSE(a_.tasks.empty());
    time_.advance(1s);
    EXPECT_TRUE(a_.tasks.empty());
}

TEST_F(LeadershipTest, AnAgentThatForgotUsIsToldAgain) {
    start_with_leader_a();
    store_.forget_services();
    ASSERT_TRUE(time_.advance_until([&] { return store_.service_ids().size() == 2; }, 1s));
    ASSERT_TRUE(time_.advance_until([&] { return a_.held() || b_.held(); }, 5s));
}

TEST_F(LeadershipTest, OnlyDeadLeftoversAreRemoved) {
    b_.start();
    ASSERT_TRUE(leads_within(b_, 5s));
    store_.add_dead_service("redis-operator-dead", "redis-operator");
    store_.add_dead_service("redis-dead", "redis-cache");
    a_.start();
    time_.advance(100ms);
    EXPECT_THAT(store_.service_ids(), Not(Contains("redis-operator-dead")));
    EXPECT_THAT(store_.service_ids(), Contains("redis-dead")) << "not ours";
    EXPECT_THAT(store_.service_ids(), SizeIs(3));
    EXPECT_TRUE(b_.held());
}

TEST_F(LeadershipTest, BeatsThatDoNotGetThroughFreeTheLock) {
    start_with_leader_a();
    a_.consul.refuse_beats = true;
    ASSERT_TRUE(leads_within(b_, 5s));
    EXPECT_EQ(b_.leadership->epoch(), Epoch(2));
}

}  // namespace
}  // namespace rop::loop
