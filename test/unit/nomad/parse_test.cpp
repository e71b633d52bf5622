#include "operator/nomad/parse.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rop::nomad {
namespace {

using ::testing::HasSubstr;

Timestamp at_ms(std::int64_t ms) {
    return Timestamp{std::chrono::milliseconds(ms)};
}

TEST(ParseTime, ReadsWhatGoWrites) {
    EXPECT_EQ(parse_time("2026-11-21T09:15:28.247056491Z"), at_ms(1'795'252'528'247));
    EXPECT_EQ(parse_time("2026-11-21T09:15:28Z"), at_ms(1'795'252'528'000));
    EXPECT_EQ(parse_time("2026-11-21T09:15:28.5Z"), at_ms(1'795'252'528'500));
    EXPECT_EQ(parse_time("2026-11-21T10:45:28.247+01:30"), at_ms(1'795'252'528'247));
    EXPECT_EQ(parse_time("2026-11-21T01:15:28.247-08:00"), at_ms(1'795'252'528'247));
    EXPECT_EQ(parse_time("2024-02-29T00:00:00Z"), at_ms(1'709'164'800'000));
    EXPECT_EQ(parse_time("0001-01-01T00:00:00Z"), Timestamp{});
}

TEST(ParseTime, KnowsWhatIsNoTime) {
    for (const char* text :
         {"", "now", "2026-11-21", "2026-11-21T09:15:28", "2026-11-21T09:15:28.Z",
          "2026-11-21T09:15:28Zz", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
          "2026-11-21T24:00:00Z", "2026-11-21T09:60:00Z", "2026-11-21 09:15:28Z",
          "2026-11-21T09:15:28+1:30", "2026-11-21T09:15:28+01:30x", "-026-11-21T09:15:28Z"}) {
        EXPECT_EQ(parse_time(text), std::nullopt) << text;
    }
}

std::string allocation(const std::string& task_states) {
    return R"([{"ID": "a1", "ClientStatus": "running", "DesiredStatus": "run", "TaskStates": )" +
           task_states + "}]";
}

TEST(ParseAllocations, NullsAreEmpty) {
    const auto allocations = parse_allocations(
        R"([{"ID": "a1", "ClientStatus": "pending", "DesiredStatus": "run", "JobID": null,
             "NodeID": null, "TaskStates": null}])");

    ASSERT_TRUE(allocations.has_value()) << allocations.error().what;
    const NomadFacts& facts = allocations.value().at(0).facts;
    EXPECT_EQ(facts.job, "");
    EXPECT_EQ(facts.host, HostId{""});
    EXPECT_EQ(facts.started_at, Timestamp{});
    EXPECT_EQ(facts.terminated_at, Timestamp{});
    EXPECT_FALSE(facts.client_connected);
    EXPECT_TRUE(parse_allocations("null").value().empty());
}

TEST(ParseAllocations, NewestEndCounts) {
    const auto allocations = parse_allocations(allocation(
        R"({"server": {"StartedAt": "2026-11-21T09:15:28.247056491Z", "Events": [
             {"Type": "Terminated", "Time": 1795252526939059924},
             {"Type": "Terminated", "Time": 1795252500000000000},
             {"Type": "Started", "Time": 1795252528247015981}]}})"));

    ASSERT_TRUE(allocations.has_value()) << allocations.error().what;
    const NomadFacts& facts = allocations.value().at(0).facts;
    EXPECT_EQ(facts.terminated_at, at_ms(1'795'252'526'939));
    EXPECT_EQ(facts.started_at, at_ms(1'795'252'528'247));
}

TEST(ParseAllocations, TaskBesideRedisProvesNothing) {
    const char* sidecar =
        R"("exporter": {"StartedAt": "2026-11-21T09:00:00Z", "Events": [
               {"Type": "Terminated", "Time": 1795252526939059924}]})";
    const char* redis = R"({"StartedAt": "2026-11-21T09:15:28.247Z", "Events": null})";

    const auto named =
        parse_allocations(allocation(std::string("{") + sidecar + R"(, "redis": )" + redis + "}"));
    EXPECT_EQ(named.value().at(0).facts.terminated_at, Timestamp{});
    EXPECT_EQ(named.value().at(0).facts.started_at, at_ms(1'795'252'528'247));

    const auto unnamed =
        parse_allocations(allocation(std::string("{") + sidecar + R"(, "cache": )" + redis + "}"));
    EXPECT_EQ(unnamed.value().at(0).facts.terminated_at, Timestamp{});
    EXPECT_EQ(unnamed.value().at(0).facts.started_at, Timestamp{});
}

TEST(ParseNodes, EveryKindOfDrain) {
    const auto node = [](const std::string& fields) {
        return parse_node(R"({"ID": "n", "Status": "ready", )" + fields + "}").value();
    };
    EXPECT_FALSE(node(R"("Drain": false, "DrainStrategy": null)").draining);
    EXPECT_TRUE(node(R"("Drain": true)").draining);
    EXPECT_TRUE(node(R"("DrainStrategy": {"Deadline": 3600000000000})").draining);
    EXPECT_TRUE(node(R"("SchedulingEligibility": "eligible")").eligible);
    EXPECT_TRUE(node(R"("Drain": null)").eligible);
    EXPECT_FALSE(node(R"("SchedulingEligibility": "ineligible")").eligible);
}

TEST(ParseGroup, ReadsTheNamedGroup) {
    const char* job = R"({"Type": "service", "Stop": true, "JobModifyIndex": 18, "TaskGroups": [
        {"Name": "other", "Count": 9}, {"Name": "redis", "Count": 6}]})";

    const auto facts = parse_group(job, "redis");

    ASSERT_TRUE(facts.has_value()) << facts.error().what;
    EXPECT_TRUE(facts.value().job_exists);
    EXPECT_TRUE(facts.value().stopped);
    EXPECT_EQ(facts.value().count, 6U);
    EXPECT_EQ(facts.value().job_modify_index, 18U);
    EXPECT_EQ(parse_group(job, "nope").error().kind, ErrorKind::rejected);
    EXPECT_THAT(parse_group(job, "nope").error().what, HasSubstr("no group \"nope\""));
}

TEST(ParseGroup, JobsWithoutACountAreRefused) {
    for (const char* type : {"system", "sysbatch"}) {
        const auto facts = parse_group(std::string(R"({"Type": ")") + type +
                                           R"(", "JobModifyIndex": 1, "TaskGroups": [
                                               {"Name": "redis", "Count": 1}]})",
                                       "redis");
        ASSERT_TRUE(facts.has_error());
        EXPECT_EQ(facts.error().kind, ErrorKind::rejected);
    }
}

TEST(ParseDeployment, IsActiveUntilItIsOver) {
    EXPECT_FALSE(parse_deployment_active("null").value());
    for (const char* status : {"running", "paused", "pending", "blocked", "unblocking",
                               "initializing", "something new"}) {
        EXPECT_TRUE(
            parse_deployment_active(std::string(R"({"Status": ")") + status + "\"}").value());
    }
    for (const char* status : {"successful", "failed", "cancelled"}) {
        EXPECT_FALSE(
            parse_deployment_active(std::string(R"({"Status": ")") + status + "\"}").value());
    }
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
Result<> allocations(std::string_view text) {
    return verdict(parse_allocations(text));
}
Result<> nodes(std::string_view text) {
    return verdict(parse_nodes(text));
}
Result<> group(std::string_view text) {
    return verdict(parse_group(text, "redis"));
}
Result<> deployment(std::string_view text) {
    return verdict(parse_deployment_active(text));
}

class MalformedNomadAnswers : public ::testing::TestWithParam<Malformed> {};

TEST_P(MalformedNomadAnswers, AreNamedByPath) {
    const auto parsed = GetParam().parse(GetParam().text);

    ASSERT_TRUE(parsed.has_error());
    EXPECT_EQ(parsed.error().kind, ErrorKind::malformed);
    EXPECT_THAT(parsed.error().what, HasSubstr(GetParam().problem));
}

const Malformed malformed[] = {
    {"NoJson", &allocations, "Permission denied", "not JSON"},
    {"NoList", &allocations, "{}", "$: want a list"},
    {"NoId", &allocations, R"([{"ClientStatus": "a", "DesiredStatus": "b"}])", "$[0].ID: missing"},
    {"NoStatus", &allocations, R"([{"ID": "a", "DesiredStatus": "b"}])",
     "$[0].ClientStatus: missing"},
    {"TaskStates", &allocations,
     R"([{"ID": "a", "ClientStatus": "a", "DesiredStatus": "b", "TaskStates": []}])",
     "$[0].TaskStates: want an object"},
    {"EventTime", &allocations,
     R"([{"ID": "a", "ClientStatus": "a", "DesiredStatus": "b",
          "TaskStates": {"redis": {"Events": [{"Type": "Terminated", "Time": 1.5e18}]}}}])",
     "$[0].TaskStates.redis.Events[0].Time: want a whole number"},
    {"StartedAt", &allocations,
     R"([{"ID": "a", "ClientStatus": "a", "DesiredStatus": "b",
          "TaskStates": {"redis": {"StartedAt": "today"}}}])",
     "$[0].TaskStates.redis.StartedAt: want a time"},
    {"NodeStatus", &nodes, R"([{"ID": "n"}])", "$[0].Status: missing"},
    {"NoGroups", &group, R"({"JobModifyIndex": 1, "TaskGroups": [{"Name": "redis"}]})",
     "$.TaskGroups[0].Count: missing"},
    {"HugeCount", &group,
     R"({"JobModifyIndex": 1, "TaskGroups": [{"Name": "redis", "Count": 99999999999}]})",
     "$.TaskGroups[0].Count: want a count"},
    {"NoIndex", &group, R"({"TaskGroups": []})", "$.JobModifyIndex: missing"},
    {"NoDeploymentStatus", &deployment, "{}", "$.Status: missing"},
};
INSTANTIATE_TEST_SUITE_P(Parse, MalformedNomadAnswers, ::testing::ValuesIn(malformed),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace rop::nomad
