#include "operator/consul/parse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/consul/write.hpp"

namespace rop::consul {
namespace {

using ::testing::ElementsAre;

TEST(ParseKv, NullsAreEmpty) {
    const auto entries = parse_kv(
        R"([{"Key": "a", "Value": null, "Session": null, "CreateIndex": 1, "ModifyIndex": 2}])");

    ASSERT_TRUE(entries.has_value()) << entries.error().what;
    EXPECT_THAT(entries.value(), ElementsAre(ports::KvEntry{"a", "", 1, 2, ""}));
    EXPECT_TRUE(parse_kv("null").value().empty());
}

TEST(ParseHealth, NullsAreEmptyAndTheNodeLendsItsAddress) {
    const auto entries = parse_health(R"([{
        "Node": {"Node": "n1", "Address": "10.0.0.7", "Datacenter": null, "Meta": null},
        "Service": {"ID": "s", "Address": "", "Port": 7, "Meta": null, "ModifyIndex": 3},
        "Checks": null}])");

    ASSERT_TRUE(entries.has_value()) << entries.error().what;
    const ports::ServiceEntry& entry = entries.value().at(0);
    EXPECT_EQ(entry.address, "10.0.0.7");
    EXPECT_EQ(entry.port, 7);
    EXPECT_EQ(entry.status, "passing");
    EXPECT_EQ(entry.modify_index, 3U);
    EXPECT_TRUE(entry.meta.empty());
}

TEST(ParseHealth, WorstCheckCounts) {
    const auto status_with = [](const std::string& checks) {
        const auto entries = parse_health(R"([{"Node": {"Node": "n"}, "Service": {"ID": "s"},
                                               "Checks": [)" +
                                          checks + "]}]");
        return entries.value().at(0).status;
    };
    EXPECT_EQ(status_with(""), "passing");
    EXPECT_EQ(status_with(R"({"Status": "passing"}, {"Status": "warning"})"), "warning");
    EXPECT_EQ(status_with(R"({"Status": "critical"}, {"Status": "warning"})"), "critical");
    EXPECT_EQ(status_with(R"({"Status": "maintenance"})"), "critical");
}

TEST(ParseTxn, CheckedKeysAreNotAmongTheWritten) {
    const std::vector<ports::TxnOp> operations{
        ports::KvCheckSession{"lock", "s"}, ports::KvCas{"epoch", "2", 1}, ports::KvDelete{"old"},
        ports::KvUnlock{"lock2", "released", "s"}};
    const auto answer = parse_txn_applied(R"({"Results": [
        {"KV": {"Key": "lock", "CreateIndex": 1, "ModifyIndex": 1, "Session": "s"}},
        {"KV": {"Key": "epoch", "CreateIndex": 2, "ModifyIndex": 9}},
        {"KV": {"Key": "lock2", "CreateIndex": 2, "ModifyIndex": 9}}], "Errors": null})",
                                          operations);

    ASSERT_TRUE(answer.has_value()) << answer.error().what;
    EXPECT_TRUE(answer.value().applied);
    EXPECT_THAT(answer.value().entries, ElementsAre(ports::KvEntry{"epoch", "", 2, 9, ""},
                                                    ports::KvEntry{"lock2", "", 2, 9, ""}));
}

TEST(ParseTxn, RefusalWithoutReasonIsMalformed) {
    EXPECT_EQ(parse_txn_refused("{}", {}).error().kind, ErrorKind::malformed);
}

struct Malformed {
    const char* name;
    Result<> (*parse)(std::string_view text);
    const char* text;
    const char* problem;
};

template <class T>
Result<> verdict(Result<T> parsed) {
    if (parsed.has_error()) {
        return parsed.error();
    }
    return ok();
}

class MalformedConsulAnswers : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedConsulAnswers, AreNamedByPath) {
    const auto parsed = GetParam().parse(GetParam().text);

    ASSERT_TRUE(parsed.has_error());
    EXPECT_EQ(parsed.error().kind, ErrorKind::malformed);
    EXPECT_THAT(parsed.error().what, ::testing::HasSubstr(GetParam().problem));
}

Result<> kv(std::string_view text) {
    return verdict(parse_kv(text));
}
Result<> health(std::string_view text) {
    return verdict(parse_health(text));
}
Result<> txn(std::string_view text) {
    return verdict(parse_txn_applied(text, {}));
}
Result<> refused(std::string_view text) {
    return verdict(parse_txn_refused(text, {}));
}
Result<> session(std::string_view text) {
    return verdict(parse_session_id(text));
}
Result<> services(std::string_view text) {
    return verdict(parse_agent_services(text));
}
Result<> node(std::string_view text) {
    return verdict(parse_agent_node(text));
}
Result<> rights(std::string_view text) {
    return verdict(parse_missing_right(text));
}

const Malformed malformed[] = {
    {"NoJson", &kv, "rpc error", "not JSON"},
    {"NoList", &kv, "{}", "$: want a list"},
    {"NoKey", &kv, R"([{"CreateIndex": 1, "ModifyIndex": 1}])", "$[0].Key: missing"},
    {"NoIndex", &kv, R"([{"Key": "a", "CreateIndex": 1}])", "$[0].ModifyIndex: missing"},
    {"NoBase64", &kv, R"([{"Key": "a", "Value": "?", "CreateIndex": 1, "ModifyIndex": 1}])",
     "$[0].Value: not base64"},
    {"NegativeIndex", &kv, R"([{"Key": "a", "CreateIndex": 1, "ModifyIndex": -1}])",
     "$[0].ModifyIndex"},
    {"NoService", &health, R"([{"Node": {"Node": "n"}}])", "$[0].Service: missing"},
    {"NoNode", &health, R"([{"Service": {"ID": "s"}}])", "$[0].Node: missing"},
    {"Port", &health, R"([{"Node": {"Node": "n"}, "Service": {"ID": "s", "Port": 65536}}])",
     "$[0].Service.Port: want a port"},
    {"Meta", &health, R"([{"Node": {"Node": "n", "Meta": {"a": 1}}, "Service": {"ID": "s"}}])",
     "$[0].Node.Meta.a"},
    {"NoStatus", &health, R"([{"Node": {"Node": "n"}, "Service": {"ID": "s"}, "Checks": [{}]}])",
     "$[0].Checks[0].Status: missing"},
    {"NoKv", &txn, R"({"Results": [{}]})", "$.Results[0].KV: missing"},
    {"Errors", &refused, R"({"Errors": {}})", "$.Errors: want a list"},
    {"NoId", &session, "{}", "$.ID: missing"},
    {"NoAggregate", &services, R"([{"Service": {"ID": "a", "Service": "b"}}])",
     "$[0].AggregatedStatus: missing"},
    {"NoNodeName", &node, R"({"Config": {}})", "$.Config.NodeName: missing"},
    {"NoAllow", &rights, R"([{"Resource": "key"}])", "$[0].Allow: missing"},
};
INSTANTIATE_TEST_SUITE_P(Parse, MalformedConsulAnswers, ::testing::ValuesIn(malformed),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(WriteTxn, EveryOperation) {
    EXPECT_EQ(write_txn({ports::KvSet{"a", "x"}, ports::KvCas{"b", "", 0}, ports::KvDelete{"c"},
                         ports::KvDeleteCas{"d", 7}, ports::KvLock{"e", "x", "s"},
                         ports::KvUnlock{"f", "x", "s"}, ports::KvCheckSession{"g", "s"},
                         ports::KvCheckIndex{"h", 8}}),
              R"([{"KV":{"Verb":"set","Key":"a","Value":"eA=="}},)"
              R"({"KV":{"Verb":"cas","Key":"b","Value":"","Index":0}},)"
              R"({"KV":{"Verb":"delete","Key":"c"}},)"
              R"({"KV":{"Verb":"delete-cas","Key":"d","Index":7}},)"
              R"({"KV":{"Verb":"lock","Key":"e","Value":"eA==","Session":"s"}},)"
              R"({"KV":{"Verb":"unlock","Key":"f","Value":"eA==","Session":"s"}},)"
              R"({"KV":{"Verb":"check-session","Key":"g","Session":"s"}},)"
              R"({"KV":{"Verb":"check-index","Key":"h","Index":8}}])");
}

TEST(WriteSession, AsksForItsChecksEvenWhenThereAreNone) {
    EXPECT_EQ(write_session({"name", std::chrono::seconds(10), std::chrono::seconds(0), {}, {}}),
              R"({"Name":"name","Behavior":"release","LockDelay":"0ms","NodeChecks":[],)"
              R"("ServiceChecks":[],"TTL":"10000ms"})");
    EXPECT_EQ(write_session(
                  {"n", std::chrono::seconds(0), std::chrono::seconds(2), {"serfHealth"}, {"c1"}}),
              R"({"Name":"n","Behavior":"release","LockDelay":"2000ms",)"
              R"("NodeChecks":["serfHealth"],"ServiceChecks":[{"ID":"c1"}]})");
}

}  // namespace
}  // namespace rop::consul
