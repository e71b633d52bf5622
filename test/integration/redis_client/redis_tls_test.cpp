// The client over TLS against a real redis-server, which wants to see a certificate.
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "test/integration/redis_client/redis_client_fixture.hpp"
#include "test/support/certificates.hpp"

namespace rop::redis {
namespace {

using ::testing::HasSubstr;

/// A server with a plain port, for the test, and one for TLS.
class RedisTlsTest : public RedisClientTest {
  protected:
    [[nodiscard]] LocalRedis::Options with_tls(const testing::PemPair& server) const {
        LocalRedis::Options options;
        options.arguments = {"--tls-port",         std::to_string(tls_port_),
                             "--tls-cert-file",    server.cert,
                             "--tls-key-file",     server.key,
                             "--tls-ca-cert-file", authority_.ca_file(),
                             "--tls-auth-clients", "yes"};
        return options;
    }

    [[nodiscard]] RedisRequest over_tls(const ports::TlsSettings& settings,
                                        std::vector<Words> commands = {{"PING"}}) const {
        auto access = std::make_shared<ports::Access>();
        access->tls = settings;
        RedisRequest request;
        request.to = Endpoint{"127.0.0.1", tls_port_};
        request.access = std::move(access);
        request.connection_name = our_name;
        request.commands = std::move(commands);
        request.deadline = 5s;
        return request;
    }
    RedisOutcome ask(const ports::TlsSettings& settings) {
        return run(port_->send(over_tls(settings)));
    }

    testing::ScratchFolder folder_;
    testing::TestAuthority authority_{folder_.path(), "ours"};
    testing::PemPair own_ = authority_.issue("client");
    std::uint16_t tls_port_ = testing::free_port();
};

TEST_F(RedisTlsTest, SendsABatchUnderItsNameAndKeepsTheConnection) {
    const LocalRedis redis(with_tls(authority_.issue("server")));
    const std::string megabytes(3'000'000, 'x');

    const auto outcome = run(port_->send(over_tls(
        authority_.settings(own_), {{"SET", "a", megabytes}, {"GET", "a"}, {"CLIENT", "ID"}})));
    const auto again =
        run(port_->send(over_tls(authority_.settings(own_), {{"CLIENT", "ID"}, {"INCR", "n"}})));

    EXPECT_EQ(what(outcome), "");
    ASSERT_EQ(outcome.replies.size(), 3U);
    EXPECT_EQ(outcome.replies[1].text, megabytes);
    ASSERT_EQ(again.replies.size(), 2U);
    EXPECT_EQ(again.replies[0].integer, outcome.replies[2].integer);
    EXPECT_THAT(redis.ask({"CLIENT", "LIST"}), HasSubstr(" name=" + our_name + " "));
}

// The lease is asked before every write; what was not let through is never executed.
TEST_F(RedisTlsTest, WritesNothingMoreOnceItMayNot) {
    const LocalRedis redis(with_tls(authority_.issue("server")));
    std::vector<Words> commands;
    for (int i = 0; i < 2'000; ++i) {
        commands.push_back({"SET", "key:" + std::to_string(i), std::string(1'000, 'x')});
    }
    RedisRequest request = over_tls(authority_.settings(own_), commands);
    int asked = 0;
    request.may_write = [&asked] { return ++asked <= 3; };

    const auto outcome = run(port_->send(std::move(request)));

    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->kind, ErrorKind::fenced);
    EXPECT_EQ(asked, 4);
    EXPECT_TRUE(testing::eventually([&] {  // Its end is noticed there.
        return redis.ask({"CLIENT", "LIST"}).find(our_name) == std::string::npos;
    }));
    EXPECT_THAT(redis.ask({"EXISTS", "key:1999"}), HasSubstr(":0"));

    RedisRequest never = over_tls(authority_.settings(own_), {{"SET", "never", "x"}});
    never.may_write = [] { return false; };
    EXPECT_EQ(run(port_->send(std::move(never))).failure->kind, ErrorKind::fenced);
    EXPECT_THAT(redis.ask({"EXISTS", "never"}), HasSubstr(":0"));
}

TEST_F(RedisTlsTest, DropsConnectionsAtOnce) {
    const LocalRedis redis(with_tls(authority_.issue("server")));
    EXPECT_EQ(what(ask(authority_.settings(own_))), "");

    port_->drop_all();

    EXPECT_TRUE(testing::eventually([&] {
        return redis.ask({"CLIENT", "LIST"}).find(our_name) == std::string::npos;
    }));
    EXPECT_EQ(what(ask(authority_.settings(own_))), "") << "and makes a new one";
}

TEST_F(RedisTlsTest, SaysWhatACertificateLacks) {
    const LocalRedis redis(with_tls(authority_.issue("server")));
    const testing::TestAuthority others(folder_.path(), "others");
    ports::TlsSettings named = authority_.settings(own_);
    named.server_name = "redis.cache";
    ports::TlsSettings nowhere = authority_.settings(own_);
    nowhere.ca_file = folder_.path() + "/nowhere.pem";
    const auto judge = [&](const ports::TlsSettings& settings, const std::string& word) {
        const auto outcome = ask(settings);
        EXPECT_EQ(outcome.contact, Contact::untrusted);
        EXPECT_THAT(what(outcome), HasSubstr(word));
    };
    judge(others.settings(own_), "certificate");
    judge(named, "redis.cache");
    judge(nowhere, "nowhere.pem");
    judge(authority_.settings(), "certificate");  // Of ours, which this server wants to see.
}

TEST_F(RedisTlsTest, SaysWhoSpeaksNoTls) {
    const LocalRedis redis(with_tls(authority_.issue("server")));
    RedisRequest to_plain = over_tls(authority_.settings(own_));
    to_plain.to = redis.at();
    const auto unencrypted = run(port_->send(std::move(to_plain)));
    // It waits for the end of a line.
    EXPECT_EQ(unencrypted.contact, Contact::timed_out);
    EXPECT_THAT(what(unencrypted), HasSubstr("no answer to the TLS handshake"));

    RedisRequest from_plain = over_tls(authority_.settings(own_));
    from_plain.access = nullptr;
    const auto encrypted = run(port_->send(std::move(from_plain)));
    EXPECT_EQ(encrypted.contact, Contact::closed);
    EXPECT_THAT(what(encrypted), HasSubstr("a port that speaks TLS only"));
}

}  // namespace
}  // namespace rop::redis
