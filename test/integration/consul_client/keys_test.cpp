// Keys, watches and transactions against a real Consul.

#include <csignal>
#include <string>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "test/integration/consul_client/consul_client_fixture.hpp"

namespace rop::testing {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ports::BlockingQuery;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Keys = Result<ports::Page<std::vector<ports::KvEntry>>>;

class ConsulKeys : public ::testing::Test {
  protected:
    /// Starts a long poll beside the test.
    void watch(std::uint64_t index, std::chrono::milliseconds wait) {
        woken.reset();
        auto poll = [](ConsulKeys* test, BlockingQuery query) -> asio::awaitable<void> {
            test->woken.emplace(co_await test->client.consul->kv_list("redis-operator/", query));
        };
        const BlockingQuery query{index, wait, false};
        asio::co_spawn(client.io, poll(this, query), [](std::exception_ptr failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
    }
    bool apply(std::vector<ports::TxnOp> operations) {
        const auto answer = client.run(client.consul->txn(std::move(operations)));
        EXPECT_TRUE(answer.has_value()) << answer.error().what;
        return answer.has_value() && answer.value().applied;
    }
    std::optional<ports::KvEntry> get(std::string key) {
        return client.run(client.consul->kv_get(std::move(key), now_query)).value().value;
    }

    LocalConsul server{quick_consul()};
    ConsulClient client{server};
    std::optional<Keys> woken;
};

TEST_F(ConsulKeys, WatchWakesWhenSomethingChangesAndNotBefore) {
    const auto nothing = client.run(client.consul->kv_list("redis-operator/", now_query));
    ASSERT_TRUE(nothing.has_value()) << nothing.error().what;
    EXPECT_THAT(nothing.value().value, SizeIs(0));
    EXPECT_GE(nothing.value().index, 1U);
    ASSERT_TRUE(apply(put("redis-operator/clusters/a/spec", "1")));
    const auto before = client.run(client.consul->kv_list("redis-operator/", now_query)).value();
    EXPECT_GT(before.index, nothing.value().index);

    watch(before.index, 20s);
    const auto began = client.time->now();
    ASSERT_TRUE(apply(put("elsewhere", "x")));
    EXPECT_FALSE(woken.has_value());
    ASSERT_TRUE(apply(put("redis-operator/clusters/a/spec", "2")));
    client.run_while([&] { return !woken.has_value(); });

    ASSERT_TRUE(woken->has_value()) << woken->error().what;
    EXPECT_LT(client.time->now() - began, 10s);
    EXPECT_GT(woken->value().index, before.index);
    EXPECT_EQ(woken->value().value.at(0).value, "2");
    EXPECT_GT(woken->value().value[0].modify_index, woken->value().value[0].create_index);
}

TEST_F(ConsulKeys, WatchWithoutNewsEndsUnchanged) {
    ASSERT_TRUE(apply(put("redis-operator/k", "1")));
    const auto before = client.run(client.consul->kv_list("redis-operator/", now_query)).value();
    const auto began = client.time->now();

    const BlockingQuery query{before.index, 500ms, false};
    const auto after = client.run(client.consul->kv_list("redis-operator/", query)).value();

    EXPECT_GE(client.time->now() - began, 500ms);
    EXPECT_EQ(after.index, before.index);
    EXPECT_EQ(after.value, before.value);
}

TEST_F(ConsulKeys, IndexFromAnotherLifeWaitsAndComesBackLower) {
    ASSERT_TRUE(apply(put("redis-operator/k", "1")));
    const auto began = client.time->now();

    const BlockingQuery future{1'000'000, 300ms, false};
    const auto page = client.run(client.consul->kv_get("redis-operator/k", future)).value();
    EXPECT_GE(client.time->now() - began, 300ms);
    EXPECT_LT(page.index, 1'000'000U);

    BlockingQuery consistent = future;
    consistent.wait = 20s;
    consistent.consistent = true;
    const auto asked = client.time->now();
    EXPECT_TRUE(client.run(client.consul->kv_get("redis-operator/k", consistent)).has_value());
    EXPECT_LT(client.time->now() - asked, 10s);  // It never waits.
}

TEST_F(ConsulKeys, AbsentKeyHasAnIndexToWaitFrom) {
    ASSERT_TRUE(apply(put("redis-operator/other", "1")));
    const auto absent = client.run(client.consul->kv_get("redis-operator/k", now_query)).value();
    EXPECT_EQ(absent.value, std::nullopt);
    EXPECT_GT(absent.index, 1U);

    const BlockingQuery query{absent.index, 300ms, false};
    const auto began = client.time->now();
    EXPECT_EQ(client.run(client.consul->kv_get("redis-operator/k", query)).value().value,
              std::nullopt);
    EXPECT_GE(client.time->now() - began, 300ms);
}

TEST_F(ConsulKeys, ValuesAndKeysComeBackAsTheyWere) {
    const std::string bytes("\x00\x01\xff\n\"\\", 6);
    const std::string large(300'000, 'v');
    ASSERT_TRUE(apply(put("redis-operator/bytes", bytes)));
    ASSERT_TRUE(apply(put("redis-operator/empty", "")));
    ASSERT_TRUE(apply(put("redis-operator/large", large)));
    ASSERT_TRUE(apply(put("redis-operator/a b%c?d#e+f&g=h\xC3\xA9/spec", "odd")));

    EXPECT_EQ(get("redis-operator/bytes")->value, bytes);
    EXPECT_EQ(get("redis-operator/empty")->value, "");
    EXPECT_EQ(get("redis-operator/large")->value, large);
    EXPECT_EQ(get("redis-operator/a b%c?d#e+f&g=h\xC3\xA9/spec")->value, "odd");
    const auto all = client.run(client.consul->kv_list("redis-operator/", now_query)).value();
    EXPECT_THAT(all.value, SizeIs(4));
    const auto huge = client.run(client.consul->txn(put("k", std::string(600'000, 'v'))));
    EXPECT_EQ(huge.error().kind, ErrorKind::rejected);
}

TEST_F(ConsulKeys, TransactionIsAppliedWholeOrNotAtAll) {
    ASSERT_TRUE(apply({ports::KvCas{"epoch", "1", 0}}));
    const std::uint64_t index = get("epoch")->modify_index;

    const auto stale = client.run(client.consul->txn(
        {ports::KvSet{"other", "x"}, ports::KvCas{"epoch", "2", index + 1'000}}));
    ASSERT_TRUE(stale.has_value()) << stale.error().what;
    EXPECT_FALSE(stale.value().applied);
    EXPECT_THAT(stale.value().errors, ElementsAre(HasSubstr("operation 1 (cas epoch): ")));
    EXPECT_EQ(get("other"), std::nullopt);
    EXPECT_FALSE(apply({ports::KvCas{"epoch", "2", 0}}));  // 0: create only.

    const auto fresh = client.run(
        client.consul->txn({ports::KvSet{"other", "x"}, ports::KvCas{"epoch", "2", index}}));
    ASSERT_TRUE(fresh.value().applied);
    EXPECT_EQ(fresh.value().entries.at(1).key, "epoch");
    EXPECT_EQ(fresh.value().entries.at(1).modify_index, get("epoch")->modify_index);
    EXPECT_EQ(get("epoch")->value, "2");

    EXPECT_FALSE(apply({ports::KvDeleteCas{"epoch", index}}));
    EXPECT_TRUE(apply({ports::KvDeleteCas{"epoch", get("epoch")->modify_index}}));
    EXPECT_TRUE(apply({ports::KvDelete{"other"}, ports::KvDelete{"never there"}}));
    EXPECT_EQ(get("epoch"), std::nullopt);
}

TEST_F(ConsulKeys, ServerThatDiesInTheMiddleOfAPollIsNoticedAtOnce) {
    ASSERT_TRUE(apply(put("redis-operator/k", "1")));
    const auto page = client.run(client.consul->kv_list("redis-operator/", now_query)).value();
    watch(page.index, 25s);
    EXPECT_TRUE(client.run(client.consul->agent_node()).has_value());  // The poll is on its way.
    const auto began = client.time->now();

    server.kill();
    client.run_while([&] { return !woken.has_value(); });

    ASSERT_TRUE(woken->has_error());
    EXPECT_EQ(woken->error().kind, ErrorKind::unavailable);
    EXPECT_LT(client.time->now() - began, 5s);
}

TEST_F(ConsulKeys, ServerThatIsSilentIsUnavailableAfterTheDeadline) {
    consul::ConsulConfig config;
    config.deadline = 300ms;
    ConsulClient impatient(server, config);
    EXPECT_TRUE(impatient.run(impatient.consul->agent_node()).has_value());

    server.process().signal(SIGSTOP);
    siginfo_t stopped{};
    ASSERT_EQ(
        ::waitid(P_PID, static_cast<id_t>(server.process().pid()), &stopped, WSTOPPED | WNOWAIT),
        0);
    const auto silent = impatient.run(impatient.consul->agent_node());
    server.process().signal(SIGCONT);

    ASSERT_TRUE(silent.has_error());
    EXPECT_EQ(silent.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(silent.error().what, HasSubstr("no answer within 300 ms"));
    EXPECT_TRUE(impatient.comes_to([&] { return impatient.consul->agent_node(); },
                                   [](const auto& node) { return node.has_value(); }));
}

}  // namespace
}  // namespace rop::testing
