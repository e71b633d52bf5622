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
}

TEST(NomadConfig, VariablesAreTaken) {
    const auto config = config_from_environment({{"NOMAD_ADDR", "http://10.0.0.7:14646"},
                                                 {"NOMAD_TOKEN", "t"},
                                                 {"NOMAD_NAMESPACE", "team"},
                                                 {"NOMAD_REGION", "eu"},
                                                 {"NOMAD_ADDR_redis", "10.0.0.7:21000"},
                                                 {"NOMAD_CACERT", ""}});

    ASSERT_TRUE(config.has_value()) << config.error().what;
    EXPECT_EQ(to_string(config.value().server), "http://10.0.0.7:14646");
    EXPECT_EQ(config.value().token, "t");
    EXPECT_EQ(config.value().nomad_namespace, "team");
    EXPECT_EQ(config.value().region, "eu");
}

class NomadConfigRefuses : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(NomadConfigRefuses, WhatItWouldHaveToIgnore) {
    const auto config = config_from_environment({{GetParam().first, GetParam().second}});

    ASSERT_TRUE(config.has_error());
    EXPECT_EQ(config.error().kind, ErrorKind::rejected);
    EXPECT_THAT(config.error().what, StartsWith(std::string(GetParam().first) + ": "));
    EXPECT_THAT(config.error().what, Not(HasSubstr("hunter2")));
}

const std::pair<const char*, const char*> refused[] = {
    {"NOMAD_CACERT", "/ca.pem"},
    {"NOMAD_CAPATH", "/ca"},
    {"NOMAD_CLIENT_CERT", "/c.pem"},
    {"NOMAD_CLIENT_KEY", "/k.pem"},
    {"NOMAD_TLS_SERVER_NAME", "server.global.nomad"},
    {"NOMAD_ADDR", "https://127.0.0.1:4646"},
    {"NOMAD_ADDR", "unix:///secrets/api.sock"},
    {"NOMAD_ADDR", "http://me:hunter2@nomad:4646"},
    {"NOMAD_HTTP_AUTH", "me:hunter2"},
};
INSTANTIATE_TEST_SUITE_P(Variables, NomadConfigRefuses, ::testing::ValuesIn(refused));

}  // namespace
}  // namespace rop::nomad
