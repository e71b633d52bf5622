#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/nomad/nomad_port.hpp"

namespace rop::nomad {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(NomadConfig, WithoutVariablesItIsTheLocalAgent) {
    const auto config = config_from_environment({});

    ASSERT_TRUE(config.has_value());
    EXPECT_EQ(to_string(config.value().server), "http://127.0.0.1:4646");
    EXPECT_EQ(config.value().nomad_namespace, "default");
    EXPECT_EQ(config.value().region, "");
    EXPECT_EQ(config.value().tls, std::nullopt);
}

TEST(NomadConfig, VariablesAreTaken) {
    const auto config = config_from_environment({{"NOMAD_ADDR", "https://10.0.0.7:14646"},
                                                 {"NOMAD_TOKEN", "t"},
                                                 {"NOMAD_HTTP_AUTH", "me"},
                                                 {"NOMAD_NAMESPACE", "team"},
                                                 {"NOMAD_REGION", "eu"},
                                                 {"NOMAD_ADDR_redis", "10.0.0.7:21000"},
                                                 {"NOMAD_CACERT", "/ca.pem"},
                                                 {"NOMAD_CAPATH", "/cas"},
                                                 {"NOMAD_CLIENT_CERT", "/own.pem"},
                                                 {"NOMAD_CLIENT_KEY", "/own.key"},
                                                 {"NOMAD_TLS_SERVER_NAME", "client.eu.nomad"},
                                                 {"NOMAD_SKIP_VERIFY", "TRUE"}});

    ASSERT_TRUE(config.has_value()) << config.error().what;
    EXPECT_EQ(to_string(config.value().server), "https://10.0.0.7:14646");
    EXPECT_EQ(config.value().token, "t");
    EXPECT_EQ(config.value().basic_auth, "me");
    EXPECT_EQ(config.value().nomad_namespace, "team");
    EXPECT_EQ(config.value().region, "eu");
    const ports::TlsSettings tls{.ca_file = "/ca.pem",
                                 .ca_path = "/cas",
                                 .cert_file = "/own.pem",
                                 .key_file = "/own.key",
                                 .server_name = "client.eu.nomad",
                                 .verify = false};
    EXPECT_EQ(config.value().tls, tls);
}

TEST(NomadConfig, OnlyTheAddressDecidesAboutTls) {
    for (const auto* address : {"http://nomad:4646", "unix:///secrets/api.sock", "nomad:4646"}) {
        const auto config =
            config_from_environment({{"NOMAD_ADDR", address}, {"NOMAD_CACERT", "/ca.pem"}});
        ASSERT_TRUE(config.has_value()) << config.error().what;
        EXPECT_EQ(config.value().tls, std::nullopt) << address;
    }
}

class NomadConfigRefuses : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(NomadConfigRefuses, WhatCannotBeMeant) {
    const auto config = config_from_environment({{GetParam().first, GetParam().second}});

    ASSERT_TRUE(config.has_error());
    EXPECT_EQ(config.error().kind, ErrorKind::rejected);
    EXPECT_THAT(config.error().what, StartsWith(std::string(GetParam().first) + ": "));
    EXPECT_THAT(config.error().what, Not(HasSubstr("hunter2")));
}

const std::pair<const char*, const char*> refused[] = {
    {"NOMAD_CLIENT_CERT", "/c.pem"},
    {"NOMAD_CLIENT_KEY", "/k.pem"},
    {"NOMAD_SKIP_VERIFY", "maybe"},
    {"NOMAD_ADDR", "http://me:hunter2@nomad:4646"},
};
INSTANTIATE_TEST_SUITE_P(Variables, NomadConfigRefuses, ::testing::ValuesIn(refused));

TEST(NomadConfig, EveryHonouredVariableChangesSomething) {
    const auto seen = [](const net::Environment& environment) {
        const NomadConfig found = config_from_environment(environment).value();
        const ports::TlsSettings tls = found.tls.value_or(ports::TlsSettings{});
        return to_string(found.server) + "|" + found.token + "|" + found.basic_auth + "|" +
               found.nomad_namespace + "|" + found.region + "|" + tls.ca_file + "|" + tls.ca_path +
               "|" + tls.cert_file + "|" + tls.key_file + "|" + tls.server_name + "|" +
               (tls.verify ? "verified" : "believed");
    };
    const net::Environment base{{"NOMAD_ADDR", "https://nomad:4646"},
                                {"NOMAD_CLIENT_CERT", "/own.pem"},
                                {"NOMAD_CLIENT_KEY", "/own.key"}};
    const std::string before = seen(base);
    for (const auto& variable : variables()) {
        net::Environment changed = base;
        changed[std::string(variable.name)] =
            variable.name == "NOMAD_SKIP_VERIFY" ? "1" : "other:1";
        EXPECT_EQ(seen(changed) != before, variable.is_honoured) << variable.name;
    }
}

}  // namespace
}  // namespace rop::nomad
