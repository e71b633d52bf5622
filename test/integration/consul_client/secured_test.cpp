// Consul over TLS and unix sockets, found by the variables of Consul's own programs: and each time
// beside the `consul` program itself, which must get in, or not, just as we do.

#include <cstdlib>
#include <memory>
#include <string>

#include <gmock/gmock.h>

#include "test/integration/consul_client/consul_client_fixture.hpp"
#include "test/support/certificates.hpp"

namespace rop::testing {
namespace {

using net::Environment;
using ::testing::HasSubstr;

/// Plain and TLS ports, a socket, and no client without a certificate where TLS is spoken.
struct SecuredConsul {
    static LocalConsul::Options options(const std::string& socket, std::uint16_t port,
                                        const TestAuthority& authority) {
        const PemPair own = authority.issue("server");
        LocalConsul::Options options = quick_consul();
        options.config = R"({"performance": {"raft_multiplier": 1}, "disable_update_check": true,
            "addresses": {"http": "127.0.0.1 unix://)" +
                         socket + R"("}, "ports": {"https": )" + std::to_string(port) +
                         R"(}, "verify_incoming": true, "ca_file": ")" + authority.ca_file() +
                         R"(", "cert_file": ")" + own.cert + R"(", "key_file": ")" + own.key +
                         R"("})";
        return options;
    }

    ScratchFolder folder;
    TestAuthority authority{folder.path(), "right"};
    TestAuthority other{folder.path(), "wrong"};
    std::string socket = folder.path() + "/consul.sock";
    std::uint16_t https = free_port();
    PemPair own = authority.issue("client");
    PemPair foreign = other.issue("foreign");
    LocalConsul server{options(socket, https, authority)};
};

/// One Consul for all tests: none of them changes it for another.
class ConsulSecured : public ::testing::Test {
  protected:
    static void SetUpTestSuite() { consul = std::make_unique<SecuredConsul>(); }
    static void TearDownTestSuite() { consul.reset(); }

    static std::string at(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }
    static Environment with_certificates(Environment more) {
        more.try_emplace("CONSUL_CACERT", consul->authority.ca_file());
        more.try_emplace("CONSUL_CLIENT_CERT", consul->own.cert);
        more.try_emplace("CONSUL_CLIENT_KEY", consul->own.key);
        return more;
    }
    /// Empty: it got in.
    static std::string our_refusal(const Environment& environment) {
        const auto config = consul::config_from_environment(environment);
        if (config.has_error()) {
            return config.error().what;
        }
        ConsulClient client(consul->server);
        client.consul = consul::make_consul_port(*client.time, *client.random, config.value());
        const auto node = client.run(client.consul->agent_node());
        return node.has_error() ? node.error().what : "";
    }
    static std::string their_refusal(const Environment& environment) {
        std::vector<std::string> words{"/usr/bin/env", "-i"};
        for (const auto& [name, value] : environment) {
            words.push_back(name + "=" + value);
        }
        for (const char* word : {"kv", "get", "-keys", "none"}) {
            if (word == std::string("kv")) {
                words.push_back(server_program("consul"));
            }
            words.emplace_back(word);
        }
        const ScratchFolder output;
        ChildProcess program(words, output.path() + "/output");
        EXPECT_TRUE(eventually([&] { return !program.running(); }));
        return program.output();
    }
    /// Ours, after both were found to agree.
    static std::string refusal(const Environment& environment) {
        const std::string ours = our_refusal(environment);
        const std::string theirs = their_refusal(environment);
        EXPECT_EQ(ours.empty(), theirs.find("Error") == std::string::npos)
            << "ours: " << ours << "\ntheirs: " << theirs;
        return ours;
    }

    static std::unique_ptr<SecuredConsul> consul;
};

std::unique_ptr<SecuredConsul> ConsulSecured::consul;

TEST_F(ConsulSecured, LetsInWhoHasACertificate) {
    EXPECT_EQ(refusal(with_certificates({{"CONSUL_HTTP_ADDR", "https://" + at(consul->https)}})),
              "");
    EXPECT_EQ(refusal(with_certificates(
                  {{"CONSUL_HTTP_ADDR", at(consul->https)}, {"CONSUL_HTTP_SSL", "true"}})),
              "");
    EXPECT_EQ(refusal(with_certificates(
                  {{"CONSUL_HTTP_ADDR", "http://" + at(consul->https)}, {"CONSUL_HTTP_SSL", "1"}})),
              "");
}

TEST_F(ConsulSecured, LetsInNobodyElse) {
    Environment bare{{"CONSUL_HTTP_ADDR", "https://" + at(consul->https)},
                     {"CONSUL_CACERT", consul->authority.ca_file()}};
    EXPECT_THAT(refusal(bare), HasSubstr("the peer wants a certificate of its client"));
    bare["CONSUL_CLIENT_CERT"] = consul->foreign.cert;
    bare["CONSUL_CLIENT_KEY"] = consul->foreign.key;
    EXPECT_THAT(refusal(bare), HasSubstr(consul->foreign.cert));
    bare["CONSUL_CLIENT_KEY"] = consul->own.key;
    EXPECT_THAT(refusal(bare), HasSubstr("does not belong to the certificate"));
}

TEST_F(ConsulSecured, IsBelievedByItsAuthorityAndItsName) {
    const auto environment = [](const char* name, const std::string& value) {
        return with_certificates(
            {{"CONSUL_HTTP_ADDR", "https://" + at(consul->https)}, {name, value}});
    };
    EXPECT_THAT(refusal(environment("CONSUL_CACERT", consul->other.ca_file())),
                HasSubstr("certificate signed by unknown authority"));
    EXPECT_THAT(refusal(environment("CONSUL_CACERT", "")),
                HasSubstr("is not among this system's authorities"));
    EXPECT_THAT(refusal(environment("CONSUL_CACERT", "/nonexistent")),
                HasSubstr("the CA file /nonexistent cannot be read"));
    EXPECT_THAT(refusal(environment("CONSUL_TLS_SERVER_NAME", "server.dc1.consul")),
                HasSubstr("the certificate is not for server.dc1.consul: it names localhost"));
    EXPECT_EQ(refusal(environment("CONSUL_TLS_SERVER_NAME", "localhost")), "");
    EXPECT_EQ(refusal(environment("CONSUL_TLS_SERVER_NAME", "localhost:8501")), "");

    Environment believing = environment("CONSUL_TLS_SERVER_NAME", "server.dc1.consul");
    believing["CONSUL_CACERT"] = consul->other.ca_file();
    believing["CONSUL_HTTP_SSL_VERIFY"] = "false";
    EXPECT_EQ(refusal(believing), "");
}

TEST_F(ConsulSecured, SaysThatAPortSpeaksTlsOrDoesNot) {
    EXPECT_THAT(refusal({{"CONSUL_HTTP_ADDR", "http://" + at(consul->https)}}),
                HasSubstr("next: begin the address with https://"));
    EXPECT_THAT(refusal(with_certificates(
                    {{"CONSUL_HTTP_ADDR", "https://" + at(consul->server.at().port)}})),
                HasSubstr("the peer does not speak TLS"));
}

TEST_F(ConsulSecured, IsThereOnItsSocket) {
    EXPECT_EQ(refusal({{"CONSUL_HTTP_ADDR", "unix://" + consul->socket}}), "");
    EXPECT_THAT(refusal({{"CONSUL_HTTP_ADDR", "unix://" + consul->socket + ".not"}}),
                HasSubstr(consul->socket + ".not: No such file or directory"));
}

TEST_F(ConsulSecured, AnswersBlockingQueriesAndTransactionsOverTls) {
    const Environment environment =
        with_certificates({{"CONSUL_HTTP_ADDR", "https://" + at(consul->https)}});
    ConsulClient client(consul->server);
    client.consul = consul::make_consul_port(*client.time, *client.random,
                                             consul::config_from_environment(environment).value());
    ASSERT_TRUE(client.run(client.consul->txn(put("secured/key", "one"))).value().applied);
    const auto first = client.run(client.consul->kv_get("secured/key", now_query));
    ports::BlockingQuery later;
    later.index = first.value().index;
    later.wait = std::chrono::seconds(20);

    std::optional<std::string> seen;
    auto wait = [&]() -> boost::asio::awaitable<void> {
        const auto page = co_await client.consul->kv_get("secured/key", later);
        seen = page.value().value->value;
    };
    boost::asio::co_spawn(client.io, wait(), [](std::exception_ptr) {});
    const std::string large(300'000, 'x');
    ASSERT_TRUE(client.run(client.consul->txn(put("secured/key", large))).value().applied);
    client.run_while([&] { return !seen; });
    EXPECT_EQ(seen->size(), large.size());
}

}  // namespace
}  // namespace rop::testing
