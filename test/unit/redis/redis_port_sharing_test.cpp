// What happens when several want the same, when someone stops, and when we may not any more.
#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "operator/redis/redis_port.hpp"
#include "test/unit/redis/redis_port_fixture.hpp"

namespace rop::redis {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ports::RedisOutcome;
using ports::RedisRequest;
using ports::Words;
using testing::obliging;
using testing::RedisPortTest;
using testing::ScriptedServer;
using Act = ScriptedServer::Act;
using Contact = RedisOutcome::Contact;

/// Never answers WAIT.
Act silent_on_wait(const Words& words) {
    return words[0] == "WAIT" ? Act{""} : obliging(words);
}

TEST_F(RedisPortTest, AsksBeforeEveryWriteAndOnlyAfterItsNameIsKnown) {
    serve(obliging);
    RedisRequest made = request({{"SET", "a", std::string(1'000'000, 'x')}});
    std::size_t asked = 0;
    made.may_write = [&] {
        if (asked == 0) {
            EXPECT_EQ(server_->names(0), "CLIENT");
        }
        ++asked;
        return true;
    };

    const auto outcome = send(made);

    EXPECT_EQ(what(outcome), "");
    EXPECT_GE(asked, 1'000'000U / (64 * 1024)) << "pieces of at most 64 KiB";
}

TEST_F(RedisPortTest, WritesNothingWhenItMayNot) {
    serve(obliging);
    RedisRequest made = request();
    made.may_write = [] { return false; };

    const auto outcome = send(made);

    EXPECT_EQ(outcome.failure->kind, ErrorKind::fenced);
    EXPECT_EQ(outcome.contact, Contact::fine);
    EXPECT_FALSE(outcome.written);
    EXPECT_TRUE(outcome.replies.empty());
    EXPECT_TRUE(until([&] { return server_->client(0).has_ended; }));
    EXPECT_EQ(server_->names(0), "CLIENT");
}

TEST_F(RedisPortTest, StopsInTheMiddleWhenItMayNotAnyMore) {
    serve(obliging);
    std::vector<Words> commands;
    for (int i = 0; i < 20; ++i) {
        commands.push_back({"SET", "a", std::string(60'000, 'x')});
    }
    RedisRequest made = request(commands);
    std::size_t asked = 0;
    made.may_write = [&] { return ++asked <= 3; };

    const auto outcome = send(made);

    EXPECT_EQ(outcome.failure->kind, ErrorKind::fenced);
    EXPECT_TRUE(outcome.written);
    EXPECT_TRUE(until([&] { return server_->client(0).has_ended; }));
    EXPECT_LE(server_->client(0).commands.size(), 1U + 3U);
}

/// The room in the kernel's buffers comes when the server reads again; by then we may not write.
TEST_F(RedisPortTest, AsksAgainAfterAWaitForRoom) {
    serve(obliging);
    EXPECT_EQ(what(send(request())), "");
    server_->stop_reading();
    EXPECT_EQ(what(send(request())), "") << "one read was still pending";
    RedisRequest made = request({{"SET", "a", std::string(30'000'000, 'x')}});
    bool is_leading = true;
    std::size_t asked = 0;
    made.may_write = [&] {
        ++asked;
        return is_leading;
    };
    const auto pending = start(made);
    std::size_t before = 0;
    ASSERT_TRUE(until([&] {  // It has asked, and does not any more: it waits for room.
        const bool is_waiting = asked > 0 && asked == before;
        before = asked;
        return is_waiting;
    }));

    is_leading = false;
    server_->go_on_reading();

    ASSERT_TRUE(until([&] { return pending->has_ended; }));
    EXPECT_EQ(pending->outcome->failure->kind, ErrorKind::fenced);
    EXPECT_EQ(asked, before + 1);
    EXPECT_TRUE(until([&] { return server_->client(0).has_ended; }));
    EXPECT_LT(server_->client(0).bytes, 30'000'000U);
}

TEST_F(RedisPortTest, GivesUpOnOneThatDoesNotRead) {
    serve(obliging);
    EXPECT_EQ(what(send(request())), "");
    server_->stop_reading();
    EXPECT_EQ(what(send(request())), "") << "one read was still pending";
    RedisRequest made = request({{"SET", "a", std::string(30'000'000, 'x')}});
    made.deadline = 100ms;

    const auto outcome = send(made);

    EXPECT_EQ(outcome.contact, Contact::timed_out);
    EXPECT_EQ(what(outcome), "it reads nothing");
    EXPECT_TRUE(outcome.written);
}

TEST_F(RedisPortTest, RequestsToOneEndpointTakeTurns) {
    serve(silent_on_wait);
    const auto first = start(request({{"WAIT", "1", "0"}, {"PING"}}));
    const auto second = start(request({{"SET", "a", "b"}}));
    const auto third = start(request({{"PING"}}));
    ASSERT_TRUE(until([&] { return server_->accepted() == 1 && server_->names(0) != ""; }));
    ASSERT_TRUE(until([&] { return server_->names(0) == "CLIENT WAIT PING"; }));
    EXPECT_FALSE(second->has_ended);

    server_->say(":0\r\n");
    // PING was answered first, so the replies are out of order: it is for the script to be right.
    ASSERT_TRUE(until([&] { return third->has_ended; }));

    EXPECT_TRUE(first->has_ended);
    EXPECT_TRUE(second->has_ended);
    EXPECT_EQ(server_->accepted(), 1U);
    EXPECT_EQ(server_->names(0), "CLIENT WAIT PING SET PING");
    EXPECT_EQ(second->outcome->replies.at(0).text, "OK");
    EXPECT_EQ(third->outcome->replies.at(0).text, "PONG");
}

TEST_F(RedisPortTest, RequestsToOtherEndpointsDoNotWait) {
    serve(silent_on_wait);
    ScriptedServer other(io_.get_executor(), obliging);
    const auto slow = start(request({{"WAIT", "1", "0"}}));
    RedisRequest quick = request();
    quick.to = other.at();

    EXPECT_EQ(what(send(quick)), "");

    EXPECT_FALSE(slow->has_ended);
    port_->drop_all();
    EXPECT_TRUE(until([&] { return slow->has_ended; }));
}

TEST_F(RedisPortTest, TheDeadlineCoversTheWaitForOnesTurn) {
    serve(silent_on_wait);
    const auto slow = start(request({{"WAIT", "1", "0"}}));
    RedisRequest hurried = request();
    hurried.deadline = 30ms;

    const auto outcome = send(hurried);

    EXPECT_EQ(outcome.contact, Contact::timed_out);
    EXPECT_EQ(what(outcome), "an earlier request took all the time");
    EXPECT_FALSE(slow->has_ended) << "and the earlier one goes on";
    server_->say(":1\r\n");
    EXPECT_TRUE(until([&] { return slow->has_ended; }));
    EXPECT_EQ(what(*slow->outcome), "");
}

TEST_F(RedisPortTest, AStoppedRequestClosesItsConnection) {
    serve(silent_on_wait);
    const auto stopped = start(request({{"WAIT", "1", "0"}}));
    const auto next = start(request());
    ASSERT_TRUE(
        until([&] { return server_->accepted() == 1 && server_->names(0) == "CLIENT WAIT"; }));

    stopped->stop.emit(asio::cancellation_type::terminal);

    ASSERT_TRUE(until([&] { return next->has_ended; }));
    EXPECT_TRUE(stopped->has_ended);
    EXPECT_FALSE(stopped->outcome);
    EXPECT_EQ(next->outcome->replies.at(0).text, "PONG") << "not the reply to WAIT";
    EXPECT_TRUE(server_->client(0).has_ended);
    EXPECT_EQ(server_->accepted(), 2U);
}

TEST_F(RedisPortTest, ARequestStoppedInTheQueueDisturbsNobody) {
    serve(silent_on_wait);
    const auto first = start(request({{"WAIT", "1", "0"}}));
    const auto stopped = start(request({{"SET", "a", "b"}}));
    const auto last = start(request());
    ASSERT_TRUE(
        until([&] { return server_->accepted() == 1 && server_->names(0) == "CLIENT WAIT"; }));

    stopped->stop.emit(asio::cancellation_type::terminal);
    ASSERT_TRUE(until([&] { return stopped->has_ended; }));
    server_->say(":1\r\n");

    ASSERT_TRUE(until([&] { return last->has_ended; }));
    EXPECT_EQ(first->outcome->replies.at(0).integer, 1);
    EXPECT_EQ(server_->names(0), "CLIENT WAIT PING");
    EXPECT_EQ(server_->accepted(), 1U);
}

TEST_F(RedisPortTest, ARequestStoppedWhileItIntroducesItselfLeavesNothingBehind) {
    serve([](const Words&) { return Act{""}; });
    const auto stopped = start(request());
    ASSERT_TRUE(until([&] { return server_->accepted() == 1 && server_->names(0) == "CLIENT"; }));

    stopped->stop.emit(asio::cancellation_type::terminal);

    ASSERT_TRUE(until([&] { return stopped->has_ended && server_->client(0).has_ended; }));
    EXPECT_FALSE(stopped->outcome);
}

TEST_F(RedisPortTest, TellsWhenThePeerClosesAnIdleConnection) {
    serve(obliging);
    std::vector<Endpoint> closed;
    port_->on_closed([&](const Endpoint& at) { closed.push_back(at); });
    EXPECT_EQ(what(send(request())), "");
    const Endpoint at = server_->at();

    server_->hang_up();

    EXPECT_TRUE(until([&] { return !closed.empty(); }));
    EXPECT_EQ(closed, (std::vector<Endpoint>{at}));
    EXPECT_EQ(what(send(request())), "") << "and connects again at once";
}

TEST_F(RedisPortTest, TellsWhenThePeerClosesAConnectionInUse) {
    serve([](const Words& words) { return Act{"+OK\r\n", words[0] == "QUIT"}; });
    std::size_t closed = 0;
    port_->on_closed([&](const Endpoint&) { ++closed; });

    EXPECT_EQ(send(request({{"QUIT"}, {"GET", "x"}})).contact, Contact::closed);

    EXPECT_EQ(closed, 1U);
}

TEST_F(RedisPortTest, DoesNotTellOfWhatItClosesItself) {
    serve(obliging);
    ScriptedServer other(io_.get_executor(), obliging);
    std::size_t closed = 0;
    port_->on_closed([&](const Endpoint&) { ++closed; });
    RedisRequest to_other = request();
    to_other.to = other.at();
    EXPECT_EQ(what(send(request())), "");
    EXPECT_EQ(what(send(to_other)), "");

    port_->keep_only({other.at()});
    EXPECT_TRUE(until([&] { return server_->client(0).has_ended; }));
    EXPECT_FALSE(other.client(0).has_ended);
    EXPECT_EQ(what(send(to_other)), "");
    EXPECT_EQ(other.accepted(), 1U);

    port_->drop_all();
    EXPECT_TRUE(until([&] { return other.client(0).has_ended; }));
    EXPECT_EQ(closed, 0U);
    EXPECT_EQ(what(send(request())), "") << "and may be used again";
}

TEST_F(RedisPortTest, DropAllEndsWhatIsUnderWay) {
    serve(silent_on_wait);
    const auto pending = start(request({{"PING"}, {"WAIT", "1", "0"}}));
    ASSERT_TRUE(
        until([&] { return server_->accepted() == 1 && server_->names(0) == "CLIENT PING WAIT"; }));

    port_->drop_all();

    ASSERT_TRUE(until([&] { return pending->has_ended; }));
    ASSERT_TRUE(pending->outcome->failure);
    EXPECT_EQ(pending->outcome->failure->kind, ErrorKind::fenced);
    EXPECT_EQ(pending->outcome->contact, Contact::closed);
    EXPECT_TRUE(pending->outcome->written);
}

TEST_F(RedisPortTest, DropAllEndsWhatIsBeingConnected) {
    serve(obliging);
    const auto pending = start(request());

    port_->drop_all();  // Before the first step of the event loop, and again after a few.
    io_.restart();
    io_.poll_one();
    port_->drop_all();

    ASSERT_TRUE(until([&] { return pending->has_ended; }));
    EXPECT_TRUE(!pending->outcome->failure || pending->outcome->failure->kind == ErrorKind::fenced);
    EXPECT_EQ(what(send(request())), "") << "being dropped is no reason to back off";
}

}  // namespace
}  // namespace rop::redis
