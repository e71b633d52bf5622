#include "operator/execute/executor.hpp"

#include <functional>
#include <map>
#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "api/json/record_json.hpp"
#include "operator/runtime/real_time.hpp"
#include "test/support/run_to_end.hpp"
#include "test/support/topology.hpp"

namespace rop::execute {
namespace {

namespace asio = boost::asio;
using ports::Reply;

Reply ok_reply() {
    Reply reply;
    reply.kind = Reply::Kind::status;
    reply.text = "OK";
    return reply;
}

Reply error_reply(std::string text) {
    Reply reply;
    reply.kind = Reply::Kind::error;
    reply.text = std::move(text);
    return reply;
}

/// Ends with the test unless it is lost on purpose.
class FakeLease : public Lease {
  public:
    [[nodiscard]] bool held() const override { return is_held; }
    [[nodiscard]] Epoch epoch() const override { return Epoch{now_epoch}; }
    asio::awaitable<void> lost() override {
        auto time = runtime::make_real_time(co_await asio::this_coro::executor);
        while (is_held) {
            co_await time->sleep_for(std::chrono::milliseconds(1));
        }
    }

    bool is_held = true;
    std::uint64_t now_epoch = 1;
};

/// Records what is sent to whom, asks may_write as the real one does, and answers as told.
class FakeRedis : public ports::RedisPort {
  public:
    asio::awaitable<ports::RedisOutcome> send(ports::RedisRequest request) override {
        ports::RedisOutcome outcome;
        if (!request.may_write()) {
            outcome.failure = Error{ErrorKind::fenced, "may not write"};
            co_return outcome;
        }
        names.push_back(request.connection_name);
        if (when_written) {
            when_written();
        }
        const auto silent = unanswered.find(request.to.port);
        if (silent != unanswered.end()) {
            outcome.written = true;
            outcome.failure = Error{ErrorKind::unavailable, "no answer"};
            if (lose_lease_while_waiting != nullptr) {
                lose_lease_while_waiting->is_held = false;
                auto time = runtime::make_real_time(co_await asio::this_coro::executor);
                co_await time->sleep_for(std::chrono::seconds(60));
            }
            co_return outcome;
        }
        for (const auto& words : request.commands) {
            sent.push_back(std::to_string(request.to.port) + " " + words.at(0) + " " + words.at(1));
            const auto it = errors.find(sent.back());
            outcome.replies.push_back(it == errors.end() ? ok_reply() : error_reply(it->second));
        }
        co_return outcome;
    }
    void drop_all() override {}
    void keep_only(const std::vector<Endpoint>&) override {}
    void on_closed(std::function<void(const Endpoint&)>) override {}

    std::vector<std::string> sent;
    std::vector<std::string> names;
    std::map<std::string, std::string> errors;  // By what is sent.
    std::map<std::uint16_t, bool> unanswered;   // By port.
    FakeLease* lose_lease_while_waiting = nullptr;
    std::function<void()> when_written;
};

/// Only transactions; everything else a test of the executor must not reach.
class FakeKv : public ports::ConsulPort {
  public:
    Answer<ports::TxnAnswer> txn(std::vector<ports::TxnOp> operations) override {
        asked = std::move(operations);
        if (failure) {
            co_return *failure;
        }
        co_return answer;
    }
    Answer<ports::Page<std::vector<ports::KvEntry>>> kv_list(std::string,
                                                             ports::BlockingQuery) override {
        std::abort();
    }
    Answer<ports::Page<std::optional<ports::KvEntry>>> kv_get(std::string,
                                                              ports::BlockingQuery) override {
        std::abort();
    }
    Answer<ports::Page<std::vector<ports::ServiceEntry>>> health(std::string,
                                                                 ports::BlockingQuery) override {
        std::abort();
    }
    Answer<std::string> session_create(ports::SessionRequest) override { std::abort(); }
    Answer<bool> session_renew(std::string) override { std::abort(); }
    Answer<void> session_destroy(std::string) override { std::abort(); }
    Answer<void> register_service(ports::TtlService) override { std::abort(); }
    Answer<void> pass_check(std::string) override { std::abort(); }
    Answer<void> deregister_service(std::string) override { std::abort(); }
    Answer<std::vector<ports::AgentService>> agent_services(std::string) override { std::abort(); }
    Answer<std::string> agent_node() override { std::abort(); }

    std::vector<ports::TxnOp> asked;
    ports::TxnAnswer answer;
    std::optional<Error> failure;
};

class ExecutorTest : public ::testing::Test {
  protected:
    PlanOutcome run(std::vector<Step> steps) {
        auto seen = std::make_shared<Snapshot>(testing::topology(R"(
            record formed a,b,c
            spec 3x0 allow=noReplicas
            a primary 0-5460
            b primary 5461-10922
            c primary 10923-16383)"));
        seen->record_index = 40;
        asio::io_context io(1);
        const auto time = runtime::make_real_time(io.get_executor());
        ExecutorOptions options;
        options.lock_key = "redis-operator/leader";
        options.session = [] { return std::string("our-session"); };
        Executor executor({time.get(), &redis, &consul, nullptr, &lease}, options);
        Plan plan{Revision{1}, "test", std::move(steps), {}, {}};
        return rop::testing::run_to_end(executor.run(std::move(plan), seen, nullptr));
    }

    static Step follow(std::string replica) {
        return Step{Follow{{{InstanceId{std::move(replica)}, NodeId{"p"}}}}, "test"};
    }

    FakeRedis redis;
    FakeKv consul;
    FakeLease lease;
};

TEST_F(ExecutorTest, SendsEachStepUnderTheNameOfItsEpoch) {
    const PlanOutcome outcome = run({follow("a"), follow("b")});

    EXPECT_FALSE(outcome.failed());
    EXPECT_EQ(redis.sent,
              (std::vector<std::string>{"21000 CLUSTER REPLICATE", "21001 CLUSTER REPLICATE"}));
    EXPECT_EQ(redis.names.front(), "redis-operator:inst:1");
}

TEST_F(ExecutorTest, StopsAtTheFirstFailure) {
    redis.errors["21000 CLUSTER REPLICATE"] = "ERR Unknown node p";

    const PlanOutcome outcome = run({follow("a"), follow("b")});

    ASSERT_TRUE(outcome.failed());
    EXPECT_EQ(outcome.steps.size(), 1U);
    EXPECT_EQ(outcome.steps[0].failure->what,
              "CLUSTER REPLICATE at 127.0.0.1:21000: ERR Unknown node p");
}

TEST_F(ExecutorTest, ADeadReceiverDoesNotKeepTheOthersFromTheirs) {
    redis.unanswered[21000] = true;
    const Forget forget{{NodeId{"x"}}, {InstanceId{"a"}, InstanceId{"b"}, InstanceId{"c"}}};

    const PlanOutcome outcome = run({Step{forget, "test"}});

    EXPECT_TRUE(outcome.failed());
    EXPECT_EQ(redis.sent,
              (std::vector<std::string>{"21001 CLUSTER FORGET", "21002 CLUSTER FORGET"}));
}

TEST_F(ExecutorTest, WhatWasSoAlreadyIsNoFailure) {
    redis.errors["21000 CLUSTER FORGET"] = "ERR Unknown node x";

    EXPECT_FALSE(run({Step{Forget{{NodeId{"x"}}, {InstanceId{"a"}}}, "test"}}).failed());
}

TEST_F(ExecutorTest, SendsNothingWithoutTheLease) {
    lease.is_held = false;

    const PlanOutcome outcome = run({follow("a")});

    EXPECT_TRUE(outcome.fenced());
    EXPECT_TRUE(redis.names.empty());
}

/// Nothing asks again on the way to Consul and Nomad.
TEST_F(ExecutorTest, NeitherRecordsNorScalesWithoutTheLease) {
    lease.is_held = false;

    EXPECT_TRUE(run({Step{WriteRecord{Record{}, "test"}, "test"}}).fenced());
    EXPECT_TRUE(consul.asked.empty());
    EXPECT_TRUE(run({Step{RaiseCount{}, "test"}}).fenced()) << "Nomad was asked for";
}

TEST_F(ExecutorTest, SendsNothingUnderAnotherEpochThanThePlans) {
    lease.now_epoch = 2;

    EXPECT_TRUE(run({follow("a")}).fenced());
    EXPECT_TRUE(redis.names.empty());
}

/// Whoever lost the lease between two writes of one stage knows it only by being asked again.
TEST_F(ExecutorTest, IsAskedBeforeEveryWriteOfAStage) {
    redis.when_written = [&] { lease.is_held = false; };
    const Forget forget{{NodeId{"x"}}, {InstanceId{"a"}, InstanceId{"b"}, InstanceId{"c"}}};

    EXPECT_TRUE(run({Step{forget, "test"}}).fenced());
    EXPECT_EQ(redis.sent, std::vector<std::string>{"21000 CLUSTER FORGET"});
}

TEST_F(ExecutorTest, WritesNothingUnderAnEpochThatBeganMeanwhile) {
    redis.when_written = [&] { ++lease.now_epoch; };
    const Forget forget{{NodeId{"x"}}, {InstanceId{"a"}, InstanceId{"b"}, InstanceId{"c"}}};

    EXPECT_TRUE(run({Step{forget, "test"}}).fenced());
    EXPECT_EQ(redis.sent, std::vector<std::string>{"21000 CLUSTER FORGET"});
}

TEST_F(ExecutorTest, WaitingForAnAnswerEndsWithTheLease) {
    redis.unanswered[21000] = true;
    redis.lose_lease_while_waiting = &lease;

    EXPECT_TRUE(run({follow("a"), follow("b")}).fenced());
    EXPECT_TRUE(redis.sent.empty());
}

TEST_F(ExecutorTest, WritesTheRecordUnderItsSessionAndIndex) {
    const std::string key = "redis-operator/clusters/cache/record";
    consul.answer.applied = true;
    consul.answer.entries.push_back({key, "", 40, 51, ""});

    const PlanOutcome outcome = run({Step{WriteRecord{Record{}, "test"}, "test"}});

    ASSERT_FALSE(outcome.failed());
    EXPECT_EQ(outcome.record_index, 51U);
    const auto& check = std::get<ports::KvCheckSession>(consul.asked.at(0));
    EXPECT_EQ(check.key, "redis-operator/leader");
    EXPECT_EQ(check.session, "our-session");
    const auto& write = std::get<ports::KvCas>(consul.asked.at(1));
    EXPECT_EQ(write.key, key);
    EXPECT_EQ(write.index, 40U);
    EXPECT_EQ(write.value, json::write_record(Record{}));
}

TEST_F(ExecutorTest, ARecordWriteWithoutAClearAnswerMustBeReadAgain) {
    consul.failure = Error{ErrorKind::unavailable, "connection closed"};

    const PlanOutcome outcome = run({Step{WriteRecord{Record{}, "test"}, "test"}, follow("a")});

    EXPECT_TRUE(outcome.failed());
    EXPECT_TRUE(outcome.record_unknown);
    EXPECT_TRUE(redis.sent.empty()) << "nothing may be done that was not recorded first";
}

TEST_F(ExecutorTest, ScalingNeedsNomad) {
    const PlanOutcome outcome = run({Step{RaiseCount{}, "test"}});

    ASSERT_TRUE(outcome.failed());
    EXPECT_EQ(outcome.steps[0].failure->what, "Nomad is not configured: set NOMAD_ADDR");
}

}  // namespace
}  // namespace rop::execute
