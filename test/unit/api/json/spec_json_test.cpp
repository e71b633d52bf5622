#include "api/json/spec_json.hpp"

#include <gtest/gtest.h>

#include "api/json/document.hpp"
#include "test/unit/api/json/spec_cases.hpp"

namespace rop::json {
namespace {

using namespace std::chrono_literals;

std::string texts(const std::vector<Problem>& problems) {
    std::string text;
    for (const auto& problem : problems) {
        text += to_string(problem) + "\n";
    }
    return text;
}

ClusterSpec full() {
    ClusterSpec spec;
    spec.name = ClusterName{"cache"};
    spec.primaries = 2;
    spec.replicas_per_primary = 0;
    spec.service = "redis-cache";
    spec.nomad = NomadTarget{
        .job = "redis-cache", .group = "redis", .nomad_namespace = "prod", .scale = ScaleRule::no};
    spec.spread = "meta.rack";
    spec.auth =
        AuthSpec{.username = "operator", .password = {SecretRef::Kind::file, "/secrets/redis"}};
    spec.tls = TlsSpec{.enabled = false,
                       .ca = "/tls/ca.pem",
                       .cert = "/tls/cert.pem",
                       .key = "/tls/key.pem",
                       .server_name = "redis.internal"};
    spec.settings = {{"maxmemory", "512mb"}, {"maxmemory-policy", "allkeys-lru"}, {"save", ""}};
    spec.failover.node_timeout = 2s;
    spec.failover.down_after = 1500ms;
    spec.balance = BalanceSpec{.enabled = false,
                               .threshold = 0.05,
                               .weights = {{"a", 2}, {"b", 0.5}},
                               .bytes_per_migrate = 524'288,
                               .parallel_moves_max = 8};
    spec.allow = {Consent::few_primaries, Consent::no_replicas, Consent::tight_memory,
                  Consent::adopt};
    spec.paused_until = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 9h;
    return spec;
}

TEST(SpecJson, ReadsEveryField) {
    const SpecParse parse = parse_spec(full_spec, "cache");

    EXPECT_EQ(texts(parse.problems), "");
    ASSERT_TRUE(parse.spec);
    EXPECT_EQ(*parse.spec, full());
}

TEST(SpecJson, HasTheContractsDefaults) {
    const SpecParse parse = parse_spec(minimal_and(""), "cache");

    EXPECT_EQ(texts(parse.problems), "");
    ClusterSpec expected;
    expected.name = ClusterName{"cache"};
    expected.service = "redis-cache";
    EXPECT_EQ(parse.spec, expected);
}

TEST(SpecJson, WritesTheCanonicalForm) {
    const SpecParse minimal =
        parse_spec(minimal_and(R"(,"balance":{},"pausedUntil":null)"), "cache");
    ASSERT_TRUE(minimal.spec);
    EXPECT_EQ(write_spec(*minimal.spec),
              R"({"version":1,"name":"cache","mode":"cluster","primaries":3,)"
              R"("service":"redis-cache"})");

    EXPECT_EQ(
        write_spec(full()),
        R"({"version":1,"name":"cache","mode":"cluster","primaries":2,"replicasPerPrimary":0,)"
        R"("service":"redis-cache","nomad":{"job":"redis-cache","group":"redis",)"
        R"("namespace":"prod","scale":false},"placement":{"spread":"meta.rack"},)"
        R"("auth":{"username":"operator","password":{"file":"/secrets/redis"}},)"
        R"("tls":{"ca":"/tls/ca.pem","cert":"/tls/cert.pem","key":"/tls/key.pem",)"
        R"("serverName":"redis.internal"},"settings":{"maxmemory":"512mb",)"
        R"("maxmemory-policy":"allkeys-lru","save":""},"failover":{"nodeTimeout":"2s",)"
        R"("downAfter":"1500ms"},"balance":{"enabled":false,"threshold":0.05,)"
        R"("weights":{"a":2,"b":0.5},"bytesPerMigrate":"512kb","maxParallelMoves":8},)"
        R"("allow":["fewPrimaries","noReplicas","tightMemory","adopt"],)"
        R"("pausedUntil":"2026-11-21T09:00:00Z"})");
}

TEST(SpecJson, RoundTrips) {
    ClusterSpec env = full();
    env.auth->password = {SecretRef::Kind::env, "REDIS_PASSWORD"};
    env.nomad->scale = ScaleRule::yes;
    ClusterSpec key = full();
    key.auth->password = {SecretRef::Kind::consul_key, "redis-operator/secrets/cache/password"};
    ClusterSpec variable = full();
    variable.auth->password = {SecretRef::Kind::nomad_variable, "redis-operator/cache#word"};
    for (const auto& spec :
         {full(), env, key, variable, *parse_spec(minimal_and(""), "cache").spec}) {
        const std::string text = write_spec(spec);
        const SpecParse parse = parse_spec(text, "cache");
        EXPECT_EQ(texts(parse.problems), "");
        ASSERT_EQ(parse.spec, spec) << text;
        EXPECT_EQ(write_spec(*parse.spec), text);
    }
}

// What is not served yet must be writable too: what is refused is shown as it was understood.
TEST(SpecJson, WritesWhatIsNotServedSoThatOnlyThatIsRefused) {
    ClusterSpec spec = full();
    spec.mode = Mode::sentinel;
    spec.primaries = 1;
    spec.nomad->scale = ScaleRule::follow;
    spec.failover.on_unreachable = "wait";
    spec.failover.on_quorum_loss = "takeover";
    spec.failover.on_shard_loss = "recreateEmpty";
    spec.backup = BackupSpec{.schedule = "0 3 * * *", .to = "s3://bucket/cache", .keep = 3};

    const SpecParse parse = parse_spec(write_spec(spec), "cache");

    std::string paths;
    for (const auto& problem : parse.problems) {
        paths += problem.path + " ";
        EXPECT_NE(problem.rule.find("not served yet"), std::string::npos) << to_string(problem);
    }
    EXPECT_EQ(paths,
              "$.mode $.nomad.scale "
              "$.failover.onUnreachable $.failover.onQuorumLoss $.failover.onShardLoss $.backup ");
}

TEST(SpecJson, ListsAllProblemsInTheOrderOfTheDocument) {
    const auto* text = R"({
        "version": 1,
        "name": "Cache",
        "primaires": 3,
        "mode": "clutser",
        "replicasPerPrimary": -1,
        "nomad": {"job": "redis cache", "scale": "yes"},
        "allow": ["fewprimaries"],
        "failover": {"nodeTimeout": 15},
        "failover": {"nodeTimeout": "15s"}
    })";

    const SpecParse parse = parse_spec(text, "cache");

    EXPECT_FALSE(parse.spec);
    EXPECT_EQ(
        texts(parse.problems),
        "$.name: \"Cache\": must be a name of 1 to 63 characters of a-z, 0-9 and -, the first not "
        "-; did you mean cache?\n"
        "$.primaires: 3: unknown field; known here: version, name, mode, primaries, "
        "replicasPerPrimary, service, nomad, placement, auth, tls, settings, failover, balance, "
        "backup, allow, pausedUntil; did you mean primaries?\n"
        "$.mode: \"clutser\": must be one of: cluster, replication, sentinel; did you mean "
        "cluster?\n"
        "$.replicasPerPrimary: -1: must be a whole number from 0 to 5\n"
        "$.nomad.job: \"redis cache\": must be a Nomad name: 1 to 128 characters without spaces "
        "and control characters\n"
        "$.nomad.scale: \"yes\": must be true, false or \"follow\"\n"
        "$.nomad.group: required: the task group of the job\n"
        "$.allow[0]: \"fewprimaries\": must be one of: fewPrimaries, noReplicas, tightMemory, "
        "adopt; did you mean fewPrimaries?\n"
        "$.failover.nodeTimeout: 15: must be a duration as \"500ms\", \"15s\" or \"1m\", from "
        "500ms to 10m, not a number\n"
        "$.failover: {...}: given twice: a field may be given once\n"
        "$.primaries: required: a whole number from 1 to 500\n"
        "$.service: required: the name of a Consul service: 1 to 128 characters of A-Z, a-z, 0-9, "
        "-, _ and .\n");
}

TEST(SpecJson, CountsProblemsBeyondTwoHundred) {
    std::string many;
    for (int i = 0; i < 300; ++i) {
        many += ",\"x" + std::to_string(i) + "\":0";
    }

    const SpecParse parse = parse_spec(minimal_and(many), "cache");

    ASSERT_EQ(parse.problems.size(), 201U);
    EXPECT_EQ(to_string(parse.problems.back()), "$: 100 more problems");
}

/// As many weights as a Consul value has room for, if `count` is not less.
std::string weights(std::size_t count) {
    std::string list;
    for (std::size_t i = 0; i < count && list.size() < document_size_max - 500; ++i) {
        list += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":1";
    }
    return ",\"balance\":{\"weights\":{" + list + "}}";
}

// A spec of this kind took a quarter of a minute, in which its operator lost the lock.
TEST(SpecJson, JudgesTheLargestDocumentWithoutReadingAllOfIt) {
    const std::string text = minimal_and(weights(document_size_max));
    ASSERT_GT(text.size(), document_size_max - 1'000);

    EXPECT_EQ(texts(parse_spec(text, "cache").problems),
              "$.balance.weights: {...}: must be at most 500 weights\n");
    const SpecParse parse = parse_spec(minimal_and(weights(500)), "cache");
    ASSERT_TRUE(parse.spec) << texts(parse.problems);
    EXPECT_EQ(parse.spec->balance.weights.size(), 500U);
}

TEST(SpecJson, ComparesOnlyTheUnknownFieldsThatItLists) {
    std::string many;
    std::size_t count = 0;
    while (many.size() < document_size_max - 500) {
        many += ",\"primaires" + std::to_string(count++) + "\":0";
    }

    const SpecParse parse = parse_spec(minimal_and(many), "cache");

    ASSERT_EQ(parse.problems.size(), 201U);
    EXPECT_EQ(to_string(parse.problems.back()),
              "$: " + std::to_string(count - 200) + " more problems");
}

TEST(SpecJson, KnowsWhatAModeDemands) {
    const auto* text = R"({"version":1,"mode":"sentinel","primaries":3,"service":"s"})";

    EXPECT_EQ(texts(parse_spec(text, "cache").problems),
              "$.mode: \"sentinel\": mode sentinel is declared in the contract but not served "
              "yet: use cluster\n"
              "$.primaries: 3: must be 1 in mode sentinel\n");
}

TEST(SpecJson, LeavesTheJudgementOfANewerVersionToANewerOperator) {
    const SpecParse parse = parse_spec(R"({"version":2,"shape":"ring","mode":"mesh"})", "cache");

    EXPECT_EQ(texts(parse.problems), "$.version: 2: this operator reads version 1 only\n");
}

}  // namespace
}  // namespace rop::json
