#include "operator/commands/command_line.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/commands/program.hpp"
#include "operator/config/config.hpp"

namespace rop::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Invocation understood(const std::vector<std::string>& words) {
    auto read = read_command_line(words);
    if (const auto* said = std::get_if<Outcome>(&read)) {
        ADD_FAILURE() << said->err << said->out;
        return Invocation{};
    }
    return std::get<Invocation>(read);
}

Outcome said(const std::vector<std::string>& words) {
    auto read = read_command_line(words);
    if (const auto* outcome = std::get_if<Outcome>(&read)) {
        return *outcome;
    }
    return failure("understood", "nothing");
}

std::string document(const std::string& name) {
    std::ifstream file(ROP_SOURCE_DIR "/docs/reference/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(CommandLine, ReadsSettingsAsFlags) {
    const Invocation read = understood({"run", "--listen", "127.0.0.1:0", "--kv-prefix=a/",
                                        "--log-format", "json", "--config", "operator.json"});
    EXPECT_EQ(read.command, "run");
    EXPECT_EQ(read.config_file, "operator.json");
    EXPECT_EQ(read.flags,
              (decltype(read.flags){
                  {"--listen", "127.0.0.1:0"}, {"--kv-prefix", "a/"}, {"--log-format", "json"}}));
}

TEST(CommandLine, ReadsEveryCommand) {
    const Invocation apply = understood({"apply", "-", "--name", "cache", "--dry-run", "-o", "json",
                                         "--nomad-address", "http://127.0.0.1:4646"});
    EXPECT_EQ(apply.file, "-");
    EXPECT_EQ(apply.name, "cache");
    EXPECT_TRUE(apply.dry_run);
    EXPECT_EQ(apply.format, Format::json);

    EXPECT_EQ(understood({"validate", "a.json"}).file, "a.json");
    EXPECT_TRUE(understood({"delete", "cache", "--forget-record"}).forget_record);
    EXPECT_TRUE(understood({"get", "cache", "--check"}).check);
    EXPECT_EQ(understood({"get"}).name, "");
    EXPECT_EQ(understood({"describe", "cache"}).name, "cache");
    EXPECT_EQ(understood({"events", "cache"}).command, "events");
    EXPECT_EQ(understood({"plan", "cache"}).command, "plan");
    const Invocation wait = understood({"wait", "cache", "--for", "formed", "--timeout", "5m"});
    EXPECT_EQ(wait.wait_for, WaitRequest::For::formed);
    EXPECT_EQ(wait.timeout, std::chrono::minutes(5));
    EXPECT_EQ(understood({"wait", "cache"}).timeout, std::chrono::seconds(60));
}

TEST(CommandLine, RefusesWhatItDoesNotKnowWithTheNextStep) {
    for (const auto& words :
         std::vector<std::vector<std::string>>{{},
                                               {"aply", "x.json"},
                                               {"apply"},
                                               {"apply", "a", "b"},
                                               {"get", "--lsten", "x"},
                                               {"get", "-o", "xml"},
                                               {"get", "No_Name"},
                                               {"wait", "cache", "--for", "lunch"},
                                               {"wait", "cache", "--timeout", "60"},
                                               {"describe", "cache", "--listen", "127.0.0.1:1"}}) {
        const Outcome outcome = said(words);
        EXPECT_EQ(outcome.code, ExitCode::bad_usage) << outcome.err;
        EXPECT_EQ(outcome.out, "");
        EXPECT_THAT(outcome.err, AllOf(StartsWith("error: "), HasSubstr("--help\n")));
    }
    EXPECT_THAT(said({"aply"}).err, HasSubstr("there is no command aply; did you mean apply?"));
    EXPECT_THAT(said({"get", "--help"}).out, HasSubstr("Usage: redis-operator get [OPTIONS]"));
    EXPECT_THAT(said({"get", "-o", "xml"}).err, HasSubstr("next: redis-operator get --help"));
    EXPECT_THAT(said({"get", "No_Name"}).err, HasSubstr("No_Name"));
}

TEST(CommandLine, EveryCommandHasHelpWithExamples) {
    EXPECT_THAT(said({"--help"}).out,
                AllOf(HasSubstr("redis-operator apply cache.json"), HasSubstr("Exit codes")));
    for (const auto& [command, flags] : known_commands()) {
        const Outcome outcome = said({command, "--help"});
        EXPECT_EQ(outcome.code, ExitCode::done);
        EXPECT_THAT(outcome.out,
                    AllOf(HasSubstr("Examples:"), HasSubstr("  redis-operator " + command)));
        for (const auto& flag : flags) {
            EXPECT_THAT(outcome.out, HasSubstr(flag)) << command;
        }
    }
}

TEST(CommandLine, VersionIsACommandAndAFlag) {
    EXPECT_EQ(said({"--version"}).out, "redis-operator " ROP_VERSION "\n");
    EXPECT_EQ(run_program({"version"}, Surroundings{}).out, "redis-operator " ROP_VERSION "\n");
    EXPECT_EQ(run_program({"version", "-o", "json"}, Surroundings{}).out,
              "{\"name\":\"redis-operator\",\"version\":\"" ROP_VERSION "\"}\n");
}

/// Rows of the tables of one document, one set of flags per "## command".
std::map<std::string, std::set<std::string>> documented_flags() {
    std::map<std::string, std::set<std::string>> found;
    std::istringstream lines(document("cli.md"));
    std::string line;
    std::string section;
    while (std::getline(lines, line)) {
        std::smatch match;
        if (std::regex_match(line, match, std::regex("## (\\w+)"))) {
            section = match[1];
            found[section];
        } else if (std::regex_search(line, match, std::regex("^\\| `(--[\\w-]+)` \\|"))) {
            found[section].insert(match[1]);
        }
    }
    return found;
}

TEST(Documents, ListEveryCommandAndItsFlags) {
    std::map<std::string, std::set<std::string>> real;
    for (const auto& [command, flags] : known_commands()) {
        auto& own = real[command];
        own.insert(flags.begin(), flags.end());
        own.erase("--config");
        for (const auto& setting : config::settings()) {
            own.erase(std::string(setting.flag));
        }
    }
    EXPECT_EQ(real, documented_flags());
}

TEST(Documents, ListEverySetting) {
    std::set<std::string> rows;
    std::istringstream lines(document("configuration.md"));
    std::string line;
    while (std::getline(lines, line)) {
        // Settings begin with a small letter; the tables of others' variables do not.
        if (line.starts_with("| `") && line[3] >= 'a' && line[3] <= 'z') {
            rows.insert(line);
        }
    }
    std::set<std::string> real;
    for (const auto& setting : config::settings()) {
        const std::string value = setting.show(config::Config{});
        std::ostringstream row;
        row << "| `" << setting.key << "` | `" << setting.flag << "` | `" << setting.variable
            << "` | " << (value.empty() ? "" : "`" + value + "` ") << "| " << setting.what << " |";
        real.insert(row.str());
    }
    EXPECT_EQ(real, rows);
}

/// The variables in the tables of one section, and whether they are said to be honoured.
std::map<std::string, bool> documented_variables(const std::string& wanted) {
    std::map<std::string, bool> found;
    std::istringstream lines(document("configuration.md"));
    std::string line;
    std::string section;
    while (std::getline(lines, line)) {
        std::smatch match;
        if (line.starts_with("## ")) {
            section = line.substr(3);
        } else if (section == wanted &&
                   std::regex_search(line, match, std::regex("^\\| `([A-Z_]+)` \\| (\\w+)"))) {
            found[match[1]] = match[2] == "yes";
        }
    }
    return found;
}

TEST(Documents, ListEveryVariableOfConsulAndNomad) {
    const auto real = [](const std::vector<net::ApiVariable>& variables) {
        std::map<std::string, bool> known;
        for (const auto& variable : variables) {
            known[std::string(variable.name)] = variable.is_honoured;
        }
        return known;
    };
    EXPECT_EQ(real(consul::variables()), documented_variables("Consul"));
    EXPECT_EQ(real(nomad::variables()), documented_variables("Nomad"));
}

TEST(Program, RefusesBadSettingsBeforeItAsksAnybody) {
    Surroundings surroundings;
    surroundings.environment["REDIS_OPERATOR_RESYNC"] = "soon";
    surroundings.environment["REDIS_OPERATOR_KV_PREFIX"] = "/x";
    const Outcome outcome = run_program({"get"}, surroundings);
    EXPECT_EQ(outcome.code, ExitCode::bad_usage);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("REDIS_OPERATOR_RESYNC: \"soon\""),
                                   HasSubstr("REDIS_OPERATOR_KV_PREFIX: \"/x\"")));
}

TEST(Program, NamesFilesThatCannotBeRead) {
    EXPECT_THAT(run_program({"validate", "/does/not/exist.json"}, Surroundings{}).err,
                HasSubstr("/does/not/exist.json cannot be opened"));
    EXPECT_THAT(run_program({"get", "--config", "/does/not/exist.json"}, Surroundings{}).err,
                HasSubstr("/does/not/exist.json cannot be opened"));
}

TEST(Program, ReadsNoMoreThanASpecMayHave) {
    const Outcome endless = run_program({"validate", "/dev/zero"}, Surroundings{});
    EXPECT_EQ(endless.code, ExitCode::bad_usage);
    EXPECT_THAT(endless.err, HasSubstr("/dev/zero is larger than 390000 bytes"));
    const Outcome directory = run_program({"validate", "/"}, Surroundings{});
    EXPECT_EQ(directory.code, ExitCode::bad_usage);
    EXPECT_THAT(directory.err, HasSubstr("/ is a directory"));
    EXPECT_THAT(run_program({"get", "--config", "/dev/zero"}, Surroundings{}).err,
                HasSubstr("/dev/zero is larger"));
}

TEST(Program, SaysWhereItLookedForConsul) {
    Surroundings surroundings;
    surroundings.environment["CONSUL_HTTP_ADDR"] = "127.0.0.1:1";
    const Outcome outcome = run_program({"get"}, surroundings);
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("Consul at http://127.0.0.1:1 does not answer"),
                                   HasSubstr("CONSUL_HTTP_ADDR")));
    EXPECT_EQ(run_program({"get", "--consul-address", "nonsense"}, surroundings).code,
              ExitCode::bad_usage);
}

TEST(Program, FindsConsulAndNomadAsTheirOwnProgramsDo) {
    config::Config config;
    config.consul_address = "10.0.0.1:8501";
    config.consul_token_file = "/run/consul.token";
    const auto consul_at = consul_config(config, {{"CONSUL_HTTP_TOKEN", "t"}});
    ASSERT_TRUE(consul_at.has_value());
    EXPECT_EQ(net::to_string(consul_at.value().server), "http://10.0.0.1:8501");
    EXPECT_EQ(consul_at.value().token, "t");
    EXPECT_EQ(consul_at.value().token_file, "/run/consul.token");

    EXPECT_EQ(nomad_config(config, {{"NOMAD_TOKEN", "t"}}).value(), std::nullopt);
    config.nomad_address = "http://127.0.0.1:4646";
    config.nomad_token_file = "/run/nomad.token";
    const auto nomad_at = nomad_config(config, {{"NOMAD_TOKEN", "t"}});
    ASSERT_TRUE(nomad_at.has_value());
    EXPECT_EQ(nomad_at.value()->token, "t");
    EXPECT_EQ(nomad_at.value()->token_file, "/run/nomad.token");

    config.consul_address = "https://10.0.0.1:8501";
    config.consul_ca_file = "/ca.pem";
    config.consul_ca_path = "/cas";
    config.consul_cert_file = "/own.pem";
    config.consul_key_file = "/own.key";
    config.consul_tls_server_name = "consul";
    const ports::TlsSettings wanted{.ca_file = "/ca.pem",
                                    .ca_path = "/cas",
                                    .cert_file = "/own.pem",
                                    .key_file = "/own.key",
                                    .server_name = "consul"};
    EXPECT_EQ(consul_config(config, {}).value().tls, wanted);
    config.nomad_address = "https://10.0.0.1:4646";
    config.nomad_ca_file = "/ca.pem";
    config.nomad_ca_path = "/cas";
    config.nomad_cert_file = "/own.pem";
    config.nomad_key_file = "/own.key";
    config.nomad_tls_server_name = "consul";
    EXPECT_EQ(nomad_config(config, {}).value()->tls, wanted);
}

}  // namespace
}  // namespace rop::commands
