// The port against what a real Consul answered.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/consul/consul_port_fixture.hpp"
#include "test/unit/net/recorded.hpp"

namespace rop::consul {
namespace {

using testing::answer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::recorded;
using ::testing::SizeIs;

class ConsulAnswers : public ConsulPortTest {};

TEST_F(ConsulAnswers, Keys) {
    const auto scene = testing::recorded_scene("consul/1.8.7/01-kv.json");
    server.will(recorded(scene, "GET /v1/kv/redis-operator/?recurse", "an empty store").reaction());
    server.will(answer(401, "ACL support disabled"));
    server.will(recorded(scene, "GET /v1/kv/redis-operator/?recurse&index=1&wait=1s").reaction());
    server.will(recorded(scene, "GET /v1/kv/redis-operator/leader").reaction());
    server.will(recorded(scene, "GET /v1/kv/redis-operator/leader", "locked").reaction());

    const auto nothing = run(consul->kv_list("redis-operator/", {})).value();
    EXPECT_THAT(nothing.value, SizeIs(0));
    EXPECT_EQ(nothing.index, 1U);
    const auto three = run(consul->kv_list("redis-operator/", {})).value();
    EXPECT_THAT(three.value, SizeIs(3));
    EXPECT_EQ(three.value[0].key, "redis-operator/clusters/a b%/spec");
    EXPECT_EQ(three.value[0].value, std::string("\x00\x01 \xff", 4));
    EXPECT_EQ(three.value[1].value, R"({"version":1})");
    EXPECT_EQ(three.value[2].value, "");
    EXPECT_EQ(three.index, three.value[0].modify_index);
    const auto absent = run(consul->kv_get("redis-operator/leader", {})).value();
    EXPECT_EQ(absent.value, std::nullopt);
    EXPECT_EQ(absent.index, 1U);
    const auto locked = run(consul->kv_get("redis-operator/leader", {})).value();
    EXPECT_EQ(locked.value->value, "me");
    EXPECT_THAT(locked.value->session, SizeIs(36));
}

TEST_F(ConsulAnswers, Transactions) {
    // The answer of the Nth exchange with /v1/txn.
    std::vector<testing::Recorded> transactions;
    for (auto& exchange : testing::recorded_scene("consul/1.8.7/02-txn.json")) {
        if (exchange.path == "/v1/txn") {
            transactions.push_back(exchange);
        }
    }
    const auto replay = [&](std::size_t number, std::vector<ports::TxnOp> operations) {
        server.will(transactions.at(number).reaction());
        return run(consul->txn(std::move(operations)));
    };
    const ports::KvLock lock{"redis-operator/leader", "me", "s"};
    const ports::KvCas epoch{"redis-operator/epoch", "1", 0};
    const ports::KvCheckSession check{"redis-operator/leader", "s"};
    const ports::KvSet set{"redis-operator/d", "x"};

    const auto taken = replay(0, {lock, epoch}).value();
    EXPECT_TRUE(taken.applied);
    EXPECT_THAT(taken.entries, SizeIs(2));
    EXPECT_EQ(taken.entries[1].key, "redis-operator/epoch");
    EXPECT_EQ(taken.entries[1].modify_index, taken.entries[0].modify_index);
    const auto written = replay(1, {check, set}).value();
    EXPECT_THAT(written.entries, SizeIs(1));
    EXPECT_EQ(written.entries[0].key, "redis-operator/d");
    const auto held = replay(2, {lock}).value();
    EXPECT_FALSE(held.applied);
    EXPECT_THAT(held.errors, ElementsAre("operation 0 (lock redis-operator/leader): failed to lock "
                                         "key \"redis-operator/leader\", lock is already held"));
    EXPECT_THAT(replay(3, {check, set}).value().errors.at(0), HasSubstr("failed session check"));
    EXPECT_THAT(replay(4, {epoch, set}).value().errors.at(0), HasSubstr("index is stale"));
    EXPECT_FALSE(replay(5, {epoch}).value().applied);
    EXPECT_FALSE(replay(6, {ports::KvDeleteCas{"redis-operator/d", 1}}).value().applied);
    const auto deleted = replay(7, {ports::KvDelete{"redis-operator/d"}}).value();
    EXPECT_TRUE(deleted.applied);
    EXPECT_THAT(deleted.entries, SizeIs(0));
    const auto unlocked = replay(8, {ports::KvUnlock{lock.key, "released", "s"}}).value();
    EXPECT_EQ(unlocked.entries.at(0).session, "");
    EXPECT_FALSE(replay(9, {ports::KvUnlock{lock.key, "released", "s"}}).value().applied);
    EXPECT_THAT(replay(10, {lock}).value().errors.at(0), HasSubstr("invalid session"));
    for (const std::size_t refused : {11U, 12U, 13U}) {  // Too many, too large, not parseable.
        EXPECT_EQ(replay(refused, {set}).error().kind, ErrorKind::rejected) << refused;
    }
}

TEST_F(ConsulAnswers, Sessions) {
    const auto scene = testing::recorded_scene("consul/1.8.7/03-sessions.json");
    for (const auto& exchange : scene) {
        server.will(exchange.reaction());
    }

    EXPECT_THAT(run(consul->session_create({})).value(), SizeIs(36));
    EXPECT_TRUE(run(consul->session_renew("s")).value());
    EXPECT_TRUE(run(consul->session_destroy("s")).has_value());
    EXPECT_FALSE(run(consul->session_renew("s")).value());
    EXPECT_TRUE(run(consul->session_destroy("s")).has_value());
    EXPECT_EQ(run(consul->session_create({})).error().kind, ErrorKind::rejected);  // TTL.
    EXPECT_EQ(run(consul->session_create({})).error().kind, ErrorKind::rejected);  // Check.
}

TEST_F(ConsulAnswers, Agent) {
    const auto scene = testing::recorded_scene("consul/1.8.7/04-agent.json");
    const std::string by_name = "GET /v1/agent/health/service/name/redis-operator";
    server.will(recorded(scene, "GET /v1/agent/self").reaction());
    server.will(recorded(scene, by_name, "unknown service").reaction());
    server.will(recorded(scene, by_name, "not beaten for 2 s").reaction());
    server.will(recorded(scene, "PUT /v1/agent/check/pass/c1").reaction());
    server.will(recorded(scene, "PUT /v1/agent/check/pass/nobody").reaction());
    server.will(recorded(scene, "PUT /v1/agent/service/deregister/s1", "gone").reaction());
    server.will(
        recorded(scene, "PUT /v1/agent/service/register", "a dot in a meta key").reaction());

    EXPECT_EQ(run(consul->agent_node()).value(), "n1");
    EXPECT_THAT(run(consul->agent_services("redis-operator")).value(), SizeIs(0));
    const auto services = run(consul->agent_services("redis-operator")).value();
    EXPECT_THAT(services, SizeIs(1));
    EXPECT_EQ(services.at(0).id, "s1");
    EXPECT_EQ(services.at(0).status, "critical");
    EXPECT_EQ(services.at(0).meta.at("host"), "n1");
    EXPECT_TRUE(run(consul->pass_check("c1")).has_value());
    EXPECT_EQ(run(consul->pass_check("nobody")).error().kind, ErrorKind::rejected);
    EXPECT_TRUE(run(consul->deregister_service("s1")).has_value());
    EXPECT_EQ(run(consul->register_service({})).error().kind, ErrorKind::rejected);
}

TEST_F(ConsulAnswers, Health) {
    const auto scene = testing::recorded_scene("consul/1.8.7/04-agent.json");
    server.will(recorded(scene, "GET /v1/health/service/redis-operator").reaction());
    server.will(answer(401, "ACL support disabled"));
    server.will(
        recorded(scene, "GET /v1/health/service/redis-operator", "not beaten for 2 s").reaction());
    server.will(recorded(scene, "GET /v1/health/service/bare").reaction());

    EXPECT_THAT(run(consul->health("redis-operator", {})).value().value, SizeIs(0));
    const auto late = run(consul->health("redis-operator", {})).value();
    EXPECT_THAT(late.value, SizeIs(1));
    EXPECT_EQ(late.value[0].node, "n1");
    EXPECT_EQ(late.value[0].datacenter, "dc1");
    EXPECT_EQ(late.value[0].address, "127.0.0.1");
    EXPECT_EQ(late.value[0].port, 9480);
    EXPECT_EQ(late.value[0].status, "critical");
    EXPECT_EQ(late.index, late.value[0].modify_index);
    const auto bare = run(consul->health("bare", {})).value();
    EXPECT_EQ(bare.value.at(0).address, "127.0.0.1");  // The node's.
    EXPECT_EQ(bare.value.at(0).status, "critical");    // In maintenance.
}

TEST_F(ConsulAnswers, ViewOfNomadsServices) {
    for (const char* version : {"1.6.5", "2.0.5"}) {
        const auto scene = testing::recorded_scene(std::string("nomad-") + version +
                                                   "/04-consul-view-of-allocations.json");
        auto exchange = recorded(scene, "GET /v1/health/service/redis-cache");
        exchange.headers += "X-Consul-Index: 16\r\n";  // Left out when it was recorded.
        server.will(exchange.reaction());

        const auto page = run(consul->health("redis-cache", {})).value();

        ASSERT_THAT(page.value, SizeIs(2)) << version;
        for (const auto& entry : page.value) {
            EXPECT_EQ(entry.status, "passing");
            EXPECT_THAT(entry.service_id, HasSubstr("_nomad-task-" + entry.meta.at("alloc_id")));
            EXPECT_GT(entry.port, 20'000);
        }
    }
}

TEST_F(ConsulAnswers, Errors) {
    const auto scene = testing::recorded_scene("consul/1.8.7/05-errors.json");
    for (const auto& exchange : scene) {
        if (exchange.path.starts_with("/v1/kv/") || exchange.path == "/v1/nonsense") {
            server.will(exchange.reaction());
            const auto page = run(consul->kv_list("a", {}));
            ASSERT_TRUE(page.has_error()) << exchange.path;
            EXPECT_THAT(page.error().what, HasSubstr("GET /v1/kv/a: ")) << page.error().what;
            const bool is_no_consul = exchange.path == "/v1/nonsense";  // 404 without an index.
            EXPECT_EQ(page.error().kind, is_no_consul ? ErrorKind::malformed : ErrorKind::rejected)
                << page.error().what;
        }
    }
    EXPECT_THAT(server.requests(), SizeIs(6));
}

TEST_F(ConsulAnswers, Access) {
    const auto scene = testing::recorded_scene("consul/1.8.7/06-acl.json");
    const auto ask = [&](const char* note) {
        const auto will = [&](const char* request) {
            server.will(recorded(scene, request, note).reaction());
        };
        std::vector<ErrorKind> kinds;
        const auto note_kind = [&](const auto& result) {
            if (result.has_error()) {
                kinds.push_back(result.error().kind);
            }
        };
        will("GET /v1/kv/redis-operator/leader");
        note_kind(run(consul->kv_get("redis-operator/leader", {})));
        will("PUT /v1/session/create");
        note_kind(run(consul->session_create({})));
        will("GET /v1/agent/self");
        note_kind(run(consul->agent_node()));
        will("GET /v1/agent/health/service/name/redis-cache");
        note_kind(run(consul->agent_services("redis-cache")));
        will("PUT /v1/agent/service/register");
        note_kind(run(consul->register_service({})));
        return kinds;
    };
    constexpr auto denied = ErrorKind::denied;

    EXPECT_THAT(ask("may read"), ElementsAre(denied, denied));  // Session and registration.
    for (const char* note : {"may do nothing of ours", "unknown token", "no token"}) {
        EXPECT_THAT(ask(note), ElementsAre(denied, denied, denied, denied, denied)) << note;
    }
    server.will(recorded(scene, "PUT /v1/txn", "may read").reaction());
    const auto refused = run(consul->txn({ports::KvSet{"redis-operator/d", "x"}})).value();
    EXPECT_FALSE(refused.applied);
    EXPECT_THAT(refused.errors.at(0), HasSubstr("Permission denied"));
}

}  // namespace
}  // namespace rop::consul
