#include "test/support/local_servers.hpp"

#include <csignal>

#include <gtest/gtest.h>

namespace rop::testing {
namespace {

TEST(LocalRedis, AnswersAndIsGoneWhenKilled) {
    LocalRedis redis;

    EXPECT_EQ(redis.ask({"PING"}), "+PONG\r\n");
    EXPECT_EQ(redis.ask({"ECHO", "two\r\nlines"}), "$10\r\ntwo\r\nlines\r\n");

    redis.kill();
    EXPECT_EQ(redis.ask({"PING"}), "");
    EXPECT_FALSE(redis.process().running());
}

TEST(LocalRedis, MayHaveAPasswordAndClusterMode) {
    LocalRedis::Options options;
    options.cluster = true;
    options.password = "secret";
    const LocalRedis redis(options);

    EXPECT_NE(redis.ask({"CLUSTER", "INFO"}).find("cluster_known_nodes:1"), std::string::npos);
    EXPECT_NE(redis.ask({"CONFIG", "GET", "cluster-port"}).find(std::to_string(redis.bus_port())),
              std::string::npos);
}

TEST(LocalRedis, SaysWhyItDidNotStart) {
    LocalRedis::Options options;
    options.arguments = {"--no-such-setting", "1"};

    try {
        const LocalRedis redis(options);
        FAIL() << "it started";
    } catch (const std::runtime_error& error) {
        EXPECT_NE(std::string(error.what()).find("no-such-setting"), std::string::npos)
            << error.what();
    }
}

TEST(LocalConsul, HasALeader) {
    LocalConsul consul;

    const std::string self = consul.get("/v1/agent/self");
    EXPECT_NE(self.find("\"local\""), std::string::npos) << self;
    EXPECT_EQ(consul.get("/v1/no/such/thing"), "");
}

}  // namespace
}  // namespace rop::testing
