#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "operator/redis/redis_port.hpp"
#include "test/unit/redis/redis_port_fixture.hpp"

namespace rop::redis {
namespace {

using namespace std::chrono_literals;
using ports::RedisOutcome;
using ports::RedisRequest;
using ports::Words;
using testing::obliging;
using testing::RedisPortTest;
using testing::ScriptedServer;
using Act = ScriptedServer::Act;
using Contact = RedisOutcome::Contact;

// Commands that were given up unanswered may still be on their way.

/// Silent about CLUSTER until told otherwise; three connections of ours and one of somebody else.
struct Unsettled {
    bool silent = true;
    std::string end = ":1\r\n";
    std::string list =
        "id=3 addr=1.1.1.1:1 name=redis-operator:6f1c:4 age=9\n"
        "id=7 addr=1.1.1.1:2 name=redis-operator:6f1c:4 age=5\n"
        "id=8 addr=1.1.1.1:3 name=redis-operator:6f1c:3 age=5\n"
        "id=12 addr=1.1.1.1:4 name=redis-operator:6f1c:4 age=0\n";

    Act operator()(const Words& words) const {
        if (words[0] == "CLUSTER" && silent) {
            return Act{""};
        }
        if (words[0] == "CLIENT" && words[1] == "LIST") {
            return list.starts_with("-")
                       ? Act{list}
                       : Act{"$" + std::to_string(list.size()) + "\r\n" + list + "\r\n"};
        }
        const bool ends = words[0] == "CLIENT" && words[1] == "KILL";
        return ends ? Act{end} : Act{};
    }
};

class RedisPortUnsettledTest : public testing::RedisPortTest {
  protected:
    /// What a request is like that was given up, to be sent again with all the time it needs.
    RedisRequest without_an_answer(RedisRequest made) {
        made.deadline = 50ms;
        EXPECT_TRUE(send(made).failure);
        mind_->silent = false;
        made.deadline = 5s;
        return made;
    }
    RedisRequest change_without_an_answer() {
        RedisRequest made = request({{"CLUSTER", "BUMPEPOCH"}});
        made.may_write = [] { return true; };
        return without_an_answer(std::move(made));
    }
    void SetUp() override {
        serve([mind = mind_](const Words& words) { return (*mind)(words); });
    }

    std::shared_ptr<Unsettled> mind_ = std::make_shared<Unsettled>();
};

TEST_F(RedisPortUnsettledTest, EndsConnectionsWhoseChangesMayStillBeOnTheirWay) {
    RedisRequest made = change_without_an_answer();

    EXPECT_EQ(what(send(made)), "");
    EXPECT_EQ(what(send(made)), "");

    ASSERT_GT(server_->accepted(), 1U);
    EXPECT_EQ(server_->names(1), "CLIENT CLIENT CLIENT CLIENT CLUSTER CLUSTER");
    const auto& commands = server_->client(1).commands;
    ASSERT_GT(commands.size(), 3U);
    EXPECT_EQ(commands[2], (Words{"CLIENT", "KILL", "ID", "3"}));
    EXPECT_EQ(commands[3], (Words{"CLIENT", "KILL", "ID", "7"}));
}

TEST_F(RedisPortUnsettledTest, WritesNothingWhileItCannotEndThem) {
    RedisRequest made = change_without_an_answer();
    mind_->list = "-NOPERM this user has no permissions\r\n";

    const auto outcome = send(made);

    EXPECT_EQ(what(outcome), "CLIENT LIST: NOPERM this user has no permissions");
    EXPECT_FALSE(outcome.written);
    ASSERT_GT(server_->accepted(), 1U);
    EXPECT_EQ(server_->names(1), "CLIENT CLIENT");
}

TEST_F(RedisPortUnsettledTest, RemembersThemWhileItOnlyLooks) {
    RedisRequest made = change_without_an_answer();
    RedisRequest look = request({{"PING"}});
    look.connection_name = "redis-operator-looks:6f1c";
    EXPECT_EQ(what(send(look)), "");
    port_->keep_only({});

    EXPECT_EQ(what(send(made)), "");

    ASSERT_GT(server_->accepted(), 1U);
    EXPECT_EQ(server_->names(1), "CLIENT PING");
    ASSERT_GT(server_->accepted(), 2U);
    EXPECT_EQ(server_->names(2), "CLIENT CLIENT CLIENT CLIENT CLUSTER");
}

TEST_F(RedisPortUnsettledTest, WritesNothingWhenItMayNotEndThem) {
    RedisRequest made = change_without_an_answer();
    mind_->end = "-NOPERM this user has no permissions\r\n";

    EXPECT_EQ(what(send(made)), "CLIENT KILL: NOPERM this user has no permissions");
    ASSERT_GT(server_->accepted(), 1U);
    EXPECT_EQ(server_->names(1), "CLIENT CLIENT CLIENT CLIENT");
}

TEST_F(RedisPortUnsettledTest, LeavesQuestionsOnTheirWay) {
    RedisRequest made = without_an_answer(request({{"CLUSTER", "NODES"}}));

    EXPECT_EQ(what(send(made)), "");

    ASSERT_GT(server_->accepted(), 1U);
    EXPECT_EQ(server_->names(1), "CLIENT CLUSTER");
}

}  // namespace
}  // namespace rop::redis
