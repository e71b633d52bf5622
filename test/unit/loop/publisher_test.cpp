#include "operator/loop/publisher.hpp"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "api/json/status_json.hpp"
#include "operator/runtime/task_group.hpp"
#include "test/support/fake_consul.hpp"
#include "test/support/manual_time.hpp"

namespace rop::loop {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr auto lock_key = "redis-operator/leader";
constexpr auto record_key = "redis-operator/clusters/cache/record";
constexpr auto status_key = "redis-operator/clusters/cache/status";
constexpr auto events_key = "redis-operator/clusters/cache/events";

ClusterStatus status_of(Phase phase) {
    ClusterStatus status;
    status.name = ClusterName{"cache"};
    status.phase = phase;
    status.reason = "AsDeclared";
    return status;
}

class PublisherTest : public ::testing::Test {
  protected:
    PublisherTest() {
        consul_tasks_.spawn("consul", store_.run());
        tasks_.spawn("lock", take_lock());
        time_.advance(10ms);
        EXPECT_NE(session_, "");
        writes_before_ = client_.calls;
        store_.put(record_key, "{}");
        anchor_ = {record_key, store_.get(record_key)->modify_index};
    }
    void TearDown() override {
        tasks_.stop();
        consul_tasks_.stop();
        time_.settle();
    }

    asio::awaitable<void> take_lock() {
        ports::SessionRequest request;
        const auto made = co_await client_.session_create(request);
        session_ = made.value();
        std::vector<ports::TxnOp> operations{ports::KvLock{lock_key, "me", session_}};
        (void)co_await client_.txn(std::move(operations));
    }

    /// What publish() returned: when to come back.
    std::optional<Moment> publish(const ClusterStatus& status) {
        std::optional<std::optional<Moment>> outcome;
        auto run = [&]() -> asio::awaitable<void> {
            auto shown = std::make_shared<ClusterStatus>(status);
            outcome = co_await publisher_.publish(std::move(shown), log_, anchor_);
        };
        tasks_.spawn("publish", run());
        EXPECT_TRUE(time_.advance_until([&] { return outcome.has_value(); }, 100ms));
        return outcome.value_or(std::nullopt);
    }
    [[nodiscard]] std::size_t writes() const { return client_.calls - writes_before_; }
    [[nodiscard]] std::string stored(const std::string& key) const {
        const auto found = store_.get(key);
        return found ? found->value : "";
    }
    [[nodiscard]] PublisherOptions options() {
        return {"redis-operator/", lock_key, [this] { return session_; }};
    }

    testing::ManualTime time_;
    testing::FakeConsul store_{&time_};
    testing::FakeConsulClient client_{&store_, &time_};
    runtime::TaskGroup consul_tasks_{time_.executor()};
    runtime::TaskGroup tasks_{time_.executor()};
    std::string session_;
    std::size_t writes_before_ = 0;
    std::shared_ptr<EventLog> log_ = std::make_shared<EventLog>();
    ports::KvCheckIndex anchor_;
    Publisher publisher_{&time_, &client_, ClusterName{"cache"}, options()};
};

TEST_F(PublisherTest, WritesStatusAndEventsTogether) {
    log_->add(Timestamp{}, EventType::normal, "Formed", "3 primaries");

    EXPECT_EQ(publish(status_of(Phase::ready)), std::nullopt);

    EXPECT_EQ(json::parse_status(stored(status_key)).value(), status_of(Phase::ready));
    EXPECT_EQ(json::parse_events(stored(events_key)).value(), log_->events());
    EXPECT_EQ(writes(), 1U);
}

TEST_F(PublisherTest, WritesNothingWhenNothingChanged) {
    (void)publish(status_of(Phase::ready));
    time_.advance(10s);
    ClusterStatus later = status_of(Phase::ready);
    later.updated_at = Timestamp{std::chrono::seconds(99)};

    EXPECT_EQ(publish(later), std::nullopt);
    EXPECT_EQ(writes(), 1U);
}

TEST_F(PublisherTest, WritesAtMostOnceASecondAndSaysWhenToComeBack) {
    (void)publish(status_of(Phase::forming));
    const auto again = publish(status_of(Phase::ready));

    ASSERT_TRUE(again);
    EXPECT_EQ(writes(), 1U);
    EXPECT_EQ(json::parse_status(stored(status_key)).value().phase, Phase::forming);
    time_.advance(*again - time_.now());
    EXPECT_EQ(publish(status_of(Phase::ready)), std::nullopt);
    EXPECT_EQ(json::parse_status(stored(status_key)).value().phase, Phase::ready);
}

TEST_F(PublisherTest, WritesNothingWithoutTheLock) {
    store_.destroy_session(session_);

    const auto again = publish(status_of(Phase::ready));

    EXPECT_TRUE(again) << "to be tried again";
    EXPECT_EQ(stored(status_key), "");
}

TEST_F(PublisherTest, WritesNothingWhenNobodyHoldsTheLockAndWeNeither) {
    store_.destroy_session(session_);
    session_.clear();

    EXPECT_EQ(publish(status_of(Phase::ready)), std::nullopt);
    EXPECT_EQ(stored(status_key), "");
    EXPECT_EQ(writes(), 0U);
}

// `delete --forget-record` at the same moment: what is forgotten stays forgotten.
TEST_F(PublisherTest, BringsNothingBackOfAClusterThatWasForgotten) {
    log_->add(Timestamp{}, EventType::normal, "Formed", "3 primaries");
    store_.erase(record_key);

    EXPECT_TRUE(publish(status_of(Phase::ready)));
    EXPECT_EQ(stored(status_key), "");
    EXPECT_EQ(stored(events_key), "");

    store_.put(record_key, "another one");
    time_.advance(1s);
    EXPECT_TRUE(publish(status_of(Phase::ready))) << "it is not the one that was judged";
    EXPECT_EQ(stored(status_key), "");
}

TEST_F(PublisherTest, TriesAgainWhatConsulDidNotTake) {
    client_.line = testing::FakeConsulClient::Line::refused;
    EXPECT_TRUE(publish(status_of(Phase::ready)));
    client_.line = testing::FakeConsulClient::Line::fine;
    time_.advance(1s);

    EXPECT_EQ(publish(status_of(Phase::ready)), std::nullopt);
    EXPECT_NE(stored(status_key), "");
}

TEST_F(PublisherTest, WritesAnewWhatSomebodyElseMayHaveWritten) {
    (void)publish(status_of(Phase::ready));
    store_.put(status_key, "older");
    time_.advance(1s);
    publisher_.forget_written();

    (void)publish(status_of(Phase::ready));

    EXPECT_NE(stored(status_key), "older");
}

TEST_F(PublisherTest, KnowsItsOwnStatusFromOneThatSomebodyPutThere) {
    EXPECT_FALSE(publisher_.was_replaced(7, time_.now())) << "nothing was written yet";
    (void)publish(status_of(Phase::ready));
    const std::uint64_t ours = store_.get(status_key)->modify_index;
    const Moment soon = time_.now() + 1s;
    const Moment later = time_.now() + 3s;

    EXPECT_FALSE(publisher_.was_replaced(ours, later));
    EXPECT_FALSE(publisher_.was_replaced(ours - 1, later)) << "an answer that was late";
    EXPECT_FALSE(publisher_.was_replaced(0, soon)) << "it may be older than our writing";
    EXPECT_TRUE(publisher_.was_replaced(0, later)) << "deleted";
    EXPECT_TRUE(publisher_.was_replaced(ours + 1, soon));
}

Timestamp at(int second) {
    return Timestamp{std::chrono::seconds(second)};
}

TEST(EventLog, CountsEqualNeighbours) {
    EventLog log;
    log.add(at(1), EventType::warning, "MeetFailed", "a: refused");
    log.add(at(2), EventType::warning, "MeetFailed", "a: refused");
    log.add(at(3), EventType::normal, "Meet", "a");
    log.add(at(4), EventType::warning, "MeetFailed", "a: refused");

    ASSERT_EQ(log.events().size(), 3U);
    EXPECT_EQ(log.events()[0].count, 2U);
    EXPECT_EQ(log.events()[0].first_time, at(1));
    EXPECT_EQ(log.events()[0].time, at(2));
}

TEST(EventLog, KeepsTheNewestHundred) {
    EventLog log;
    for (int i = 0; i < 150; ++i) {
        log.add(at(i), EventType::normal, "Meet", std::to_string(i));
    }

    ASSERT_EQ(log.events().size(), 100U);
    EXPECT_EQ(log.events().front().message, "50");
    EXPECT_EQ(log.events().back().message, "149");
}

TEST(EventLog, GoesOnWhereAnEarlierLeaderEnded) {
    EventLog earlier;
    earlier.add(at(1), EventType::normal, "Meet", "a");
    earlier.add(at(5), EventType::normal, "Meet", "b");
    EventLog log;
    log.add(at(4), EventType::normal, "Meet", "seen as a standby");
    log.add(at(6), EventType::normal, "Meet", "c");

    log.resume(earlier.events());

    ASSERT_EQ(log.events().size(), 3U);
    EXPECT_EQ(log.events()[0].message, "a");
    EXPECT_EQ(log.events()[2].message, "c");
}

TEST(Events, AreOnePerAction) {
    execute::PlanOutcome outcome;
    outcome.steps.push_back({"write-record", "record formed", "all serve", std::nullopt, {}});
    outcome.steps.push_back(
        {"meet", "a meets b", "new", Error{ErrorKind::unavailable, "gone"}, {}});
    EventLog log;
    note_actions(outcome, at(1), log);

    ASSERT_EQ(log.events().size(), 2U);
    EXPECT_EQ(log.events()[0].reason, "WriteRecord");
    EXPECT_EQ(log.events()[0].message, "record formed (all serve)");
    EXPECT_EQ(log.events()[0].type, EventType::normal);
    EXPECT_EQ(log.events()[1].reason, "MeetFailed");
    EXPECT_EQ(log.events()[1].message, "a meets b: gone");
    EXPECT_EQ(log.events()[1].type, EventType::warning);
}

TEST(Events, ActionThatTheLeaseForbadeIsNone) {
    execute::PlanOutcome outcome;
    outcome.steps.push_back({"meet", "a meets b", "new", Error{ErrorKind::fenced, "no lease"}, {}});
    EventLog log;
    note_actions(outcome, at(1), log);

    EXPECT_TRUE(log.events().empty());
}

TEST(Events, AreOnePerChangeOfPhase) {
    EventLog log;
    const ClusterStatus forming = status_of(Phase::forming);
    ClusterStatus down = status_of(Phase::down);
    down.message = "no instance answers";
    note_phase(nullptr, forming, log);
    note_phase(&forming, forming, log);
    note_phase(&forming, down, log);

    ASSERT_EQ(log.events().size(), 2U);
    EXPECT_EQ(log.events()[0].reason, "Forming");
    EXPECT_EQ(log.events()[1].type, EventType::warning);
    EXPECT_EQ(log.events()[1].message, "AsDeclared: no instance answers");
}

}  // namespace
}  // namespace rop::loop
