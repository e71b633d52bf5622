// Tokens and rights against a real Consul with access control on.

#include <fstream>
#include <sstream>
#include <string>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "operator/net/http_client.hpp"
#include "test/integration/consul_client/consul_client_fixture.hpp"

namespace rop::testing {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* management = "11111111-0000-0000-0000-000000000001";
constexpr const char* operator_token = "11111111-0000-0000-0000-000000000002";
constexpr const char* stranger_token = "11111111-0000-0000-0000-000000000003";

LocalConsul::Options with_access_control() {
    LocalConsul::Options options = quick_consul();
    options.config = R"({"performance": {"raft_multiplier": 1}, "disable_update_check": true,
        "acl": {"enabled": true, "default_policy": "deny",
                "tokens": {"master": ")" +
                     std::string(management) + R"("}}})";
    return options;
}

std::string shipped_policy() {
    std::ifstream file(ROP_SOURCE_DIR "/manifests/policies/consul-operator.hcl");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

class ConsulAccess : public ::testing::Test {
  protected:
    ConsulAccess() {
        EXPECT_TRUE(eventually([&] { return administer("/v1/acl/policy", policy("stranger", "")); },
                               std::chrono::seconds(20)));
        EXPECT_TRUE(administer("/v1/acl/policy", policy("operator", shipped_policy())));
        EXPECT_TRUE(administer("/v1/acl/token", token(operator_token, "operator")));
        EXPECT_TRUE(administer("/v1/acl/token", token(stranger_token, "stranger")));
    }

    bool administer(const std::string& target, const std::string& body) {
        net::ServerUrl url;
        url.host = server.at().host;
        url.port = server.at().port;
        ConsulClient loop(server);
        net::HttpClient http(*loop.time, url);
        net::HttpRequest request;
        request.method = net::HttpRequest::Method::put;
        request.target = target;
        request.headers = {{"X-Consul-Token", management}};
        request.body = body;
        const auto response = loop.run(http.send(request));
        return response.has_value() && response.value().status == 200;
    }
    static std::string policy(const char* name, const std::string& rules) {
        return json::serialize(json::object{{"Name", name}, {"Rules", rules}});
    }
    static std::string token(const char* secret, const char* policy_name) {
        return std::string(R"({"SecretID": ")") + secret + R"(", "Policies": [{"Name": ")" +
               policy_name + R"("}]})";
    }
    static consul::ConsulConfig with_token(const char* secret) {
        consul::ConsulConfig config;
        config.token = secret;
        return config;
    }
    static ports::TtlService service() {
        ports::TtlService service;
        service.id = "operator-1";
        service.name = "redis-operator";
        service.check_id = "beat-1";
        service.ttl = std::chrono::seconds(60);
        return service;
    }

    LocalConsul server{with_access_control()};
};

TEST_F(ConsulAccess, ShippedPolicySufficesForEverything) {
    ConsulClient client(server, with_token(operator_token));
    const auto is_fine = [&](const auto& result) {
        EXPECT_TRUE(result.has_value()) << result.error().what;
        return result.has_value();
    };
    ports::ConsulPort& consul = *client.consul;
    EXPECT_TRUE(is_fine(client.run(consul.kv_list("redis-operator/", now_query))));
    EXPECT_TRUE(is_fine(client.run(consul.kv_get("redis-operator/leader", now_query))));
    EXPECT_TRUE(is_fine(client.run(consul.health("redis-cache", now_query))));
    EXPECT_TRUE(is_fine(client.run(consul.register_service(service()))));
    EXPECT_TRUE(is_fine(client.run(consul.pass_check("beat-1"))));
    EXPECT_THAT(client.run(consul.agent_services("redis-operator")).value(), SizeIs(1));
    ASSERT_TRUE(client.comes_to([&] { return consul.health("redis-operator", now_query); },
                                [](const auto& page) { return page.value().value.size() == 1; }));
    ports::SessionRequest request;
    request.node_checks = {"serfHealth"};
    request.service_checks = {"beat-1"};
    auto session = client.run(consul.session_create(request));
    ASSERT_TRUE(eventually([&] {  // An agent that has just started has no serfHealth yet.
        session = client.run(consul.session_create(request));
        return session.has_value();
    })) << session.error().what;
    EXPECT_TRUE(client.run(consul.session_renew(session.value())).value());
    const auto written =
        client.run(consul.txn({ports::KvLock{"redis-operator/leader", "one", session.value()},
                               ports::KvCheckSession{"redis-operator/leader", session.value()},
                               ports::KvSet{"redis-operator/d", "x"}}));
    EXPECT_TRUE(written.value().applied);
    EXPECT_TRUE(is_fine(client.run(consul.session_destroy(session.value()))));
    EXPECT_TRUE(is_fine(client.run(consul.deregister_service("operator-1"))));

    const auto beyond = client.run(consul.txn(put("elsewhere", "x"))).value();
    EXPECT_FALSE(beyond.applied);
    EXPECT_THAT(beyond.errors.at(0), HasSubstr("Permission denied"));
}

TEST_F(ConsulAccess, WithoutRightsNothingLooksEmpty) {
    ConsulClient writer(server, with_token(operator_token));
    ASSERT_TRUE(writer.run(writer.consul->txn(put("redis-operator/leader", "x"))).value().applied);
    ASSERT_TRUE(writer.run(writer.consul->register_service(service())).has_value());

    for (const char* secret : {stranger_token, "", "11111111-0000-0000-0000-0000000000ff"}) {
        ConsulClient client(server, with_token(secret));
        const auto expect_denied = [&](const auto& result) {
            ASSERT_TRUE(result.has_error()) << secret;
            EXPECT_EQ(result.error().kind, ErrorKind::denied) << result.error().what;
            if (*secret != '\0') {
                EXPECT_THAT(result.error().what, ::testing::Not(HasSubstr(secret)));
            }
        };
        ports::ConsulPort& consul = *client.consul;
        expect_denied(client.run(consul.kv_list("redis-operator/", now_query)));
        expect_denied(client.run(consul.kv_get("redis-operator/leader", now_query)));
        expect_denied(client.run(consul.health("redis-operator", now_query)));
        expect_denied(client.run(consul.agent_services("redis-operator")));
        expect_denied(client.run(consul.agent_node()));
        expect_denied(client.run(consul.register_service(service())));
        expect_denied(client.run(consul.pass_check("beat-1")));
        expect_denied(client.run(consul.deregister_service("operator-1")));
        expect_denied(client.run(consul.session_create({})));
        const auto txn = client.run(consul.txn(put("redis-operator/d", "x")));
        if (txn.has_value()) {  // A known token is refused inside the transaction.
            EXPECT_FALSE(txn.value().applied);
            EXPECT_THAT(txn.value().errors.at(0), HasSubstr("Permission denied"));
        } else {
            expect_denied(txn);
        }
    }
}

TEST_F(ConsulAccess, TokenFileIsFollowed) {
    const ScratchFolder folder;
    const std::string path = folder.path() + "/token";
    const auto write_token = [&](const char* secret) { std::ofstream(path) << secret << "\n"; };
    write_token("11111111-0000-0000-0000-0000000000ff");
    consul::ConsulConfig config;
    config.token_file = path;
    ConsulClient client(server, config);
    const auto list = [&] {
        return client.run(client.consul->kv_list("redis-operator/", now_query));
    };
    EXPECT_EQ(list().error().kind, ErrorKind::denied);

    write_token(operator_token);

    EXPECT_TRUE(list().has_value());
    EXPECT_TRUE(client.run(client.consul->txn(put("redis-operator/d", "x"))).value().applied);
}

}  // namespace
}  // namespace rop::testing
