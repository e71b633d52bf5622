#include "api/json/record_json.hpp"

#include <gtest/gtest.h>

#include "api/json/document.hpp"
#include "api/json/spec_json.hpp"
#include "test/support/topology.hpp"

namespace rop::json {
namespace {

using namespace std::chrono_literals;
using testing::node_of;

Record forming() {
    Record record;
    record.state = RecordState::forming;
    record.spec = testing::spec(2, 1);
    record.spec.allow = {Consent::few_primaries};
    record.spec.settings = {{"maxmemory", "1gb"}};
    record.spec_index = 812;
    const auto slots = [](const char* text) { return SlotSet::parse(text).value().ranges(); };
    record.layout = {{InstanceId{"a"}, slots("0-8191 9000"), {InstanceId{"c"}}},
                     {InstanceId{"b"}, slots("8192-8999 9001-16383"), {}}};
    record.members = {{InstanceId{"a"}, Member{node_of("a")}},
                      {InstanceId{"b"}, Member{node_of("b")}},
                      {InstanceId{"host/svc \"1\""}, Member{node_of("c")}}};
    record.former = {{node_of("x"), Timestamp{1'700'000'000'123ms}}};
    record.corrections = {
        {"cluster-node-timeout", Timestamp{1'700'000'000'123ms}, {"0123456789ab"}},
        {"count", Timestamp{1'700'000'001'000ms}, {}}};
    record.node_timeout_found = 15s;
    record.installation = InstallationId{"inst"};
    record.epoch = Epoch{18'446'744'073'709'551'615U};
    return record;
}

Record accepted() {
    Record record;
    record.spec = testing::spec(3, 1);
    record.installation = InstallationId{"inst"};
    record.epoch = Epoch{1};
    return record;
}

TEST(RecordJson, IsReadable) {
    Record record = accepted();
    record.state = RecordState::formed;
    record.members = {{InstanceId{"a"}, Member{node_of("a")}}};

    EXPECT_EQ(write_record(record),
              R"({"version":1,"state":"formed","spec":)" + write_spec(record.spec) +
                  R"(,"specIndex":0,"members":{"a":")" + std::string(40, 'a') +
                  R"("},"installation":"inst","epoch":1})");
}

TEST(RecordJson, RoundTrips) {
    for (const auto& record : {forming(), accepted()}) {
        const std::string text = write_record(record);
        const auto parsed = parse_record(text);
        ASSERT_TRUE(parsed.has_value()) << parsed.error().what;
        EXPECT_EQ(parsed.value(), record) << text;
    }
}

/// 500 shards of 6, with ids as long as Nomad's: what the contract promises to hold.
TEST(RecordJson, FitsIntoOneValueOfConsulAtItsLargest) {
    Record record = forming();
    record.layout.clear();
    record.members.clear();
    const auto id = [](std::size_t i) {
        const std::string digits = std::to_string(100'000'000'000 + i);
        return InstanceId{"8d1f0f4e-35c1-4a3e-9d1c-" + digits};
    };
    for (std::size_t shard = 0; shard < 500; ++shard) {
        const Slot first{static_cast<std::uint16_t>(shard * slot_count / 500)};
        const Slot last{static_cast<std::uint16_t>((shard + 1) * slot_count / 500 - 1)};
        ShardLayout layout{id(shard), {SlotRange{first, last}}, {}};
        for (std::size_t replica = 1; replica <= 5; ++replica) {
            layout.replicas.push_back(id(500 * replica + shard));
        }
        record.layout.push_back(layout);
    }
    for (std::size_t i = 0; i < 3'000; ++i) {
        record.members[id(i)] = Member{node_of("n" + std::to_string(i))};
    }

    const std::string text = write_record(record);

    EXPECT_LE(text.size(), document_size_max);
    EXPECT_EQ(parse_record(text).value(), record);
}

struct Wrong {
    const char* was;
    const char* is;
    const char* error;
};

// Each row changes one thing in what we wrote.
constexpr Wrong wrongs[] = {
    {"{\"version\"", "\"version\"", "record: line 1, column"},
    {"\"version\":1,\"state\"", "\"state\"", "record: $.version: required"},
    {"\"version\":1,\"state\"", "\"version\":2,\"state\"", "record: $.version: 2: must be a whole"},
    {"\"state\"", "\"stat\"", "record: $.stat: a text: unknown field"},
    {"\"forming\"", "\"done\"", "record: $.state: \"done\": must be one of: accepted, forming"},
    {"\"specIndex\":812", "\"specIndex\":-1", "record: $.specIndex: -1: must be a whole number"},
    {"\"specIndex\":812,", "", "record: $.specIndex: required"},
    {"\"specIndex\":812", "\"specIndex\":1,\"specIndex\":2", "record: $.specIndex: 2: given twice"},
    {"\"spec\":{", "\"spec\":[{", "record: line 1"},
    {"\"spec\":{\"version\":1", "\"spec\":{\"version\":9", "record: $.spec.version: 9: this op"},
    {"\"name\":\"cache\",", "", "record: $.spec.name: required"},
    {"\"name\":\"cache\"", "\"name\":\"C\"", "record: $.spec.name: \"C\": must be a name"},
    {"\"primaries\":2", "\"primaries\":0", "record: $.spec.primaries: 0: must be"},
    {"\"maxmemory\":\"1gb\"", "\"port\":\"1\"",
     "record: $.spec.settings[\"port\"]: \"1\": may not"},
    {"\"primary\":\"a\",", "", "record: $.layout[0].primary: required"},
    {"\"primary\":\"a\"", "\"primary\":1", "record: $.layout[0].primary: 1: must be the id"},
    {"[\"0-8191\",\"9000\"]", "[\"0-8192\"]", "record: $.layout[1].slots: [...]: must not over"},
    {"[\"0-8191\",\"9000\"]", "[\"16384\"]", "record: $.layout[0].slots: [...]: must be a list"},
    {"[\"0-8191\",\"9000\"]", "[\"1 3\"]", "record: $.layout[0].slots: [...]: must be a list of"},
    {"[\"0-8191\",\"9000\"]", "[\"\"]", "record: $.layout[0].slots[0]: \"\": must be a text"},
    {"[\"0-8191\",\"9000\"]", "\"0-8191\"",
     "record: $.layout[0].slots: \"0-8191\": must be a list"},
    {"\"replicas\":[\"c\"]", "\"replicas\":[7]", "record: $.layout[0].replicas[0]: 7: must be"},
    {",\"replicas\":[\"c\"]", "", "record: $.layout[0].replicas: required"},
    {"\"layout\":[", "\"layout\":[1,", "record: $.layout[0]: 1: must be an object"},
    {"\"members\":{", "\"members\":{\"z\":\"short\",", "record: $.members.z: \"short\": must be a"},
    {"\"members\":{", "\"members\":{\"z\":{},", "record: $.members.z: {}: must be a Redis node id"},
    {"\"members\":{", "\"members\":{\"\":\"x\",", "record: $.members[\"\"]: \"x\": must name"},
    {"\"former\":[{", "\"former\":[{},{", "record: $.former[0].node: required"},
    {"\"since\":\"2023-11-14T", "\"since\":\"2023-11-31T",
     "record: $.former[0].since: \"2023-11-31"},
    {"\"nodeTimeoutFound\":\"15s\"", "\"nodeTimeoutFound\":\"0ms\"", "record: $.nodeTimeoutFound"},
    {"\"installation\":\"inst\",", "", "record: $.installation: required"},
    {"\"installation\":\"inst\"", "\"installation\":\"\"", "record: $.installation: \"\": must be"},
    {",\"epoch\":18446744073709551615", "", "record: $.epoch: required"},
    {"18446744073709551615", "18446744073709551616", "record: $.epoch: 18446744073709551616: must"},
};

TEST(RecordJson, RefusesWhatItCannotHaveWritten) {
    const std::string text = write_record(forming());
    for (const auto& row : wrongs) {
        std::string changed = text;
        const auto at = changed.find(row.was);
        ASSERT_NE(at, std::string::npos) << row.was;
        changed.replace(at, std::string_view(row.was).size(), row.is);
        const auto parsed = parse_record(changed);
        ASSERT_TRUE(parsed.has_error()) << row.is;
        EXPECT_EQ(parsed.error().kind, ErrorKind::malformed);
        EXPECT_TRUE(parsed.error().what.starts_with(row.error)) << parsed.error().what;
    }
    EXPECT_TRUE(parse_record("").has_error());
    EXPECT_TRUE(parse_record("[]").has_error());
    EXPECT_TRUE(parse_record("null").has_error());
}

TEST(RecordJson, RefusesEveryPrefix) {
    const std::string text = write_record(forming());
    for (std::size_t length = 0; length < text.size(); ++length) {
        ASSERT_TRUE(parse_record(text.substr(0, length)).has_error()) << length;
    }
}

}  // namespace
}  // namespace rop::json
