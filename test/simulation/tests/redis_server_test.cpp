#include "test/simulation/redis_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/simulation/redis_reply.hpp"

namespace rop::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class ServersTest : public testing::Test {
  protected:
    RedisServer& start(std::uint16_t port, milliseconds node_timeout = milliseconds{500}) {
        RedisOptions options;
        options.at = Endpoint{"127.0.0.1", port};
        options.bus_port = static_cast<std::uint16_t>(port + 10'000);
        options.node_timeout = node_timeout;
        RedisServer& server = fleet_.start(options);
        client_[server.id()] = server.accept("test", {});
        return server;
    }
    std::string ask(RedisServer& server, const ports::Words& words) {
        const ports::Reply reply = server.execute(client_.at(server.id()), words);
        return reply.kind == ports::Reply::Kind::text ? reply.text : shown(reply);
    }
    void run_for(std::chrono::microseconds span) {
        const Moment until = clock_.now() + span;
        while (clock_.next() && *clock_.next() <= until) {
            clock_.step();
        }
        clock_.at(until, [] {});
        clock_.step();
    }
    void meet(RedisServer& from, const RedisServer& to) {
        ask(from, {"CLUSTER", "MEET", to.options().at.host, std::to_string(to.options().at.port),
                   std::to_string(to.options().bus_port)});
    }
    /// Three primaries, each with a replica, and 16384 slots.
    std::vector<RedisServer*> form() {
        std::vector<RedisServer*> servers;
        for (std::uint16_t port = 7001; port <= 7006; ++port) {
            servers.push_back(&start(port));
        }
        const std::vector<std::pair<const char*, const char*>> ranges{
            {"0", "5460"}, {"5461", "10922"}, {"10923", "16383"}};
        for (std::size_t i = 0; i < servers.size(); ++i) {
            ask(*servers[i], {"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
            if (i < ranges.size()) {
                ask(*servers[i], {"CLUSTER", "ADDSLOTSRANGE", ranges[i].first, ranges[i].second});
            }
            for (std::size_t j = i + 1; j < servers.size(); ++j) {
                meet(*servers[i], *servers[j]);
            }
        }
        run_for(milliseconds{600});
        for (std::size_t i = 3; i < servers.size(); ++i) {
            EXPECT_EQ(ask(*servers[i], {"CLUSTER", "REPLICATE", servers[i - 3]->node().value()}),
                      "+OK");
        }
        run_for(seconds{3});
        return servers;
    }

    Clock clock_;
    Fleet fleet_{clock_, Dice{7}};
    std::map<ServerId, std::int64_t> client_;
};

TEST_F(ServersTest, FormAClusterByMeetingAndServe) {
    for (const RedisServer* server : form()) {
        EXPECT_TRUE(server->state_ok());
        EXPECT_EQ(server->table().size(), 6);
    }
}

TEST_F(ServersTest, AFullMeshWithAShortTimeoutServesHalfASecondAfterTheWritableDelay) {
    RedisServer& a = start(7001);
    run_for(seconds{3});  // The first two seconds of a process do not count.
    ask(a, {"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
    run_for(milliseconds{300});
    EXPECT_FALSE(a.state_ok());
    run_for(milliseconds{300});
    EXPECT_TRUE(a.state_ok());
}

TEST_F(ServersTest, AReplicaIsElectedWhenItsPrimaryDies) {
    const auto servers = form();
    ASSERT_TRUE(servers[0]->write_key(0));
    run_for(milliseconds{100});
    fleet_.kill(servers[0]->id());
    run_for(seconds{5});
    EXPECT_TRUE(servers[3]->self().is_primary);
    EXPECT_TRUE(servers[3]->state_ok());
    EXPECT_TRUE(servers[3]->keys().contains(0));
    EXPECT_EQ(servers[3]->self().slots.size(), 5461);
    EXPECT_TRUE(servers[1]->table().at(servers[0]->node()).failed);
}

TEST_F(ServersTest, AForgottenNodeStaysAwayForAMinuteAndReturnsFromOneThatWasNotTold) {
    const auto servers = form();
    fleet_.kill(servers[5]->id());
    run_for(seconds{3});
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(ask(*servers[i], {"CLUSTER", "FORGET", servers[5]->node().value()}), "+OK");
    }
    run_for(seconds{50});
    EXPECT_FALSE(servers[0]->table().contains(servers[5]->node()));
    run_for(seconds{20});
    EXPECT_TRUE(servers[0]->table().contains(servers[5]->node()));
}

TEST_F(ServersTest, MeetingAForeignClusterMergesItAndCostsItsKeys) {
    const auto servers = form();
    RedisServer& foreign = start(7101);
    ask(foreign, {"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
    run_for(seconds{3});
    ASSERT_TRUE(foreign.write_key(0));
    meet(*servers[0], foreign);
    run_for(seconds{5});
    EXPECT_FALSE(foreign.self().is_primary);
    EXPECT_TRUE(foreign.keys().empty());
}

TEST_F(ServersTest, AHandshakeThatNobodyAnswersIsDropped) {
    RedisServer& a = start(7001);
    ask(a, {"CLUSTER", "MEET", "127.0.0.1", "7999"});
    EXPECT_THAT(ask(a, {"CLUSTER", "NODES"}), HasSubstr(":7999@17999 handshake - 0 0 0 "));
    run_for(seconds{2});
    EXPECT_EQ(a.table().size(), 1);
}

TEST_F(ServersTest, AWholeClusterBackOnNewPortsIsPutTogetherByMeeting) {
    const auto servers = form();
    std::vector<RedisServer*> back;
    for (RedisServer* server : servers) {
        RedisOptions options = server->options();
        options.at.port = static_cast<std::uint16_t>(options.at.port + 100);
        options.bus_port = static_cast<std::uint16_t>(options.bus_port + 100);
        options.disk = server->disk();
        fleet_.kill(server->id());
        back.push_back(&fleet_.start(options));
        client_[back.back()->id()] = back.back()->accept("test", {});
    }
    run_for(seconds{5});
    EXPECT_FALSE(back[0]->state_ok());
    for (std::size_t i = 1; i < back.size(); ++i) {
        meet(*back[0], *back[i]);
    }
    run_for(seconds{10});
    for (const RedisServer* server : back) {
        EXPECT_TRUE(server->state_ok()) << server->id();
    }
}

}  // namespace
}  // namespace rop::simulation
