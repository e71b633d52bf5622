#include "operator/config/config.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rop::config {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

Sources file(std::string text) {
    Sources sources;
    sources.file_name = "operator.json";
    sources.file_text = std::move(text);
    return sources;
}

std::string refused(const Sources& sources) {
    const auto loaded = load(sources);
    if (loaded.has_value()) {
        return "accepted";
    }
    EXPECT_EQ(loaded.error().kind, ErrorKind::rejected);
    return loaded.error().what;
}

TEST(Config, HasDefaultsForEverything) {
    const auto loaded = load(Sources{});
    ASSERT_TRUE(loaded.has_value());
    for (const auto& setting : settings()) {
        EXPECT_EQ(setting.show(loaded.value()), setting.show(Config{})) << setting.key;
    }
    EXPECT_EQ(to_string(loaded.value().listen), "127.0.0.1:9480");
    EXPECT_EQ(loaded.value().nomad_address, "");
}

/// The value that each source gives to the setting, different from the default and each other.
struct Three {
    std::string file;
    std::string environment;
    std::string flag;
};

Three values_for(const Setting& setting) {
    const std::string value(setting.value);
    if (value == "DURATION") {
        // In the range of every setting, and keeps the leadership's relation when alone.
        if (setting.key == "leadership.beat") {
            return {"100ms", "200ms", "300ms"};
        }
        if (setting.key == "leadership.lease") {
            return {"1200ms", "1300ms", "1400ms"};
        }
        return {"11s", "12s", "13s"};
    }
    if (value == "HOST:PORT") {
        return {"127.0.0.1:1", "127.0.0.1:2", "[::1]:3"};
    }
    if (value == "LEVEL") {
        return {"debug", "warn", "error"};
    }
    if (value == "FORMAT") {
        return {"json", "logfmt", "json"};
    }
    if (value == "PATH") {
        return {"a/", "b/", "c/"};
    }
    return {"one", "two", "three"};
}

std::string as_document(std::string_view key, const std::string& value) {
    const std::size_t dot = key.find('.');
    if (dot == std::string_view::npos) {
        return "{\"" + std::string(key) + "\": \"" + value + "\"}";
    }
    return "{\"" + std::string(key.substr(0, dot)) +
           "\": " + as_document(key.substr(dot + 1), value) + "}";
}

TEST(Config, PrefersFlagsToEnvironmentToFile) {
    for (const auto& setting : settings()) {
        SCOPED_TRACE(setting.key);
        const Three values = values_for(setting);
        Sources sources = file(as_document(setting.key, values.file));
        ASSERT_EQ(refused(sources), "accepted");
        EXPECT_EQ(setting.show(load(sources).value()), values.file);

        sources.environment[std::string(setting.variable)] = values.environment;
        EXPECT_EQ(setting.show(load(sources).value()), values.environment);

        sources.flags[std::string(setting.flag)] = values.flag;
        EXPECT_EQ(setting.show(load(sources).value()), values.flag);
    }
}

TEST(Config, TakesAnEmptyVariableAsUnsetAndAnEmptyFlagAsAnAnswer) {
    Sources sources = file(R"({"nomad": {"address": "http://127.0.0.1:4646"}})");
    sources.environment["NOMAD_ADDR"] = "";
    EXPECT_EQ(load(sources).value().nomad_address, "http://127.0.0.1:4646");
    sources.flags["--nomad-address"] = "";
    EXPECT_EQ(load(sources).value().nomad_address, "");
}

TEST(Config, RefusesUnknownKeysWithASuggestion) {
    EXPECT_EQ(refused(file(R"({"lisen": "127.0.0.1:1"})")),
              "lisen in operator.json: unknown setting; did you mean listen?");
    EXPECT_EQ(refused(file(R"({"leadership": {"beats": "1s"}})")),
              "leadership.beats in operator.json: unknown setting; did you mean beat?");
    EXPECT_EQ(refused(file(R"({"zzz": 1})")), "zzz in operator.json: unknown setting");
}

TEST(Config, NeverShowsTheValueOfAnUnknownKey) {
    EXPECT_THAT(refused(file(R"({"consul": {"token": "hunter2"}})")),
                AllOf(HasSubstr("consul.token in operator.json: unknown setting"),
                      Not(HasSubstr("hunter2"))));
}

TEST(Config, ListsEverythingThatIsWrong) {
    Sources sources = file(R"({"resync": "10", "log": "debug", "listen": 9480, "kvPrefix": "a/",
                               "kvPrefix": "b/"})");
    sources.environment["REDIS_OPERATOR_LEADER_BEAT"] = "1ms";
    sources.flags["--log-level"] = "loud";
    EXPECT_EQ(refused(sources),
              "log in operator.json: must be an object\n"
              "listen in operator.json: must be a text in quotes\n"
              "kvPrefix in operator.json: given twice\n"
              "--log-level: \"loud\": must be one of debug info warn error\n"
              "resync in operator.json: \"10\": must be a duration from 500ms to 10m, such as "
              "500ms or 10s\n"
              "REDIS_OPERATOR_LEADER_BEAT: \"1ms\": must be a duration from 50ms to 1m, such as "
              "500ms or 10s");
}

TEST(Config, RefusesAFileThatIsNoJsonObject) {
    EXPECT_THAT(refused(file("{\"listen\": ")), HasSubstr("operator.json: line 1"));
    EXPECT_EQ(refused(file("[]")), "operator.json: must be a JSON object");
}

TEST(Config, KeepsTheRelationOfTheLeadershipsTimes) {
    Sources sources;
    sources.flags["--leader-lease"] = "900ms";
    EXPECT_THAT(refused(sources), AllOf(HasSubstr("leadership: "), HasSubstr("900ms")));
    sources.flags["--leader-beat"] = "400ms";
    EXPECT_EQ(refused(sources), "accepted");
}

TEST(Config, KeepsTheListenersFilesTogether) {
    Config config;
    EXPECT_EQ(problem_of_listener(config), std::nullopt);
    config.http_client_ca_file = "/ca.pem";
    EXPECT_THAT(problem_of_listener(config).value_or(""), HasSubstr("needs certFile and keyFile"));
    config.http_cert_file = "/own.pem";
    EXPECT_THAT(problem_of_listener(config).value_or(""), HasSubstr("must both be set"));
    config.http_key_file = "/own.key";
    EXPECT_EQ(problem_of_listener(config), std::nullopt);
}

TEST(Config, EndsThePrefixWithASlash) {
    Sources sources;
    sources.flags["--kv-prefix"] = "team/redis";
    EXPECT_EQ(load(sources).value().kv_prefix, "team/redis/");
    for (const auto* wrong : {"/", "", "/redis/", "a//b"}) {
        sources.flags["--kv-prefix"] = wrong;
        EXPECT_THAT(refused(sources), HasSubstr("must be a path")) << wrong;
    }
}

TEST(Config, RefusesAServiceNameThatIsNoDnsName) {
    Sources sources;
    for (const auto* wrong : {"", "a b", "redis_operator", "x/y"}) {
        sources.flags["--service-name"] = wrong;
        EXPECT_THAT(refused(sources), HasSubstr("DNS name")) << wrong;
    }
}

TEST(ParseListen, TakesAddressesWithPorts) {
    EXPECT_EQ(parse_listen("127.0.0.1:9480"), (Endpoint{"127.0.0.1", 9480}));
    EXPECT_EQ(parse_listen("[::1]:0"), (Endpoint{"::1", 0}));
    EXPECT_EQ(parse_listen(":9480"), (Endpoint{"0.0.0.0", 9480}));
    for (const auto* wrong :
         {"", "9480", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
          "::1:80", "[::1]", "localhost:80", "[127.0.0.1]:80", "999.0.0.1:80"}) {
        EXPECT_EQ(parse_listen(wrong), std::nullopt) << wrong;
    }
}

}  // namespace
}  // namespace rop::config
