#include "operator/redis/redis_port.hpp"

#include <chrono>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "test/unit/redis/redis_port_fixture.hpp"

namespace rop::redis {
namespace {

using namespace std::chrono_literals;
using ports::RedisOutcome;
using ports::RedisRequest;
using ports::Words;
using testing::obliging;
using testing::RedisPortTest;
using testing::ScriptedServer;
using Act = ScriptedServer::Act;
using Contact = RedisOutcome::Contact;

TEST_F(RedisPortTest, IntroducesItselfAndThenSendsAllCommandsAtOnce) {
    serve(obliging);
    RedisRequest made = request({{"PING"}, {"SET", "a", "b"}, {"PING"}});
    made.access = access("app", "secret");

    const auto outcome = send(made);

    EXPECT_EQ(what(outcome), "");
    EXPECT_EQ(outcome.contact, Contact::fine);
    EXPECT_TRUE(outcome.written);
    ASSERT_EQ(outcome.replies.size(), 3U);
    EXPECT_EQ(outcome.replies[0].text, "PONG");
    EXPECT_EQ(outcome.replies[1].text, "OK");
    const auto& client = server_->client(0);
    EXPECT_EQ(client.commands[0], (Words{"AUTH", "app", "secret"}));
    EXPECT_EQ(client.commands[1], (Words{"CLIENT", "SETNAME", "redis-operator:6f1c:4"}));
    EXPECT_EQ(client.reads, (std::vector<std::size_t>{2, 5})) << "no command before the OK";
}

TEST_F(RedisPortTest, AuthenticatesWithAPasswordAlone) {
    serve(obliging);
    RedisRequest made = request();
    made.access = access("", "secret");

    EXPECT_EQ(what(send(made)), "");
    EXPECT_EQ(server_->client(0).commands[0], (Words{"AUTH", "secret"}));
}

TEST_F(RedisPortTest, NeedsNoIntroductionWithoutNameAndPassword) {
    serve(obliging);
    RedisRequest made = request();
    made.connection_name = "";

    EXPECT_EQ(what(send(made)), "");
    EXPECT_EQ(server_->names(0), "PING");
}

TEST_F(RedisPortTest, KeepsItsConnection) {
    serve(obliging);
    RedisRequest made = request();
    made.access = access("app", "secret");
    EXPECT_EQ(what(send(made)), "");
    made.access = access("app", "secret");  // Another object with the same content.

    EXPECT_EQ(what(send(made)), "");

    EXPECT_EQ(server_->accepted(), 1U);
    EXPECT_EQ(server_->names(0), "AUTH CLIENT PING PING");
}

TEST_F(RedisPortTest, MakesANewConnectionForAnotherNameOrPassword) {
    serve(obliging);
    RedisRequest made = request();
    made.access = access("app", "old");
    EXPECT_EQ(what(send(made)), "");
    made.connection_name = "redis-operator:6f1c:5";
    EXPECT_EQ(what(send(made)), "");
    EXPECT_TRUE(until([&] { return server_->client(0).has_ended; })) << "the old one is closed";

    made.access = access("app", "new");
    EXPECT_EQ(what(send(made)), "");

    ASSERT_EQ(server_->accepted(), 3U);
    EXPECT_EQ(server_->client(1).commands[1].back(), "redis-operator:6f1c:5");
    EXPECT_EQ(server_->client(2).commands[0].back(), "new");
}

TEST_F(RedisPortTest, TriesTheFormerPasswordWhereTheNewOneIsRefused) {
    serve([](const Words& words) {
        const bool refused = words[0] == "AUTH" && words.back() != "old";
        return refused ? Act{"-WRONGPASS invalid username-password pair\r\n"} : obliging(words);
    });
    auto both = std::make_shared<ports::Access>(*access("app", "new"));
    both->former_password = "old";
    RedisRequest made = request();
    made.access = both;

    EXPECT_EQ(what(send(made)), "");
    EXPECT_EQ(what(send(made)), "");

    EXPECT_EQ(server_->accepted(), 1U) << "on the same connection, and once";
    EXPECT_EQ(server_->names(0), "AUTH CLIENT AUTH CLIENT PING PING");
}

TEST_F(RedisPortTest, SaysThatBothPasswordsAreRefusedWithoutNamingThem) {
    serve([](const Words& words) {
        return words[0] == "AUTH" ? Act{"-WRONGPASS no: " + words.back() + "\r\n"}
                                  : Act{"-NOAUTH Authentication required.\r\n"};
    });
    auto both = std::make_shared<ports::Access>(*access("app", "newest"));
    both->former_password = "oldest";
    RedisRequest made = request();
    made.access = both;

    const auto outcome = send(made);

    EXPECT_EQ(outcome.contact, Contact::auth_failed);
    EXPECT_EQ(what(outcome), "AUTH: WRONGPASS no: ***");
}

TEST_F(RedisPortTest, ProvesItselfAnewToAServerThatForgotUs) {
    std::size_t pings = 0;
    serve([&pings](const Words& words) {
        const bool forgot = words[0] == "PING" && ++pings == 1;
        return forgot ? Act{"-NOAUTH Authentication required.\r\n"} : obliging(words);
    });
    RedisRequest made = request();
    made.access = access("app", "secret");
    EXPECT_EQ(what(send(made)), "");

    EXPECT_EQ(what(send(made)), "");

    EXPECT_EQ(server_->accepted(), 2U);
    EXPECT_EQ(server_->names(1), "AUTH CLIENT PING");
}

TEST_F(RedisPortTest, HandsOnErrorRepliesAsReplies) {
    serve([](const Words& words) {
        return words[0] == "PING" ? Act{"-LOADING Redis is loading the dataset in memory\r\n"}
                                  : Act{};
    });

    const auto outcome = send(request({{"PING"}, {"GET", "x"}}));

    EXPECT_EQ(what(outcome), "");
    ASSERT_EQ(outcome.replies.size(), 2U);
    EXPECT_TRUE(outcome.replies[0].is_error());
    EXPECT_EQ(outcome.replies[0].text, "LOADING Redis is loading the dataset in memory");
}

struct Greeting {
    const char* name;
    std::string to_auth;
    std::string to_setname;
    bool closes;
    Contact contact;
    ErrorKind kind;
    std::string what;
};

class RedisPortGreeted : public RedisPortTest, public ::testing::WithParamInterface<Greeting> {};

TEST_P(RedisPortGreeted, SaysWhyItDidNotGetIn) {
    serve([](const Words& words) {
        return words[0] == "AUTH" ? Act{GetParam().to_auth, GetParam().closes}
                                  : Act{GetParam().to_setname};
    });
    RedisRequest made = request();
    made.access = access("app", "s3cret");

    const auto outcome = send(made);

    EXPECT_EQ(outcome.contact, GetParam().contact);
    ASSERT_TRUE(outcome.failure);
    EXPECT_EQ(outcome.failure->kind, GetParam().kind);
    EXPECT_EQ(outcome.failure->what, GetParam().what);
    EXPECT_FALSE(outcome.written);
    EXPECT_TRUE(outcome.replies.empty());
    EXPECT_EQ(server_->names(0).find("PING"), std::string::npos);
}

const Greeting greetings[] = {
    {"WrongPassword", "-WRONGPASS invalid username-password pair or user is disabled.\r\n",
     "-NOAUTH Authentication required.\r\n", false, Contact::auth_failed, ErrorKind::denied,
     "AUTH: WRONGPASS invalid username-password pair or user is disabled."},
    {"NoPasswordConfigured",
     "-ERR AUTH <password> called without any password configured for the default user.\r\n",
     "+OK\r\n", false, Contact::auth_failed, ErrorKind::denied,
     "AUTH: ERR AUTH <password> called without any password configured for the default user."},
    {"NoRightToSetname", "+OK\r\n", "-NOPERM this user has no permissions\r\n", false,
     Contact::auth_failed, ErrorKind::denied,
     "CLIENT SETNAME: NOPERM this user has no permissions"},
    {"TooManyClients", "-ERR max number of clients reached\r\n", "", true, Contact::closed,
     ErrorKind::unavailable, "AUTH: ERR max number of clients reached"},
    {"RepeatsThePassword", "-ERR unknown command 'AUTH app s3cret s3crets3cret'\r\n", "+OK\r\n",
     false, Contact::garbled, ErrorKind::malformed,
     "AUTH: ERR unknown command 'AUTH app *** ******'"},
    {"AnswersSomethingElse", "+OK\r\n", ":1\r\n", false, Contact::garbled, ErrorKind::malformed,
     "CLIENT SETNAME: not answered with OK"},
    {"IsNotRedis", "HTTP/1.1 400 Bad Request\r\n\r\n", "", false, Contact::garbled,
     ErrorKind::malformed, "not a reply of Redis: Protocol error, got \"H\" as reply type byte"},
    {"HangsUp", "", "", true, Contact::closed, ErrorKind::unavailable,
     "the connection was closed by its peer before any answer, as it is by a port that speaks TLS "
     "only"},
};

INSTANTIATE_TEST_SUITE_P(Greetings, RedisPortGreeted, ::testing::ValuesIn(greetings),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(RedisPortTest, ReportsSilenceAndWhatCameBefore) {
    serve([](const Words& words) { return words[0] == "WAIT" ? Act{""} : Act{}; });
    RedisRequest made = request({{"SET", "a", "b"}, {"WAIT", "1", "0"}, {"SET", "c", "d"}});
    made.deadline = 50ms;
    made.commands.erase(made.commands.begin() + 2);

    const auto outcome = send(made);

    EXPECT_EQ(outcome.contact, Contact::timed_out);
    EXPECT_EQ(what(outcome), "no answer in time (1 of 2 replies)");
    EXPECT_EQ(outcome.failure->kind, ErrorKind::unavailable);
    EXPECT_EQ(outcome.replies.size(), 1U);
    EXPECT_TRUE(outcome.written);
    EXPECT_TRUE(until([&] { return server_->client(0).has_ended; }))
        << "replies that come later belong to nobody";
}

TEST_F(RedisPortTest, ReportsSilenceBeforeTheIntroduction) {
    serve([](const Words&) { return Act{""}; });
    RedisRequest made = request();
    made.deadline = 50ms;

    const auto outcome = send(made);

    EXPECT_EQ(outcome.contact, Contact::timed_out);
    EXPECT_FALSE(outcome.written);
}

TEST_F(RedisPortTest, ReportsAnEndInTheMiddleAndWhatCameBefore) {
    serve([](const Words& words) {
        return words[0] == "SHUTDOWN" ? Act{"$10\r\nhalf", true} : Act{};
    });

    const auto outcome = send(request({{"SET", "a", "b"}, {"SHUTDOWN"}, {"SET", "c", "d"}}));

    EXPECT_EQ(outcome.contact, Contact::closed);
    EXPECT_EQ(what(outcome), "the connection was closed by its peer");
    EXPECT_EQ(outcome.replies.size(), 1U);
    EXPECT_TRUE(outcome.written);
}

TEST_F(RedisPortTest, RefusesWhatIsBeyondTheLimits) {
    RedisOptions options;
    options.limits.reply_bytes = 1'000;
    make_port(options);
    serve([](const Words& words) {
        return words[0] == "GET" ? Act{"$5000\r\n" + std::string(5'000, 'x') + "\r\n"} : Act{};
    });

    const auto outcome = send(request({{"GET", "x"}}));

    EXPECT_EQ(outcome.contact, Contact::garbled);
    EXPECT_EQ(outcome.failure->kind, ErrorKind::malformed);
    EXPECT_TRUE(until([&] { return server_->client(0).has_ended; }));
}

TEST_F(RedisPortTest, RefusesMoreRepliesThanCommands) {
    serve([](const Words& words) { return words[0] == "GET" ? Act{"$1\r\nx\r\n+OK\r\n"} : Act{}; });

    const auto outcome = send(request({{"GET", "x"}}));
    EXPECT_EQ(outcome.replies.size(), 1U);
    EXPECT_EQ(what(send(request({{"GET", "x"}}))), "");
    EXPECT_EQ(server_->accepted(), 2U) << "the first connection was out of step";
}

TEST_F(RedisPortTest, DropsAConnectionThatTalksWithoutBeingAsked) {
    serve(obliging);
    EXPECT_EQ(what(send(request())), "");

    server_->say("+half a re");

    EXPECT_TRUE(until([&] { return server_->client(0).has_ended; }));
    EXPECT_EQ(send(request()).replies.at(0).text, "PONG");
    EXPECT_EQ(server_->accepted(), 2U);
}

TEST_F(RedisPortTest, ReportsRefusalAtOnceAndTriesAgainSoon) {
    serve(obliging);
    const RedisRequest made = request();
    const std::uint16_t port = server_->at().port;
    server_.reset();

    const auto began = time_->now();
    const auto outcome = send(made);
    EXPECT_EQ(outcome.contact, Contact::refused);
    EXPECT_EQ(what(outcome), "connection refused");
    EXPECT_EQ(outcome.failure->kind, ErrorKind::unavailable);

    server_ = std::make_unique<ScriptedServer>(io_.get_executor(), obliging, port);
    EXPECT_EQ(send(made).contact, Contact::refused) << "answered from memory";
    EXPECT_EQ(server_->accepted(), 0U);
    RedisOutcome later;
    EXPECT_TRUE(until([&] {
        later = send(made);
        return !later.failure;
    }));
    EXPECT_GE(time_->now() - began, 50ms);
    EXPECT_EQ(later.replies.at(0).text, "PONG");
}

TEST_F(RedisPortTest, TriesAnotherPasswordWithoutBackingOff) {
    serve([](const Words& words) {
        return words[0] == "AUTH" && words.back() != "right" ? Act{"-WRONGPASS no\r\n"} : Act{};
    });
    RedisRequest made = request();
    made.access = access("", "wrong");
    EXPECT_EQ(send(made).contact, Contact::auth_failed);
    EXPECT_EQ(send(made).contact, Contact::auth_failed);
    EXPECT_EQ(server_->accepted(), 1U) << "the second answer came from memory";

    made.access = access("", "right");
    EXPECT_EQ(what(send(made)), "");
}

TEST_F(RedisPortTest, NamesAnAddressThatIsNone) {
    serve(obliging);
    RedisRequest made = request();
    made.to.host = "redis.example";

    const auto outcome = send(made);

    EXPECT_EQ(outcome.contact, Contact::timed_out);
    EXPECT_EQ(what(outcome), "'redis.example' is no IP address");
}

}  // namespace
}  // namespace rop::redis
