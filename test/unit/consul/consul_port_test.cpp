#include "operator/consul/consul_port.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/runtime/task_group.hpp"
#include "test/unit/consul/consul_port_fixture.hpp"

namespace rop::consul {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using testing::answer;
using Then = testing::Reaction::Then;
using ports::BlockingQuery;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* may_read = R"([{"Resource":"key","Access":"read","Allow":true}])";

TEST_F(ConsulPortTest, KeysAreEncodedAndUncleanOnesAreNotAskedFor) {
    server.will(answer(404, "", index_7));
    EXPECT_TRUE(run(consul->kv_get("a b/c%d?e", {})).has_value());
    EXPECT_EQ(line(0), "GET /v1/kv/a%20b/c%25d%3Fe HTTP/1.1");

    for (const char* key : {"", "/a", "a//b", "a/../b"}) {
        EXPECT_EQ(run(consul->kv_get(key, {})).error().kind, ErrorKind::rejected) << key;
        EXPECT_EQ(run(consul->kv_list(key, {})).error().kind, ErrorKind::rejected) << key;
    }
    EXPECT_THAT(server.requests(), SizeIs(1));
}

TEST_F(ConsulPortTest, QuestionsCarryIndexWaitTokenAndPlace) {
    ConsulConfig config;
    config.token = "secret";
    config.consul_namespace = "team";
    config.partition = "part";
    config.datacenter = "dc 2";
    connect(config);
    const auto ask = [&](BlockingQuery query) {
        server.will(answer(404, "", index_7));
        EXPECT_EQ(run(consul->kv_get("k", query)).value().index, 7U);
        return server.requests().back().line();
    };

    EXPECT_EQ(ask({}), "GET /v1/kv/k?dc=dc%202 HTTP/1.1");
    EXPECT_EQ(ask({7, 10s, false}), "GET /v1/kv/k?dc=dc%202&index=7&wait=10000ms HTTP/1.1");
    EXPECT_EQ(ask({7, 600s, false}), "GET /v1/kv/k?dc=dc%202&index=7&wait=25000ms HTTP/1.1");
    EXPECT_EQ(ask({7, 10s, true}), "GET /v1/kv/k?dc=dc%202&consistent HTTP/1.1");
    EXPECT_THAT(head(0), HasSubstr("\r\nX-Consul-Token: secret\r\n"));
    EXPECT_THAT(head(0), HasSubstr("\r\nX-Consul-Namespace: team\r\n"));
    EXPECT_THAT(head(0), HasSubstr("\r\nX-Consul-Partition: part\r\n"));
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(ConsulPortTest, IndexIsNeverZeroAndNeverInvented) {
    server.will(answer(200, "[]", "X-Consul-Index: 0\r\n"));
    server.will(answer(200, may_read));
    EXPECT_EQ(run(consul->health("redis", {})).value().index, 1U);

    server.will(answer(200, "[]"));
    EXPECT_EQ(run(consul->health("redis", {})).error().kind, ErrorKind::malformed);
    server.will(answer(200, "[]", "X-Consul-Index: 7\r\nX-Consul-Knownleader: false\r\n"));
    EXPECT_EQ(run(consul->health("redis", {})).error().kind, ErrorKind::unavailable);
}

TEST_F(ConsulPortTest, PollThatIsCutIsAskedAgainWithoutWaiting) {
    server.will({"", Then::close});
    server.will(answer(404, "", index_7));

    const auto page = run(consul->kv_get("k", {5, 10s, false}));

    ASSERT_TRUE(page.has_value()) << page.error().what;
    EXPECT_EQ(page.value().index, 7U);
    EXPECT_EQ(line(0), "GET /v1/kv/k?index=5&wait=10000ms HTTP/1.1");
    EXPECT_EQ(line(1), "GET /v1/kv/k HTTP/1.1");
}

TEST_F(ConsulPortTest, ServerThatIsGoneInTheMiddleOfAPollIsUnavailable) {
    server.will({"", Then::close});
    server.will({"", Then::close});

    EXPECT_EQ(run(consul->kv_get("k", {5, 10s, false})).error().kind, ErrorKind::unavailable);
}

TEST_F(ConsulPortTest, MorePollsThanConnectionsBecomeQuestions) {
    runtime::TaskGroup polls(io.get_executor());
    auto poll = [&]() -> asio::awaitable<void> {
        const BlockingQuery query{5, 10s, false};
        (void)co_await consul->kv_get("k", query);
    };
    for (int i = 0; i < 7; ++i) {
        server.will({"", Then::never_answer});
        polls.spawn("poll", poll());
    }
    run_until([&] { return server.requests().size() == 7; });
    server.will(answer(404, "", index_7));

    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(run(consul->kv_get("k", {5, 10s, false})).value().index, 7U);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 900ms);  // It must not spin.
    EXPECT_EQ(line(7), "GET /v1/kv/k HTTP/1.1");

    polls.stop();
    run_until([&] { return server.most_at_once() > 0; });
    auto join = [&]() -> asio::awaitable<bool> {
        co_await polls.join();
        co_return true;
    };
    EXPECT_TRUE(run(join()));
}

TEST_F(ConsulPortTest, TransactionsThatConsulWouldRefuseAreNotSent) {
    const std::vector<ports::TxnOp> many(65, ports::KvSet{"k", "v"});

    EXPECT_EQ(run(consul->txn(many)).error().kind, ErrorKind::rejected);
    EXPECT_EQ(run(consul->txn({})).error().kind, ErrorKind::rejected);
    EXPECT_EQ(server.connections(), 0);
}

TEST_F(ConsulPortTest, ServiceIsRegisteredWithItsCheck) {
    ports::TtlService service;
    service.id = "operator-1";
    service.name = "redis-operator";
    service.address = Endpoint{"127.0.0.1", 9480};
    service.meta = {{"host", "n1"}};
    service.check_id = "beat-1";
    server.will(answer(200, ""));

    EXPECT_TRUE(run(consul->register_service(service)).has_value());

    EXPECT_EQ(line(0), "PUT /v1/agent/service/register?replace-existing-checks=true HTTP/1.1");
    EXPECT_EQ(server.requests()[0].body,
              R"({"ID":"operator-1","Name":"redis-operator","Address":"127.0.0.1","Port":9480,)"
              R"("Meta":{"host":"n1"},"Check":{"CheckID":"beat-1",)"
              R"("Name":"beaten by the process itself","TTL":"2000ms",)"
              R"("DeregisterCriticalServiceAfter":"60000ms","Status":"passing"}})");
}

}  // namespace
}  // namespace rop::consul
