// Errors, rights and tokens: what the port makes of being refused.

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/consul/consul_port_fixture.hpp"
#include "test/unit/net/recorded.hpp"

namespace rop::consul {
namespace {

using ports::BlockingQuery;
using testing::answer;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::recorded;
using ::testing::SizeIs;

constexpr const char* may_read = R"([{"Resource":"key","Access":"read","Allow":true}])";

class ConsulRefusal : public ConsulPortTest {};

TEST_F(ConsulRefusal, ListThatIsEmptyForLackOfRightsIsDenied) {
    const auto scene = testing::recorded_scene("consul/1.8.7/06-acl.json");
    const char* note = "may do nothing of ours";
    for (int i = 0; i < 2; ++i) {  // A denial is not remembered: it is asked about every time.
        server.will(recorded(scene, "GET /v1/kv/redis-operator/?recurse", note).reaction());
        server.will(recorded(scene, "POST /v1/internal/acl/authorize", note).reaction());

        const auto keys = run(consul->kv_list("redis-operator/", {}));
        ASSERT_TRUE(keys.has_error());
        EXPECT_EQ(keys.error().kind, ErrorKind::denied);
        EXPECT_THAT(keys.error().what,
                    HasSubstr("the token lacks key_prefix \"redis-operator/\" = \"read\""));
    }
    server.will(recorded(scene, "GET /v1/health/service/redis-cache", note).reaction());
    server.will(recorded(scene, "POST /v1/internal/acl/authorize", note).reaction());
    EXPECT_EQ(run(consul->health("redis-cache", {})).error().kind, ErrorKind::denied);
}

TEST_F(ConsulRefusal, RightsBehindAnEmptyListAreAskedAboutOnceInAWhile) {
    for (int i = 0; i < 3; ++i) {
        server.will(answer(404, "", index_7));
        if (i == 0) {
            server.will(answer(200, may_read));
        }
        EXPECT_TRUE(run(consul->kv_list("a/", {})).has_value());
    }
    EXPECT_THAT(server.requests(), SizeIs(4));
    EXPECT_EQ(server.requests()[1].body, R"([{"Resource":"key","Access":"read","Segment":"a/"}])");

    server.will(answer(404, "", index_7));
    server.will(answer(200, may_read));
    BlockingQuery consistent;  // On this someone will act: never from memory.
    consistent.consistent = true;
    EXPECT_TRUE(run(consul->kv_list("a/", consistent)).has_value());
    EXPECT_THAT(server.requests(), SizeIs(6));
}

TEST_F(ConsulRefusal, NewerConsulSaysThatItLeftSomethingOut) {
    server.will(
        answer(200, "[]", std::string(index_7) + "X-Consul-Results-Filtered-By-ACLs: true\r\n"));

    EXPECT_EQ(run(consul->health("redis", {})).error().kind, ErrorKind::denied);
}

constexpr const char* lacks_session =
    R"([{"Resource":"session","Access":"write","Segment":"","Allow":false}])";
constexpr const char* lacks_epoch =
    R"([{"Resource":"key","Access":"read","Segment":"p/leader","Allow":true},
        {"Resource":"key","Access":"write","Segment":"p/epoch","Allow":false}])";

TEST_F(ConsulRefusal, RefusedWriteNamesTheRight) {
    server.will(answer(403, "Permission denied"));
    server.will(answer(200, lacks_session));

    const auto session = run(consul->session_create({}));

    EXPECT_EQ(session.error().kind, ErrorKind::denied);
    EXPECT_THAT(session.error().what,
                HasSubstr("Permission denied: the token lacks session_prefix \"\" = \"write\""));
    EXPECT_EQ(server.requests()[1].body,
              R"([{"Resource":"session","Access":"write","Segment":""}])");
}

TEST_F(ConsulRefusal, RefusedRenewalNamesTheRight) {
    server.will(answer(403, "Permission denied"));
    server.will(answer(200, lacks_session));

    const auto renewed = run(consul->session_renew("s"));

    EXPECT_EQ(renewed.error().kind, ErrorKind::denied);
    EXPECT_THAT(renewed.error().what, HasSubstr("the token lacks session_prefix \"\" = \"write\""));
}

TEST_F(ConsulRefusal, RefusedTransactionNamesTheRight) {
    server.will(answer(409, R"({"Errors":[{"OpIndex":1,"What":"Permission denied"}]})"));
    server.will(answer(200, lacks_epoch));

    const std::vector<ports::TxnOp> operations{ports::KvCheckSession{"p/leader", "s"},
                                               ports::KvSet{"p/epoch", "1"}};
    const auto refused = run(consul->txn(operations));

    EXPECT_EQ(refused.value().errors.front(),
              "operation 1 (set p/epoch): Permission denied: the token lacks key \"p/epoch\" = "
              "\"write\"");
    EXPECT_EQ(server.requests()[1].body,
              R"([{"Resource":"key","Access":"read","Segment":"p/leader"},)"
              R"({"Resource":"key","Access":"write","Segment":"p/epoch"}])");
}

/// Who cannot say it either leaves the refusal as it was.
TEST_F(ConsulRefusal, UnknownRightIsNotMadeUp) {
    for (const unsigned status : {200U, 401U, 500U}) {
        server.will(answer(403, "ACL not found"));
        server.will(answer(status, "[]"));

        const auto session = run(consul->session_create({}));

        EXPECT_EQ(session.error().what, "PUT /v1/session/create: 403 ACL not found");
    }
}

// --- What errors mean, and what they say
// -----------------------------------------------------------

struct Refusal {
    unsigned status;
    const char* body;
    ErrorKind kind;
};

class ConsulRefusals : public ConsulPortTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(ConsulRefusals, HaveAKind) {
    server.will(answer(GetParam().status, GetParam().body));
    server.will(answer(200, "[]"));  // Which right is lacking, when one is.

    const auto result = run(consul->session_renew("s"));

    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().kind, GetParam().kind) << result.error().what;
    EXPECT_EQ(result.error().what, "PUT /v1/session/renew/s: " + std::to_string(GetParam().status) +
                                       " " + GetParam().body);
}

const Refusal refusals[] = {
    {301, "Moved", ErrorKind::rejected},
    {400, "Invalid index", ErrorKind::rejected},
    {401, "who?", ErrorKind::denied},
    {403, "ACL not found", ErrorKind::denied},
    {413, "too large", ErrorKind::rejected},
    {429, "Your IP is issuing too many concurrent connections", ErrorKind::unavailable},
    {500, "No cluster leader", ErrorKind::unavailable},
    {500, "rpc error making call: EOF", ErrorKind::unavailable},
    {500, "leadership lost while committing log", ErrorKind::unavailable},
    {500, "rpc error making call: Permission denied", ErrorKind::denied},
    {500, "invalid session \"x\"", ErrorKind::rejected},
    {500, "rpc error making call: Check 'c1' is in critical state", ErrorKind::rejected},
    {503, "rate limited", ErrorKind::unavailable},
};
INSTANTIATE_TEST_SUITE_P(Consul, ConsulRefusals, ::testing::ValuesIn(refusals));

TEST_F(ConsulRefusal, RateLimitIsNotTakenForBadHealth) {
    server.will(answer(429, "too many requests"));
    EXPECT_EQ(run(consul->agent_services("redis")).error().kind, ErrorKind::unavailable);
    server.will(answer(503, "[]"));
    EXPECT_TRUE(run(consul->agent_services("redis")).has_value());
    server.will(answer(200, "oops"));
    EXPECT_EQ(run(consul->agent_services("redis")).error().kind, ErrorKind::malformed);
}

TEST_F(ConsulRefusal, ErrorsAreShortAndHoldNoToken) {
    ConsulConfig config;
    config.token = "hunter2";
    connect(config);
    server.will(answer(500, std::string(190, 'x') + "\n hunter2 " + std::string(5'000, 'y')));

    const std::string what = run(consul->agent_node()).error().what;

    EXPECT_THAT(what, Not(HasSubstr("hunter")));
    EXPECT_THAT(what, Not(HasSubstr("\n")));
    EXPECT_LE(what.size(), 230U);
    EXPECT_THAT(head(0), HasSubstr("hunter2"));
    EXPECT_THAT(line(0), Not(HasSubstr("hunter2")));
}

// --- Tokens from a file
// ----------------------------------------------------------------------------

TEST_F(ConsulRefusal, NewTokenIsReadAfterARefusal) {
    write_token("old");
    ConsulConfig config;
    config.token = "loses against the file";
    config.token_file = token_file;
    connect(config);
    server.will(answer(200, R"({"Config":{"NodeName":"n1"}})"));
    EXPECT_TRUE(run(consul->agent_node()).has_value());
    EXPECT_THAT(head(0), HasSubstr("X-Consul-Token: old\r\n"));

    write_token("new");
    server.will(answer(403, "ACL not found"));
    server.will(answer(200, R"({"Results":[],"Errors":null})"));
    EXPECT_TRUE(run(consul->txn({ports::KvDelete{"k"}})).value().applied);
    EXPECT_THAT(head(2), HasSubstr("X-Consul-Token: new\r\n"));
    EXPECT_EQ(server.requests()[1].body, server.requests()[2].body);

    server.will(answer(403, "ACL not found"));  // The file holds the same one still.
    EXPECT_EQ(run(consul->agent_node()).error().kind, ErrorKind::denied);
    EXPECT_THAT(server.requests(), SizeIs(4));
}

TEST_F(ConsulRefusal, TokenFileThatCannotBeReadIsNamed) {
    ConsulConfig config;
    config.token_file = "/nonexistent/token";
    connect(config);

    const auto refused = run(consul->agent_node());

    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::denied);
    EXPECT_THAT(refused.error().what, HasSubstr("/nonexistent/token"));
    EXPECT_EQ(server.connections(), 0);
}

}  // namespace
}  // namespace rop::consul
