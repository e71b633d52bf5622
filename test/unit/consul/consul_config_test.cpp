#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/consul/consul_port.hpp"

namespace rop::consul {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(ConsulConfig, WithoutVariablesItIsTheLocalAgent) {
    const auto config = config_from_environment({});

    ASSERT_TRUE(config.has_value());
    EXPECT_EQ(to_string(config.value().server), "http://127.0.0.1:8500");
    EXPECT_EQ(config.value().token, "");
    EXPECT_EQ(config.value().tls, std::nullopt);
}

TEST(ConsulConfig, VariablesAreTaken) {
    const auto config = config_from_environment({{"CONSUL_HTTP_ADDR", "10.0.0.7:18500"},
                                                 {"CONSUL_HTTP_TOKEN", "t"},
                                                 {"CONSUL_HTTP_TOKEN_FILE", "/run/token"},
                                                 {"CONSUL_HTTP_AUTH", "me:secret"},
                                                 {"CONSUL_NAMESPACE", "team"},
                                                 {"CONSUL_PARTITION", "part"},
                                                 {"CONSUL_HTTP_SSL", "true"},
                                                 {"CONSUL_HTTP_SSL_VERIFY", "0"},
                                                 {"CONSUL_CACERT", "/ca.pem"},
                                                 {"CONSUL_CAPATH", "/cas"},
                                                 {"CONSUL_CLIENT_CERT", "/own.pem"},
                                                 {"CONSUL_CLIENT_KEY", "/own.key"},
                                                 {"CONSUL_TLS_SERVER_NAME", "server.dc1.consul"}});

    ASSERT_TRUE(config.has_value()) << config.error().what;
    EXPECT_EQ(to_string(config.value().server), "https://10.0.0.7:18500");
    EXPECT_EQ(config.value().token, "t");
    EXPECT_EQ(config.value().token_file, "/run/token");
    EXPECT_EQ(config.value().basic_auth, "me:secret");
    EXPECT_EQ(config.value().consul_namespace, "team");
    EXPECT_EQ(config.value().partition, "part");
    const ports::TlsSettings tls{.ca_file = "/ca.pem",
                                 .ca_path = "/cas",
                                 .cert_file = "/own.pem",
                                 .key_file = "/own.key",
                                 .server_name = "server.dc1.consul",
                                 .verify = false};
    EXPECT_EQ(config.value().tls, tls);
}

/// What the scheme of the address and CONSUL_HTTP_SSL make together.
struct Scheme {
    const char* address;
    const char* ssl;
    const char* server;
    bool is_secure;
};

class ConsulConfigScheme : public ::testing::TestWithParam<Scheme> {};

TEST_P(ConsulConfigScheme, IsFoundAsConsulsProgramFindsIt) {
    const auto config = config_from_environment(
        {{"CONSUL_HTTP_ADDR", GetParam().address}, {"CONSUL_HTTP_SSL", GetParam().ssl}});

    ASSERT_TRUE(config.has_value()) << config.error().what;
    EXPECT_EQ(to_string(config.value().server), GetParam().server);
    EXPECT_EQ(config.value().tls.has_value(), GetParam().is_secure);
}

const Scheme schemes[] = {
    {"", "", "http://127.0.0.1:8500", false},
    {"", "true", "https://127.0.0.1:8500", true},
    {"consul:8501", "1", "https://consul:8501", true},
    {"consul:8501", "f", "http://consul:8501", false},
    {"http://consul:8501", "true", "https://consul:8501", true},
    {"http://consul", "true", "https://consul:443", true},
    {"https://consul:8501", "false", "https://consul:8501", true},
    {"https://consul:8501", "", "https://consul:8501", true},
    {"unix:///run/consul.sock", "", "unix:///run/consul.sock", false},
    {"unix:///run/consul.sock", "true", "unix:///run/consul.sock", true},
};
INSTANTIATE_TEST_SUITE_P(Schemes, ConsulConfigScheme, ::testing::ValuesIn(schemes));

TEST(ConsulConfig, APortIsNoPartOfTheServersName) {
    for (const auto& [given, name] : std::map<std::string, std::string>{
             {"consul:8501", "consul"}, {"[::1]:8501", "::1"}, {"[::1]", "::1"}, {"::1", "::1"}}) {
        const auto config = config_from_environment(
            {{"CONSUL_HTTP_SSL", "true"}, {"CONSUL_TLS_SERVER_NAME", given}});
        EXPECT_EQ(config.value().tls->server_name, name);
    }
}

class ConsulConfigRefuses : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ConsulConfigRefuses, WhatCannotBeMeant) {
    const auto config = config_from_environment({{GetParam().first, GetParam().second}});

    ASSERT_TRUE(config.has_error());
    EXPECT_EQ(config.error().kind, ErrorKind::rejected);
    EXPECT_THAT(config.error().what, StartsWith(std::string(GetParam().first) + ": "));
    EXPECT_THAT(config.error().what, Not(HasSubstr("hunter2")));
}

const std::pair<const char*, const char*> refused[] = {
    {"CONSUL_HTTP_SSL", "yes"},
    {"CONSUL_HTTP_SSL_VERIFY", "no"},
    {"CONSUL_CLIENT_CERT", "/c.pem"},
    {"CONSUL_CLIENT_KEY", "/k.pem"},
    {"CONSUL_HTTP_ADDR", "consul"},
    {"CONSUL_HTTP_ADDR", "ftp://consul:8500"},
    {"CONSUL_HTTP_ADDR", "http://me:hunter2@consul:8500"},
};
INSTANTIATE_TEST_SUITE_P(Variables, ConsulConfigRefuses, ::testing::ValuesIn(refused));

TEST(ConsulConfig, EveryHonouredVariableChangesSomething) {
    const auto seen = [](const net::Environment& environment) {
        const ConsulConfig found = config_from_environment(environment).value();
        const ports::TlsSettings tls = found.tls.value_or(ports::TlsSettings{});
        return to_string(found.server) + "|" + found.token + "|" + found.token_file + "|" +
               found.basic_auth + "|" + found.consul_namespace + "|" + found.partition + "|" +
               tls.ca_file + "|" + tls.ca_path + "|" + tls.cert_file + "|" + tls.key_file + "|" +
               tls.server_name + "|" + (tls.verify ? "verified" : "believed");
    };
    // A certificate and its key only go together.
    const net::Environment base{{"CONSUL_HTTP_ADDR", "https://consul:8501"},
                                {"CONSUL_CLIENT_CERT", "/own.pem"},
                                {"CONSUL_CLIENT_KEY", "/own.key"}};
    for (const auto& variable : variables()) {
        net::Environment changed = variable.name == "CONSUL_HTTP_SSL" ? net::Environment{} : base;
        const std::string before = seen(changed);
        const bool is_flag = variable.name.find("_SSL") != std::string_view::npos;
        const std::string value =
            is_flag ? (variable.name == "CONSUL_HTTP_SSL" ? "1" : "0") : "other:1";
        changed[std::string(variable.name)] = value;
        EXPECT_EQ(seen(changed) != before, variable.is_honoured) << variable.name;
    }
}

}  // namespace
}  // namespace rop::consul
