#include "operator/net/json_reader.hpp"

#include <gtest/gtest.h>

namespace rop::net {
namespace {

std::unique_ptr<JsonDocument> document(std::string_view text) {
    auto parsed = JsonDocument::parse(text);
    EXPECT_TRUE(parsed.has_value()) << parsed.error().what;
    return std::move(parsed).value();
}

std::string problem(const JsonDocument& document) {
    const auto verdict = document.verdict();
    return verdict.has_error() ? verdict.error().what : "";
}

TEST(JsonReader, ReadsWhatIsThere) {
    const auto json = document(
        R"({"t": "x", "b": true, "u": 18446744073709551615, "i": -3, "ns": 1795252510151650241,
            "list": [1, 2], "map": {"a": "b", "n": null}})");
    const JsonField root = json->root();

    EXPECT_EQ(root["t"].text(), "x");
    EXPECT_TRUE(root["b"].boolean());
    EXPECT_EQ(root["u"].number(), 18446744073709551615U);
    EXPECT_EQ(root["i"].integer(), -3);
    EXPECT_EQ(root["ns"].integer(), 1795252510151650241);
    EXPECT_EQ(root["list"].elements().at(1).number(), 2U);
    EXPECT_EQ(root["map"].texts(), (std::map<std::string, std::string>{{"a", "b"}, {"n", ""}}));
    EXPECT_EQ(problem(*json), "");
}

TEST(JsonReader, AbsentAndNullAreEmpty) {
    const auto json = document(R"({"n": null})");
    const JsonField root = json->root();

    for (const JsonField& field : {root["n"], root["absent"], root["absent"]["below"]}) {
        EXPECT_TRUE(field.is_absent());
        EXPECT_EQ(field.text(), "");
        EXPECT_EQ(field.number(), 0U);
        EXPECT_EQ(field.integer(), 0);
        EXPECT_FALSE(field.boolean());
        EXPECT_TRUE(field.elements().empty());
        EXPECT_TRUE(field.texts().empty());
    }
    EXPECT_EQ(problem(*json), "");
}

TEST(JsonReader, FirstProblemIsNamedByItsPath) {
    const auto json = document(R"([{"a": {"b": [1, {"c": "x"}]}}])");
    const JsonField list = json->root().elements().at(0)["a"]["b"];

    EXPECT_EQ(list.elements().at(1)["c"].number(), 0U);
    EXPECT_EQ(list.text(), "");

    EXPECT_EQ(problem(*json),
              "$[0].a.b[1].c: want a whole number of 0 or more, not a value of type string");
}

TEST(JsonReader, MissingMemberIsNamed) {
    const auto json = document(R"({"a": {"b": null}})");

    EXPECT_EQ(json->root()["a"].at("b").text(), "");

    EXPECT_EQ(problem(*json), "$.a.b: missing");
}

TEST(JsonReader, EveryTypeIsChecked) {
    for (const char* text : {R"({"x": 1})", R"({"x": "1"})", R"({"x": []})", R"({"x": -1})",
                             R"({"x": 1.5})", R"({"x": 18446744073709551615})"}) {
        int problems = 0;
        const auto read = [&](auto reader) {
            const auto json = document(text);
            reader(json->root()["x"]);
            problems += json->verdict().has_error() ? 1 : 0;
        };
        read([](const JsonField& x) { (void)x.text(); });
        read([](const JsonField& x) { (void)x.boolean(); });
        read([](const JsonField& x) { (void)x.number(); });
        read([](const JsonField& x) { (void)x.integer(); });
        read([](const JsonField& x) { (void)x.elements(); });
        read([](const JsonField& x) { (void)x.texts(); });
        EXPECT_GE(problems, 4) << text;
    }
    const auto scalar = document("1");
    EXPECT_TRUE(scalar->root()["a"].is_absent());
    EXPECT_EQ(problem(*scalar), "$: want an object, not a value of type int64");
}

std::string refusal(const std::string& text) {
    const auto parsed = JsonDocument::parse(text);
    return parsed.has_error() ? parsed.error().what : "";
}

/// Boost.JSON's own parse() would keep the last of them.
TEST(JsonReader, NamesThatStandTwiceAreMalformed) {
    const std::string why = "a name stands twice in one object";
    EXPECT_EQ(refusal(R"({"a": 1, "b": 2, "a": 3})"), why);
    EXPECT_EQ(refusal(R"([{"x": {"a": [{"k": 1, "k": {"k": 1}}]}}])"), why);
    EXPECT_EQ(refusal(R"({"a": {"k": 1, "k": 1}, "a": {"k": 1}})"), why);
    EXPECT_EQ(refusal(R"({"a": 1, "\u0061": 2})"), why);
    EXPECT_EQ(refusal(R"([{"a": {"a": 1}}, {"a": [{"a": 1}, {"a": 1}]}])"), "");
}

/// Likewise it would read it as infinity.
TEST(JsonReader, NumbersThatNoComputerHasAreMalformed) {
    EXPECT_EQ(refusal("[1e400]"), "a number out of range");
    EXPECT_EQ(refusal(R"({"a": -1e400})"), "a number out of range");
    EXPECT_EQ(refusal("[1e308, -1e308, 1e-400, 5e-324]"), "");
}

TEST(JsonReader, HostileSizesAreMalformed) {
    std::string zeros = "[0";
    for (int i = 0; i < 1'000'000; ++i) {
        zeros += ",0";
    }
    EXPECT_EQ(refusal(zeros + "]"), "more than 1000000 values");
    EXPECT_EQ(refusal(std::string(1'000'000, '[')), "nested deeper than 128 levels");
    EXPECT_EQ(refusal(std::string(128, '[') + std::string(128, ']')), "");
}

TEST(JsonReader, WhatIsNoJsonIsMalformed) {
    for (const char* text : {"", "{", "[1,]", "{} x", "job not found", "{\"a\": \"\xff\"}"}) {
        const auto parsed = JsonDocument::parse(text);
        ASSERT_TRUE(parsed.has_error()) << text;
        EXPECT_EQ(parsed.error().kind, ErrorKind::malformed);
    }
    EXPECT_TRUE(JsonDocument::parse(std::string(200, '[')).has_error());
}

}  // namespace
}  // namespace rop::net
