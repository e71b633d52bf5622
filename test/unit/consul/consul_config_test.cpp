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
}

TEST(ConsulConfig, VariablesAreTaken) {
    const auto config = config_from_environment({{"CONSUL_HTTP_ADDR", "10.0.0.7:18500"},
                                                 {"CONSUL_HTTP_TOKEN", "t"},
                                                 {"CONSUL_HTTP_TOKEN_FILE", "/run/token"},
                                                 {"CONSUL_NAMESPACE", "team"},
                                                 {"CONSUL_HTTP_SSL", "false"},
                                                 {"CONSUL_CACERT", ""}});

    ASSERT_TRUE(config.has_value()) << config.error().what;
    EXPECT_EQ(to_string(config.value().server), "http://10.0.0.7:18500");
    EXPECT_EQ(config.value().token, "t");
    EXPECT_EQ(config.value().token_file, "/run/token");
    EXPECT_EQ(config.value().consul_namespace, "team");
}

class ConsulConfigRefuses : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(ConsulConfigRefuses, WhatItWouldHaveToIgnore) {
    const auto config = config_from_environment({{GetParam().first, GetParam().second}});

    ASSERT_TRUE(config.has_error());
    EXPECT_EQ(config.error().kind, ErrorKind::rejected);
    EXPECT_THAT(config.error().what, StartsWith(std::string(GetParam().first) + ": "));
    EXPECT_THAT(config.error().what, Not(HasSubstr("hunter2")));
}

const std::pair<const char*, const char*> refused[] = {
    {"CONSUL_HTTP_SSL", "true"},
    {"CONSUL_HTTP_SSL", "1"},
    {"CONSUL_CACERT", "/ca.pem"},
    {"CONSUL_CAPATH", "/ca"},
    {"CONSUL_CLIENT_CERT", "/c.pem"},
    {"CONSUL_CLIENT_KEY", "/k.pem"},
    {"CONSUL_TLS_SERVER_NAME", "consul"},
    {"CONSUL_HTTP_ADDR", "https://127.0.0.1:8501"},
    {"CONSUL_HTTP_ADDR", "unix:///run/consul.sock"},
    {"CONSUL_HTTP_ADDR", "consul"},
    {"CONSUL_HTTP_ADDR", "http://me:hunter2@consul:8500"},
    {"CONSUL_HTTP_AUTH", "me:hunter2"},
    {"CONSUL_PARTITION", "p"},
};
INSTANTIATE_TEST_SUITE_P(Variables, ConsulConfigRefuses, ::testing::ValuesIn(refused));

TEST(ConsulConfig, TlsIsRefusedInWords) {
    EXPECT_EQ(config_from_environment({{"CONSUL_CACERT", "/ca.pem"}}).error().what,
              "CONSUL_CACERT: TLS to Consul is not served yet");
}

}  // namespace
}  // namespace rop::consul
