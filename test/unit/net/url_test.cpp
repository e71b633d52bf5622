#include "operator/net/url.hpp"

#include <gtest/gtest.h>

namespace rop::net {
namespace {

using Scheme = ServerUrl::Scheme;

struct Address {
    const char* text;
    ServerUrl server;
    const char* printed;
};

class GoodAddresses : public ::testing::TestWithParam<Address> {};

TEST_P(GoodAddresses, AreReadAndPrinted) {
    const auto server = parse_server_url(GetParam().text);

    ASSERT_TRUE(server.has_value()) << server.error().what;
    EXPECT_EQ(server.value(), GetParam().server);
    EXPECT_EQ(to_string(server.value()), GetParam().printed);
}

const Address good_addresses[] = {
    {"127.0.0.1:8500", {Scheme::http, "127.0.0.1", 8500, {}}, "http://127.0.0.1:8500"},
    {"http://consul.internal:80/",
     {Scheme::http, "consul.internal", 80, {}},
     "http://consul.internal:80"},
    {"http://consul", {Scheme::http, "consul", 80, {}}, "http://consul:80"},
    {"https://consul", {Scheme::https, "consul", 443, {}}, "https://consul:443"},
    {"[::1]:4646", {Scheme::http, "::1", 4646, {}}, "http://[::1]:4646"},
    {"http://[fe80::1%eth0]", {Scheme::http, "fe80::1%eth0", 80, {}}, "http://[fe80::1%eth0]:80"},
    {"unix:///run/consul.sock",
     {Scheme::unix_socket, {}, 0, "/run/consul.sock"},
     "unix:///run/consul.sock"},
};
INSTANTIATE_TEST_SUITE_P(Url, GoodAddresses, ::testing::ValuesIn(good_addresses));

class BadAddresses : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(BadAddresses, AreRefusedWithTheReason) {
    const auto server = parse_server_url(GetParam().first);

    ASSERT_TRUE(server.has_error());
    EXPECT_EQ(server.error().kind, ErrorKind::rejected);
    EXPECT_NE(server.error().what.find(GetParam().second), std::string::npos)
        << server.error().what;
}

const std::pair<const char*, const char*> bad_addresses[] = {
    {"", "want host:port"},
    {"consul", "the port is missing"},
    {"consul:", "want host:port"},
    {"consul:0", "1 to 65535"},
    {"consul:65536", "1 to 65535"},
    {"consul:85x", "1 to 65535"},
    {":8500", "want host:port"},
    {"[::1:8500", "want host:port"},
    {"[::1]8500", "want host:port"},
    {"ftp://consul", "the scheme must be"},
    {"http://consul/prefix", "must not have a path"},
    {"http://consul?a=b", "must not have a path"},
    {"con sul:8500", "want host:port"},
    {"unix://run/consul.sock", "must be absolute"},
};
INSTANTIATE_TEST_SUITE_P(Url, BadAddresses, ::testing::ValuesIn(bad_addresses));

TEST(Url, PasswordInAnAddressIsRefusedAndNotRepeated) {
    const auto server = parse_server_url("http://user:hunter2@consul:8500");

    ASSERT_TRUE(server.has_error());
    EXPECT_EQ(server.error().what.find("hunter2"), std::string::npos);
}

TEST(Url, EncodesEverythingThatIsNotPlain) {
    EXPECT_EQ(percent_encode("a-Z_0.9~"), "a-Z_0.9~");
    EXPECT_EQ(percent_encode("a b/c?d=é%"), "a%20b%2Fc%3Fd%3D%C3%A9%25");
    EXPECT_EQ(percent_encode_path("redis-operator/clusters/a b/spec"),
              "redis-operator/clusters/a%20b/spec");
}

TEST(Target, PutsTheQueryTogether) {
    EXPECT_EQ(Target("/v1/nodes").text(), "/v1/nodes");
    EXPECT_EQ(Target("/v1/kv/a")
                  .with("recurse")
                  .with("index", "7")
                  .with_optional("dc", "")
                  .with_optional("ns", "a&b")
                  .text(),
              "/v1/kv/a?recurse&index=7&ns=a%26b");
}

}  // namespace
}  // namespace rop::net
