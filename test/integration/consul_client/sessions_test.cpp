// Sessions, locks and checks against a real Consul: what leadership rests on.

#include <string>

#include <gmock/gmock.h>

#include "test/integration/consul_client/consul_client_fixture.hpp"

namespace rop::testing {
namespace {

using namespace std::chrono_literals;
using ports::BlockingQuery;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ConsulSessions : public ::testing::Test {
  protected:
    /// An agent that has just started has no node and no serfHealth for a moment.
    std::string create(const ports::SessionRequest& request) {
        std::string session;
        EXPECT_TRUE(eventually([&] {
            const auto created = client.run(client.consul->session_create(request));
            session = created.has_value() ? created.value() : "";
            return created.has_value() || created.error().what.find("Missing") == std::string::npos;
        }));
        return session;
    }
    ports::TxnAnswer txn(std::vector<ports::TxnOp> operations) {
        return client.run(client.consul->txn(std::move(operations))).value();
    }
    std::string holder() {
        const auto page = client.run(client.consul->kv_get("leader", now_query)).value();
        return page.value ? page.value->session : "";
    }
    bool beat() { return client.run(client.consul->pass_check("beat-1")).has_value(); }
    std::vector<ports::ServiceEntry> health() {
        return client.run(client.consul->health("redis-operator", now_query)).value().value;
    }
    static ports::TtlService service(std::chrono::milliseconds ttl) {
        ports::TtlService service;
        service.id = "operator-1";
        service.name = "redis-operator";
        service.address = Endpoint{"127.0.0.1", 9480};
        service.meta = {{"host", "h1"}};
        service.check_id = "beat-1";
        service.ttl = ttl;
        return service;
    }
    /// What comes to be only after the agent told the servers.
    bool shows(std::size_t instances, const std::string& status) {
        return eventually([&] {
            const auto entries = health();
            return entries.size() == instances && (entries.empty() || entries[0].status == status);
        });
    }

    LocalConsul server{quick_consul()};
    ConsulClient client{server};
};

TEST_F(ConsulSessions, LockFencesWritesUntilItsSessionIsGone) {
    ports::SessionRequest request;
    request.name = "one";
    request.node_checks = {"serfHealth"};
    const std::string one = create(request);
    const std::string other = create(request);
    const auto taken = txn({ports::KvLock{"leader", "one", one}, ports::KvCas{"epoch", "1", 0}});
    ASSERT_TRUE(taken.applied);
    EXPECT_THAT(taken.entries, SizeIs(2));
    EXPECT_EQ(holder(), one);

    const auto held = txn({ports::KvLock{"leader", "other", other}});
    EXPECT_FALSE(held.applied);
    EXPECT_THAT(held.errors.at(0), HasSubstr("lock is already held"));
    const auto fenced = txn({ports::KvCheckSession{"leader", other}, ports::KvSet{"d", "other"}});
    EXPECT_FALSE(fenced.applied);
    EXPECT_THAT(fenced.errors.at(0), HasSubstr("operation 0 (check-session leader)"));
    EXPECT_TRUE(txn({ports::KvCheckSession{"leader", one}, ports::KvSet{"d", "one"}}).applied);

    EXPECT_TRUE(client.run(client.consul->session_renew(one)).value());
    EXPECT_TRUE(client.run(client.consul->session_destroy(one)).has_value());
    EXPECT_FALSE(client.run(client.consul->session_renew(one)).value());
    EXPECT_EQ(holder(), "");
    EXPECT_FALSE(txn({ports::KvCheckSession{"leader", one}, ports::KvSet{"d", "late"}}).applied);
    EXPECT_TRUE(txn({ports::KvLock{"leader", "other", other}}).applied);  // No lock delay.
    EXPECT_TRUE(txn({ports::KvUnlock{"leader", "released", other}}).applied);
    EXPECT_EQ(holder(), "");
    EXPECT_FALSE(txn({ports::KvLock{"leader", "one", one}}).applied);  // Its session is gone.
}

TEST_F(ConsulSessions, SessionThatConsulRefusesIsRejected) {
    ports::SessionRequest short_lived;
    short_lived.ttl = 5s;
    EXPECT_EQ(client.run(client.consul->session_create(short_lived)).error().kind,
              ErrorKind::rejected);
    ports::SessionRequest unchecked;
    unchecked.service_checks = {"nobody"};
    EXPECT_EQ(client.run(client.consul->session_create(unchecked)).error().kind,
              ErrorKind::rejected);
}

TEST_F(ConsulSessions, LeaderThatStopsBeatingLosesItsSession) {
    const auto registered = client.run(client.consul->register_service(service(1s)));
    ASSERT_TRUE(registered.has_value()) << registered.error().what;
    ASSERT_TRUE(eventually([&] { return beat() && health().size() == 1; }));
    const auto before = client.run(client.consul->health("redis-operator", now_query)).value();
    EXPECT_EQ(before.value.at(0).status, "passing");
    EXPECT_EQ(before.value[0].service_id, "operator-1");
    EXPECT_EQ(before.value[0].node, "local");
    EXPECT_EQ(before.value[0].address, "127.0.0.1");
    EXPECT_EQ(before.value[0].port, 9480);
    EXPECT_EQ(before.value[0].meta.at("host"), "h1");
    ports::SessionRequest request;
    request.node_checks = {"serfHealth"};
    request.service_checks = {"beat-1"};
    const std::string session = create(request);
    ASSERT_TRUE(txn({ports::KvLock{"leader", "one", session}}).applied);

    const auto beaten_until = client.time->now() + 2s;  // Twice its life without a beat.
    while (client.time->now() < beaten_until) {
        ASSERT_TRUE(beat());
        EXPECT_EQ(holder(), session);
        client.run_while(
            [until = client.time->now() + 100ms, this] { return client.time->now() < until; });
    }
    const auto stopped_at = client.time->now();
    ASSERT_TRUE(eventually([&] { return holder().empty(); }));

    EXPECT_GE(client.time->now() - stopped_at, 500ms);
    EXPECT_LT(client.time->now() - stopped_at, 5s);
    EXPECT_FALSE(client.run(client.consul->session_renew(session)).value());
    EXPECT_TRUE(shows(1, "critical"));
    const auto services = client.run(client.consul->agent_services("redis-operator")).value();
    ASSERT_THAT(services, SizeIs(1));
    EXPECT_EQ(services[0].status, "critical");
    ports::SessionRequest again = request;
    EXPECT_EQ(client.run(client.consul->session_create(again)).error().kind, ErrorKind::rejected);
}

TEST_F(ConsulSessions, RegistrationIsTakenBack) {
    ASSERT_TRUE(client.run(client.consul->register_service(service(60s))).has_value());
    ASSERT_TRUE(shows(1, "passing"));
    const auto page = client.run(client.consul->health("redis-operator", now_query)).value();
    ASSERT_TRUE(client.run(client.consul->register_service(service(60s))).has_value());
    EXPECT_THAT(client.run(client.consul->agent_services("redis-operator")).value(), SizeIs(1));

    ASSERT_TRUE(client.run(client.consul->deregister_service("operator-1")).has_value());
    const BlockingQuery query{page.index, 20s, false};
    const auto gone = client.run(client.consul->health("redis-operator", query)).value();
    EXPECT_THAT(gone.value, SizeIs(0));
    EXPECT_GT(gone.index, page.index);
    EXPECT_THAT(client.run(client.consul->agent_services("redis-operator")).value(), SizeIs(0));
    EXPECT_TRUE(client.run(client.consul->deregister_service("operator-1")).has_value());
    const auto no_check = client.run(client.consul->pass_check("beat-1"));
    EXPECT_EQ(no_check.error().kind, ErrorKind::rejected);
    EXPECT_EQ(client.run(client.consul->agent_node()).value(), "local");
}

}  // namespace
}  // namespace rop::testing
