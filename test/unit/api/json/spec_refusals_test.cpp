#include "test/unit/api/json/spec_refusals.hpp"

#include <gtest/gtest.h>

#include "api/json/spec_json.hpp"

namespace rop::json {
namespace {

class Refused : public ::testing::TestWithParam<Refusal> {};

TEST_P(Refused, WithOneProblem) {
    const SpecParse parse = parse_spec(GetParam().text, GetParam().key);

    EXPECT_FALSE(parse.spec);
    ASSERT_EQ(parse.problems.size(), 1U)
        << to_string(parse.problems.empty() ? Problem{} : parse.problems.back());
    const Problem& problem = parse.problems.front();
    EXPECT_TRUE(to_string(problem).starts_with(GetParam().problem)) << to_string(problem);
    EXPECT_EQ(problem.nearest, GetParam().nearest);
}

std::vector<Refusal> whole_document() {
    return {
        {"Empty", "", "$: line 1, column 1 (byte 0): the document is empty", ""},
        {"Malformed", "{\"version\":1,}", "$: line 1, column 14 (byte 13): a comma", ""},
        {"NaN", R"({"primaries":NaN})", "$: line 1, column 14 (byte 13): NaN and Infinity", ""},
        {"InvalidUtf8", "{\"service\":\"\xc3\x28\"}",
         "$: line 1, column 13 (byte 12): not valid UTF-8", ""},
        {"Huge", std::string(500'000, ' '), "$: 500000 bytes: at most 390000 fit", ""},
        {"Deep", std::string(1'000, '['), "$: line 1, column 17 (byte 16): nested deeper", ""},
        {"AList", "[]", "$: a spec must be a JSON object", ""},
        {"AText", "\"{\\\"auth\\\":{\\\"password\\\":\\\"hunter2\\\"}}\"",
         "$: a spec must be a JSON object: {...}", ""},
        {"NoVersion", R"({"mode":"cluster","primaries":3,"service":"s"})",
         "$.version: required: the version of the contract, 1", ""},
        {"VersionZero", R"({"version":0,"mode":"cluster","primaries":3,"service":"s"})",
         "$.version: 0: must be a whole number from 1 to 1", ""},
        {"VersionAsText", R"({"version":"1","mode":"cluster","primaries":3,"service":"s"})",
         "$.version: \"1\": must be a whole number from 1 to 1, not a text", "1"},
        {"NewerVersion", R"({"version":2})", "$.version: 2: this operator reads version 1 only",
         ""},
        {"NoMode", R"({"version":1,"primaries":3,"service":"s"})",
         "$.mode: required: one of: cluster, replication, sentinel", ""},
        {"NoPrimaries", R"({"version":1,"mode":"cluster","service":"s"})",
         "$.primaries: required: a whole number from 1 to 500", ""},
        {"NoService", R"({"version":1,"mode":"cluster","primaries":3})",
         "$.service: required: the name of a Consul service", ""},
        {"BadKey", minimal_and(""), "$.name: \"My_Cache\": the key must be a name", "my-cache",
         "My_Cache"},
        {"EmptyKey", minimal_and(""), "$.name: \"\": the key must be a name", "", ""},
        {"LongKey", minimal_and(""), "$.name: \"aaaaa", "", std::string(64, 'a')},
    };
}

std::vector<Refusal> top_level() {
    const auto top = [](const char* mode, const char* primaries, const char* service) {
        return R"({"version":1,"mode":)" + std::string(mode) + ",\"primaries\":" + primaries +
               ",\"service\":" + service + "}";
    };
    const auto count = [&](const char* primaries) {
        return top("\"cluster\"", primaries, "\"s\"");
    };
    const auto mode = [&](const char* text) { return top(text, "1", "\"s\""); };
    const auto service = [&](const char* text) { return top("\"cluster\"", "3", text); };
    const std::string range = "must be a whole number from 1 to 500";
    return {
        with("Unknown", R"("primaires":3)", "$.primaires: 3: unknown field", "primaries"),
        with("UnknownFar", R"("zzz":{"a":1})", "$.zzz: {...}: unknown field", ""),
        with("UnknownOdd", R"("a\n\u0000b":[])", "$[\"a\\n\\u0000b\"]: []: unknown field", ""),
        with("Duplicate", R"("primaries":5)", "$.primaries: 5: given twice"),
        with("NameWrong", R"("name":"other")", "$.name: \"other\": must equal the key under which",
             "cache"),
        with("NameInvalid", R"("name":"-x")", "$.name: \"-x\": must be a name of 1 to 63"),
        with("NameNumber", R"("name":7)", "$.name: 7: must be a name of 1 to 63"),
        {"ModeUnknown", mode("\"Sentinal\""), "$.mode: \"Sentinal\": must be one of", "sentinel"},
        {"ModeNull", mode("null"), "$.mode: null: must be one of", ""},
        {"ModeReplication", mode("\"replication\""),
         "$.mode: \"replication\": mode replication is declared in the contract but not served "
         "yet: use cluster",
         ""},
        {"ModeSentinel", mode("\"sentinel\""), "$.mode: \"sentinel\": mode sentinel is declared",
         ""},
        {"PrimariesZero", count("0"), "$.primaries: 0: " + range, ""},
        {"PrimariesNegative", count("-3"), "$.primaries: -3: " + range, ""},
        {"PrimariesMinusZero", count("-0"), "$.primaries: -0: " + range, ""},
        {"PrimariesTooMany", count("501"), "$.primaries: 501: " + range, ""},
        {"PrimariesOverflow", count("18446744073709551619"),
         "$.primaries: 18446744073709551619: " + range, ""},
        {"PrimariesWrap", count("4294967299"), "$.primaries: 4294967299: " + range, ""},
        {"PrimariesGiant", count("1e400"), "$.primaries: 1e400: " + range, ""},
        {"PrimariesFraction", count("3.5"), "$.primaries: 3.5: " + range, ""},
        {"PrimariesPoint", count("3.0"), "$.primaries: 3.0: " + range, ""},
        {"PrimariesText", count("\"3\""), "$.primaries: \"3\": " + range + ", not a text", "3"},
        {"PrimariesBadText", count("\"three\""),
         "$.primaries: \"three\": " + range + ", not a text", ""},
        {"PrimariesTrue", count("true"), "$.primaries: true: " + range + ", not true or false", ""},
        {"PrimariesList", count("[3]"), "$.primaries: [...]: " + range + ", not a list", ""},
        {"PrimariesLong", count(("1" + std::string(99, '0')).c_str()),
         "$.primaries: 1" + std::string(59, '0') + "...: " + range, ""},
        {"FewPrimaries", count("2"), "$.primaries: 2: fewer than 3 primaries have no majority", ""},
        with("NoReplicas", R"("replicasPerPrimary":0)",
             "$.replicasPerPrimary: 0: without replicas"),
        with("ReplicasTooMany", R"("replicasPerPrimary":6)",
             "$.replicasPerPrimary: 6: must be a whole number from 0 to 5"),
        with("ReplicasNull", R"("replicasPerPrimary":null)",
             "$.replicasPerPrimary: null: must be a whole number from 0 to 5, not null"),
        {"ServiceEmpty", service("\"\""), "$.service: \"\": must be the name of a Consul", ""},
        {"ServiceSpace", service("\"a b\""), "$.service: \"a b\": must be the name", ""},
        {"ServiceSlash", service("\"a/../b\""), "$.service: \"a/../b\": must be the name", ""},
        {"ServiceNumber", service("1"), "$.service: 1: must be the name", ""},
        with("AllowText", R"("allow":"noReplicas")",
             "$.allow: \"noReplicas\": must be a list, not a text"),
        with("AllowUnknown", R"("allow":["noreplica"])", "$.allow[0]: \"noreplica\": must be one",
             "noReplicas"),
        with("AllowNumber", R"("allow":[1])", "$.allow[0]: 1: must be one of"),
        with("AllowTwice", R"("allow":["adopt","adopt"])", "$.allow[1]: \"adopt\": given twice"),
        with("PausedDate", R"("pausedUntil":"2026-11-21")",
             "$.pausedUntil: \"2026-11-21\": must be a time as \"2026-11-21T09:00:00Z\""),
        with("PausedNumber", R"("pausedUntil":1)", "$.pausedUntil: 1: must be a time"),
        with("PausedFalse", R"("pausedUntil":false)", "$.pausedUntil: false: must be a time"),
    };
}

std::vector<Refusal> control_characters() {
    return {
        with("ControlInSetting", R"("settings":{"save":"900 1\nrequirepass x"})",
             "$.settings[\"save\"]: \"900 1\\nrequirepass x\": "),
        with("ControlInAuth", R"("auth":{"password":{"file":"/a\u0000b"}})",
             "$.auth.password.file: ***: "),
        with("ControlInJob", R"("nomad":{"job":"j\u007f","group":"g"})",
             "$.nomad.job: \"j\\u007f\": "),
    };
}

std::vector<Refusal> all_refusals() {
    std::vector<Refusal> all;
    for (const auto& rows : {whole_document(), top_level(), part_refusals()}) {
        all.insert(all.end(), rows.begin(), rows.end());
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Cases, Refused, ::testing::ValuesIn(all_refusals()),
                         [](const auto& test) { return test.param.name; });

TEST(RefusedControlCharacters, AreNeverTaken) {
    for (const auto& row : control_characters()) {
        const SpecParse parse = parse_spec(row.text, "cache");
        EXPECT_FALSE(parse.spec) << row.name;
        ASSERT_FALSE(parse.problems.empty()) << row.name;
        EXPECT_TRUE(to_string(parse.problems.front()).starts_with(row.problem))
            << to_string(parse.problems.front());
    }
}

TEST(RefusedBackup, ListsWhatElseIsWrongWithIt) {
    const SpecParse parse = parse_spec(
        minimal_and(
            R"(,"backup":{"schedule":"daily","to":"s3://key:hunter2@bucket/x","keep":0,"x":1})"),
        "cache");

    std::string text;
    for (const auto& problem : parse.problems) {
        text += problem.path + "=" + problem.value + " ";
    }
    EXPECT_EQ(text,
              "$.backup={...} $.backup.schedule=\"daily\" $.backup.to=*** $.backup.keep=0 "
              "$.backup.x=1 ");
}

// Whatever is wrong around it: the word never appears.
TEST(RefusedSecrets, AreNeverShown) {
    for (const auto& row : all_refusals()) {
        for (const auto& problem : parse_spec(row.text, row.key).problems) {
            EXPECT_EQ(to_string(problem).find("hunter2"), std::string::npos) << row.name;
        }
    }
}

TEST(RefusedSecrets, AreNotShownAsNamesEither) {
    const std::string rest = R"("version":1,"mode":"cluster","primaries":3,"service":"s",)"
                             R"("replicasPerPrimary":1,)";
    for (const auto* part :
         {R"("auth":{"hunter2":"a\u0000b"})", R"("auth":{"hunter2":1,"hunter2":2})",
          R"("auth":{"password":{"hunter2":{"hunter2":"a\u0000b"}}})",
          R"("tls":{"hunter2":[{"hunter2":"a\u0000b"}]})", R"("phrase":"hunter2")"}) {
        const SpecParse parse = parse_spec("{" + rest + part + "}", "cache");
        EXPECT_FALSE(parse.problems.empty());
        for (const auto& problem : parse.problems) {
            EXPECT_EQ(to_string(problem).find("hunter2"), std::string::npos) << to_string(problem);
        }
    }
}

}  // namespace
}  // namespace rop::json
