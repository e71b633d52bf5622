#include "api/json/status_json.hpp"

#include <gtest/gtest.h>

#include "api/json/document.hpp"

namespace rop::json {
namespace {

using namespace std::chrono_literals;

const Timestamp nine = std::chrono::sys_days{std::chrono::year{2026} / 11 / 21} + 9h;

ClusterStatus ready() {
    return {
        .name = ClusterName{"cache"},
        .mode = "cluster",
        .engine = "redis 7.0.15",
        .spec_index = 812,
        .epoch = 4,
        .leader = "host-1",
        .updated_at = nine,
        .phase = Phase::ready,
        .reason = "AsDeclared",
        .message = "3 primaries, 3 replicas, 16384 slots served",
        .primaries_wanted = 3,
        .replicas_per_primary_wanted = 1,
        .slots_assigned = 16384,
        .slots_served = 16384,
        .conditions = {{ConditionType::formed, Truth::yes, "AsDeclared", "formed", nine - 1s}},
        .shards = {{InstanceId{"a"}, {"0-5460", "9000"}, {{InstanceId{"d"}, true}}}},
        .instances = {{InstanceId{"a"}, NodeId{"07c3"}, "127.0.0.1:21000", 31000, "host-1",
                       "primary", "ok"}},
        .current_operation = OperationStatus{"form", 3, 7, nine - 500ms},
    };
}

constexpr auto ready_text =
    R"({"version":1,"name":"cache","mode":"cluster","engine":"redis 7.0.15","specIndex":812,)"
    R"("epoch":4,"leader":"host-1","updatedAt":"2026-11-21T09:00:00Z","phase":"Ready",)"
    R"("reason":"AsDeclared","message":"3 primaries, 3 replicas, 16384 slots served",)"
    R"("declared":{"primaries":3,"replicasPerPrimary":1},)"
    R"("slots":{"assigned":16384,"served":16384},)"
    R"("conditions":[{"type":"Formed","status":"True","reason":"AsDeclared",)"
    R"("message":"formed","since":"2026-11-21T08:59:59Z"}],)"
    R"("shards":[{"primary":"a","slots":["0-5460","9000"],)"
    R"("replicas":[{"instance":"d","inSync":true}]}],)"
    R"("instances":[{"instance":"a","node":"07c3","address":"127.0.0.1:21000","busPort":31000,)"
    R"("host":"host-1","role":"primary","state":"ok"}],)"
    R"("currentOperation":{"kind":"form","done":3,"total":7,)"
    R"("since":"2026-11-21T08:59:59.500Z"}})";

TEST(StatusJson, IsWhatTheContractShows) {
    EXPECT_EQ(write_status(ready()), ready_text);
}

TEST(StatusJson, RoundTrips) {
    ClusterStatus odd = ready();
    odd.current_operation.reset();
    odd.instances.clear();
    odd.message = "-ERR odd \r\n\x01 \"text\"";
    for (const auto& status : {ready(), ClusterStatus{}, odd}) {
        const auto parsed = parse_status(write_status(status));
        ASSERT_TRUE(parsed.has_value()) << parsed.error().what;
        EXPECT_EQ(parsed.value(), status);
    }
}

TEST(StatusJson, RoundTripsEveryWord) {
    for (int phase = 0; phase <= static_cast<int>(Phase::paused); ++phase) {
        ClusterStatus status = ready();
        status.phase = static_cast<Phase>(phase);
        EXPECT_EQ(parse_status(write_status(status)).value(), status) << phase;
    }
    for (int type = 0; type <= static_cast<int>(ConditionType::observed); ++type) {
        for (const auto truth : {Truth::yes, Truth::no, Truth::unknown}) {
            ClusterStatus status = ready();
            status.conditions.front().type = static_cast<ConditionType>(type);
            status.conditions.front().status = truth;
            EXPECT_EQ(parse_status(write_status(status)).value(), status) << type;
        }
    }
}

TEST(StatusJson, SkipsWhatANewerOperatorAdded) {
    const std::string text = ready_text;

    const auto parsed = parse_status("{\"mood\":\"fine\"," + text.substr(1));

    EXPECT_EQ(parsed.value(), ready());
}

struct Wrong {
    const char* was;
    const char* is;
    const char* error;
};

constexpr Wrong wrongs[] = {
    {"{\"version\"", "\"version\"", "status: line 1"},
    {"\"version\":1", "\"version\":2", "status: $.version: 2: must be"},
    {"\"version\":1,", "", "status: $.version: required"},
    {"\"name\":\"cache\",", "", "status: $.name: required"},
    {"\"name\":\"cache\"", "\"name\":7", "status: $.name: 7: must be a text"},
    {"\"specIndex\":812", "\"specIndex\":\"x\"", "status: $.specIndex: \"x\": must be"},
    {"\"epoch\":4", "\"epoch\":-4", "status: $.epoch: -4: must be"},
    {"\"updatedAt\":\"2026-11-21T09", "\"updatedAt\":\"2026-11-21 09", "status: $.updatedAt"},
    {"\"phase\":\"Ready\"", "\"phase\":\"ready\"", "status: $.phase: \"ready\": must be one of"},
    {"\"declared\":{", "\"declarad\":{", "status: $.declared: required"},
    {"\"declared\":{", "\"declared\":1,\"x\":{", "status: $.declared: 1: must be an object"},
    {"\"assigned\":16384", "\"assigned\":4294967296", "status: $.slots.assigned: 4294967296"},
    {"\"conditions\":[", "\"conditions\":7,\"x\":[", "status: $.conditions: 7: must be a list"},
    {"\"type\":\"Formed\"", "\"type\":\"Frmed\"", "status: $.conditions[0].type: \"Frmed\""},
    {"\"status\":\"True\"", "\"status\":true", "status: $.conditions[0].status: true: must be"},
    {"[\"0-5460\"", "[5", "status: $.shards[0].slots[0]: 5: must be slots"},
    {"[\"0-5460\"", "[\"x\"", "status: $.shards[0].slots[0]: \"x\": must be slots"},
    {"\"inSync\":true", "\"inSync\":1", "status: $.shards[0].replicas[0].inSync: 1: must be"},
    {"\"busPort\":31000", "\"busPort\":65536", "status: $.instances[0].busPort: 65536: must"},
    {"\"done\":3,", "", "status: $.currentOperation.done: required"},
    {"\"currentOperation\":{", "\"currentOperation\":1,\"x\":{", "status: $.currentOperation: 1"},
};

TEST(StatusJson, RefusesWhatIsNoStatus) {
    for (const auto& row : wrongs) {
        std::string changed = ready_text;
        const auto at = changed.find(row.was);
        ASSERT_NE(at, std::string::npos) << row.was;
        changed.replace(at, std::string_view(row.was).size(), row.is);
        const auto parsed = parse_status(changed);
        ASSERT_TRUE(parsed.has_error()) << row.is;
        EXPECT_EQ(parsed.error().kind, ErrorKind::malformed);
        EXPECT_TRUE(parsed.error().what.starts_with(row.error)) << parsed.error().what;
    }
    for (const auto* text : {"", "[]", "null", "{}"}) {
        EXPECT_TRUE(parse_status(text).has_error()) << text;
    }
}

TEST(EventsJson, RoundTrip) {
    const std::vector<Event> events{
        {nine, nine - 1s, 3, EventType::warning, "ShardDown", "a \"b\""},
        {nine, nine, 1, EventType::normal, "Formed", "16384 slots served"}};

    const std::string text = write_events(events);

    EXPECT_EQ(text,
              R"([{"time":"2026-11-21T09:00:00Z","firstTime":"2026-11-21T08:59:59Z","count":3,)"
              R"("type":"Warning","reason":"ShardDown","message":"a \"b\""},)"
              R"({"time":"2026-11-21T09:00:00Z","firstTime":"2026-11-21T09:00:00Z","count":1,)"
              R"("type":"Normal","reason":"Formed","message":"16384 slots served"}])");
    EXPECT_EQ(parse_events(text).value(), events);
    EXPECT_TRUE(parse_events("[]").value().empty());
}

TEST(EventsJson, RefusesWhatAreNoEvents) {
    for (const auto* text : {"", "{}", "[1]", "[{}]", "7", "[{\"time\":1}]"}) {
        EXPECT_TRUE(parse_events(text).has_error()) << text;
    }
    std::string odd = write_events({Event{}});
    odd.replace(odd.find("Normal"), 6, "Severe");
    EXPECT_EQ(parse_events(odd).error().what,
              "$.events[0].type: \"Severe\": must be one of: Normal, Warning");
}

TEST(PlanJson, ShowsStepsAndFindings) {
    const Plan plan{.based_on = Revision{7},
                    .concern = "formation",
                    .steps = {Step{Meet{{{InstanceId{"a"}, InstanceId{"b"}}}}, "alone"}},
                    .findings = {Finding{ConditionType::members_known, "WrongPassword", "c refuses",
                                         InstanceId{"c"}},
                                 Finding{ConditionType::observed, "Paused", "paused", {}}},
                    .look_again = 100ms};

    EXPECT_EQ(write_plan(plan),
              R"({"basedOn":7,"concern":"formation","steps":[{"kind":"meet",)"
              R"("what":"let a meet b","reason":"alone"}],"findings":[)"
              R"({"condition":"MembersKnown","reason":"WrongPassword","message":"c refuses",)"
              R"("instance":"c"},{"condition":"Observed","reason":"Paused","message":"paused"}],)"
              R"("lookAgainMs":100})");
    EXPECT_EQ(write_plan(Plan{}), R"({"basedOn":0,"concern":"","steps":[],"findings":[]})");
}

TEST(Time, RoundTrips) {
    for (const auto* text :
         {"1970-01-01T00:00:00Z", "2026-11-21T09:00:00Z", "2026-11-21T09:00:00.001Z",
          "2024-02-29T23:59:59.999Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.500Z"}) {
        const auto time = parse_time(text);
        ASSERT_TRUE(time.has_value()) << text;
        EXPECT_EQ(write_time(time.value()), text);
    }
}

TEST(Time, ReadsOffsetsAndFractions) {
    EXPECT_EQ(parse_time("2026-11-21T10:30:00+01:30").value(), nine);
    EXPECT_EQ(parse_time("2026-11-21T01:00:00-08:00").value(), nine);
    EXPECT_EQ(parse_time("2026-11-21T09:00:00.5Z").value(), nine + 500ms);
    EXPECT_EQ(parse_time("2026-11-21T09:00:00.123456789Z").value(), nine + 123ms);
}

TEST(Time, RefusesWhatIsNone) {
    for (const auto* text : {"",
                             "2026-11-21",
                             "2026-11-21T09:00:00",
                             "2026-11-21 09:00:00Z",
                             "2026-11-21T09:00Z",
                             "2026-13-01T00:00:00Z",
                             "2026-00-01T00:00:00Z",
                             "2026-02-29T00:00:00Z",
                             "2026-11-31T00:00:00Z",
                             "2026-11-21T24:00:00Z",
                             "2026-11-21T09:60:00Z",
                             "2026-11-21T09:00:60Z",
                             "2026-11-21T09:00:00.Z",
                             "2026-11-21T09:00:00Zx",
                             "2026-11-21T09:00:00+1:00",
                             "2026-11-21T09:00:00+0100",
                             "2026-11-21T09:00:00+24:00",
                             "26-11-21T09:00:00Z",
                             "+026-11-21T09:00:00Z",
                             "2026-11-21T09:00:00z",
                             "tomorrow"}) {
        EXPECT_TRUE(parse_time(text).has_error()) << text;
    }
}

}  // namespace
}  // namespace rop::json
