#include "test/simulation/sim_redis.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"
#include "test/simulation/tests/virtual_fixture.hpp"

namespace rop::simulation {
namespace {

using Contact = ports::RedisOutcome::Contact;
using std::chrono::milliseconds;

class SimRedisTest : public VirtualTest {
  protected:
    RedisServer& start(std::uint16_t port, std::optional<std::string> password = {}) {
        RedisOptions options;
        options.at = Endpoint{"127.0.0.1", port};
        options.bus_port = static_cast<std::uint16_t>(port + 10'000);
        options.password = std::move(password);
        return fleet_.start(options);
    }
    ports::RedisOutcome send(std::uint16_t port, std::vector<ports::Words> commands,
                             std::string name = "redis-operator:i:1",
                             std::function<bool()> may_write = {}) {
        ports::RedisRequest request;
        request.to = Endpoint{"127.0.0.1", port};
        request.connection_name = std::move(name);
        request.commands = std::move(commands);
        request.may_write = std::move(may_write);
        return finish(port_->send(std::move(request)));
    }

    Fleet fleet_{clock_, Dice{3}};
    std::unique_ptr<SimRedis> port_ = make_sim_redis(
        SimRedisContext{&clock_, &fleet_, &faults_, &process_, nullptr, {}, nullptr, {}},
        io_.get_executor());
};

TEST_F(SimRedisTest, AConnectionIsKeptUnderItsName) {
    RedisServer& server = start(7001);
    const auto first = send(7001, {{"CLIENT", "GETNAME"}, {"PING"}});
    EXPECT_EQ(first.replies.at(0).text, "redis-operator:i:1");
    EXPECT_EQ(first.replies.at(1).text, "PONG");
    const auto id = server.clients().begin()->first;
    send(7001, {{"PING"}});
    EXPECT_EQ(server.clients().begin()->first, id);
    send(7001, {{"PING"}}, "redis-operator:i:2");
    EXPECT_NE(server.clients().begin()->first, id);
    EXPECT_EQ(server.clients().size(), 1);
}

TEST_F(SimRedisTest, NobodyListeningAndWrongPasswordsAreToldApart) {
    EXPECT_EQ(send(7001, {{"PING"}}).contact, Contact::refused);
    start(7002, "secret");
    EXPECT_EQ(send(7002, {{"PING"}}).contact, Contact::auth_failed);
}

TEST_F(SimRedisTest, WhoeverMayNotWriteWritesNothing) {
    const RedisServer& server = start(7001);
    const auto outcome =
        send(7001, {{"CONFIG", "SET", "cluster-node-timeout", "7"}}, "n", [] { return false; });
    EXPECT_EQ(outcome.failure->kind, ErrorKind::fenced);
    EXPECT_FALSE(outcome.written);
    run_for(milliseconds{100});
    EXPECT_EQ(server.node_timeout(), milliseconds{15'000});
}

TEST_F(SimRedisTest, ALostRequestEndsWithTheDeadlineOrAReset) {
    const RedisServer& server = start(7001);
    send(7001, {{"PING"}});
    FaultRates rates;
    rates.request_lost = 1;
    faults_.set(rates);
    const auto outcome = send(7001, {{"CONFIG", "SET", "cluster-node-timeout", "7"}});
    EXPECT_EQ(outcome.failure->kind, ErrorKind::unavailable);
    EXPECT_TRUE(outcome.written);
    EXPECT_EQ(server.node_timeout(), milliseconds{15'000});
}

TEST_F(SimRedisTest, WhatIsOnItsWayArrivesAfterTheProcessIsGoneUnlessItsConnectionWasKilled) {
    RedisServer& first = start(7001);
    RedisServer& second = start(7002);
    send(7001, {{"PING"}});
    send(7002, {{"PING"}});
    const auto write = [&](std::uint16_t port) {
        ports::RedisRequest request;
        request.to = Endpoint{"127.0.0.1", port};
        request.connection_name = "redis-operator:i:1";
        request.commands = {{"CONFIG", "SET", "cluster-node-timeout", "7"}};
        boost::asio::co_spawn(io_, port_->send(std::move(request)), boost::asio::detached);
    };
    write(7001);
    write(7002);
    settle();
    const std::int64_t killer = second.accept("test", {});
    second.execute(killer, {"CLIENT", "KILL", "ID", "1"});
    process_.crash();
    port_->process_ended();
    run_for(milliseconds{100});
    EXPECT_EQ(first.node_timeout(), milliseconds{7});
    EXPECT_EQ(second.node_timeout(), milliseconds{15'000});
    EXPECT_TRUE(first.clients().empty());
}

TEST_F(SimRedisTest, AClosedConnectionIsNoticed) {
    const RedisServer& server = start(7001);
    std::vector<Endpoint> closed;
    port_->on_closed([&](const Endpoint& endpoint) { closed.push_back(endpoint); });
    send(7001, {{"PING"}});
    fleet_.kill(server.id());
    run_for(milliseconds{10});
    EXPECT_EQ(closed.size(), 1);
}

}  // namespace
}  // namespace rop::simulation
