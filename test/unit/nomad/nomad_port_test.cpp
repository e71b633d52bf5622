#include "operator/nomad/nomad_port.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/nomad/nomad_port_fixture.hpp"

namespace rop::nomad {
namespace {

using namespace std::chrono_literals;
using testing::answer;
using Then = testing::Reaction::Then;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* index_7 = "X-Nomad-Index: 7\r\nX-Nomad-Knownleader: true\r\n";

TEST_F(NomadPortTest, QuestionsCarryIndexWaitTokenAndPlace) {
    NomadConfig config;
    config.token = "secret";
    config.nomad_namespace = "own";
    config.region = "eu";
    connect(config);
    const auto ask = [&](std::string nomad_namespace, ports::BlockingQuery query) {
        server.will(answer(200, "[]", index_7));
        EXPECT_EQ(run(nomad->allocations(nomad_namespace, "a/b c", query)).value().index, 7U);
        return server.requests().back().line();
    };

    EXPECT_EQ(ask("team", {}),
              "GET /v1/job/a%2Fb%20c/allocations?region=eu&namespace=team&all=true HTTP/1.1");
    EXPECT_EQ(ask("", {}),
              "GET /v1/job/a%2Fb%20c/allocations?region=eu&namespace=own&all=true HTTP/1.1");
    EXPECT_THAT(ask("team", {7, 10s, false}), HasSubstr("&index=7&wait=10000ms HTTP"));
    EXPECT_THAT(ask("team", {7, 10s, true}), Not(HasSubstr("index=")));
    EXPECT_THAT(server.requests()[0].head, HasSubstr("\r\nX-Nomad-Token: secret\r\n"));
    EXPECT_EQ(server.connections(), 1);
}

TEST_F(NomadPortTest, WatchingNothingDoesNotSpin) {
    server.will(answer(200, "[]", "X-Nomad-Index: 0\r\n"));

    EXPECT_EQ(run(nomad->allocations("default", "none", {})).value().index, 1U);
}

TEST_F(NomadPortTest, PollThatIsCutIsAskedAgainWithoutWaiting) {
    server.will({"", Then::reset});
    server.will(answer(200, "[]", index_7));

    EXPECT_EQ(run(nomad->nodes({5, 10s, false})).value().index, 7U);
    EXPECT_EQ(server.requests()[1].line(), "GET /v1/nodes HTTP/1.1");
}

TEST_F(NomadPortTest, GroupAsksForTheJobAndItsDeployment) {
    server.will(answer(200, R"({"Type": "service", "Stop": false, "JobModifyIndex": 18,
                                "TaskGroups": [{"Name": "redis", "Count": 6}]})"));
    server.will(answer(200, R"({"Status": "running"})"));

    const auto facts = run(nomad->group("team", "cache", "redis")).value();

    EXPECT_EQ(facts.count, 6U);
    EXPECT_EQ(facts.job_modify_index, 18U);
    EXPECT_TRUE(facts.deployment_active);
    EXPECT_EQ(server.requests()[0].line(), "GET /v1/job/cache?namespace=team HTTP/1.1");
    EXPECT_EQ(server.requests()[1].line(), "GET /v1/job/cache/deployment?namespace=team HTTP/1.1");
}

TEST_F(NomadPortTest, OnlyNomadCanSayThatAJobIsGone) {
    server.will(answer(404, "job not found", "X-Nomad-Index: 9\r\n"));
    EXPECT_FALSE(run(nomad->group("default", "cache", "redis")).value().job_exists);

    server.will(answer(404, "<html>no such page</html>"));
    EXPECT_EQ(run(nomad->group("default", "cache", "redis")).error().kind, ErrorKind::malformed);
}

TEST_F(NomadPortTest, VariablesAreTheirItems) {
    server.will(
        answer(200, R"({"Path": "redis-operator/cache", "Items": {"password": "s"}})", index_7));
    const auto page = run(nomad->variable("team", "redis-operator/cache", {5, 10s, false})).value();
    EXPECT_EQ(page.index, 7U);
    EXPECT_EQ(page.value, (ports::VariableItems{{"password", "s"}}));
    EXPECT_THAT(server.requests()[0].line(),
                HasSubstr("GET /v1/var/redis-operator/cache?namespace=team&index=5&wait="));

    server.will(answer(404, "variable not found", index_7));
    EXPECT_EQ(run(nomad->variable("team", "redis-operator/cache", {})).value().value, std::nullopt);
    server.will(answer(403, "Permission denied"));
    EXPECT_EQ(run(nomad->variable("team", "redis-operator/cache", {})).error().kind,
              ErrorKind::denied);
    server.will(answer(200, R"({"Items": {"password": 7}})", index_7));
    EXPECT_EQ(run(nomad->variable("team", "redis-operator/cache", {})).error().kind,
              ErrorKind::malformed);
    EXPECT_EQ(run(nomad->variable("team", "a/../b", {})).error().kind, ErrorKind::rejected);
}

TEST_F(NomadPortTest, ScaleSaysNoMoreThanItMust) {
    NomadTarget target;
    target.job = "cache";
    target.group = "redis";
    target.nomad_namespace = "team";
    server.will(answer(200, R"({"EvalID": "e", "JobModifyIndex": 19})", index_7));

    EXPECT_TRUE(run(nomad->scale(target, 6, 18, "one instance is missing")).has_value());

    EXPECT_EQ(server.requests()[0].line(), "POST /v1/job/cache/scale?namespace=team HTTP/1.1");
    EXPECT_EQ(server.requests()[0].body,
              R"({"Target":{"Group":"redis"},"Count":6,"Message":"one instance is missing",)"
              R"("JobModifyIndex":18})");
}

TEST_F(NomadPortTest, ScaleWithoutAnAnswerIsNotRepeated) {
    server.will(answer(200, "[]", index_7));
    EXPECT_TRUE(run(nomad->nodes({})).has_value());  // So that the connection is a kept one.
    server.will({"", Then::close});

    const auto unknown = run(nomad->scale(NomadTarget{"cache", "redis"}, 6, 18, "m"));

    ASSERT_TRUE(unknown.has_error());
    EXPECT_EQ(unknown.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(server.requests(), SizeIs(2));
}

struct Refusal {
    unsigned status;
    const char* body;
    ErrorKind kind;
};

class NomadRefusals : public NomadPortTest, public ::testing::WithParamInterface<Refusal> {};

TEST_P(NomadRefusals, HaveAKind) {
    server.will(answer(GetParam().status, GetParam().body));

    const auto result = run(nomad->scale(NomadTarget{"cache", "redis"}, 6, 18, "m"));

    ASSERT_TRUE(result.has_error());
    EXPECT_EQ(result.error().kind, GetParam().kind) << result.error().what;
    EXPECT_THAT(result.error().what, HasSubstr(GetParam().body));
}

const Refusal refusals[] = {
    {403, "Permission denied", ErrorKind::denied},
    {429, "too many connections", ErrorKind::unavailable},
    {500, "No cluster leader", ErrorKind::unavailable},
    {500, "rpc error: failed to get conn: dial tcp: connection refused", ErrorKind::unavailable},
    {500, "ACL token not found", ErrorKind::denied},
    {500, "Enforcing job modify index 1: job exists with conflicting job modify index: 10",
     ErrorKind::rejected},
};
INSTANTIATE_TEST_SUITE_P(Nomad, NomadRefusals, ::testing::ValuesIn(refusals));

}  // namespace
}  // namespace rop::nomad
