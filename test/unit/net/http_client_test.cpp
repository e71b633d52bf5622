#include "operator/net/http_client.hpp"

#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/runtime/task_group.hpp"
#include "test/unit/net/scripted_server.hpp"

namespace rop::net {
namespace {

namespace asio = boost::asio;
using testing::answer;
using testing::Reaction;
using Then = testing::Reaction::Then;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

class HttpClientTest : public ::testing::Test, public testing::ServedTest {
  protected:
    static HttpRequest request(std::string target) {
        HttpRequest get;
        get.target = std::move(target);
        return get;
    }
    static HttpRequest put(std::string target, std::string body) {
        HttpRequest put = request(std::move(target));
        put.method = HttpRequest::Method::put;
        put.body = std::move(body);
        return put;
    }
    Result<HttpResponse> get(std::string target) {
        return run(client.send(request(std::move(target))));
    }
    std::vector<int> connections_used() const {
        std::vector<int> numbers;
        for (const auto& seen : server.requests()) {
            numbers.push_back(seen.connection);
        }
        return numbers;
    }

    HttpClient client{*time, server.url()};
};

TEST_F(HttpClientTest, SendsAWholeRequestAndReadsAWholeAnswer) {
    server.will(answer(200, "[]", "x-nomad-INDEX: 42\r\nX-Odd: 4x\r\n"));
    HttpRequest request = put("/v1/kv/a?cas=0", "value");
    request.headers = {{"X-Token", "secret"}};

    const auto response = run(client.send(request));

    ASSERT_TRUE(response.has_value()) << response.error().what;
    EXPECT_EQ(response.value().status, 200U);
    EXPECT_EQ(response.value().body, "[]");
    EXPECT_EQ(response.value().number("X-Nomad-Index"), 42U);
    EXPECT_EQ(response.value().number("X-Odd"), std::nullopt);
    EXPECT_EQ(response.value().header("X-Absent"), std::nullopt);
    const auto& seen = server.requests().at(0);
    EXPECT_EQ(seen.line(), "PUT /v1/kv/a?cas=0 HTTP/1.1");
    EXPECT_EQ(seen.body, "value");
    EXPECT_THAT(seen.head, HasSubstr("\r\nX-Token: secret\r\n"));
    EXPECT_THAT(seen.head, HasSubstr("\r\nHost: 127.0.0.1:" + std::to_string(server.url().port)));
    EXPECT_THAT(seen.head, HasSubstr("\r\nContent-Length: 5\r\n"));
}

TEST_F(HttpClientTest, KeepsItsConnection) {
    server.will(answer(200, "a"));
    server.will({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nb c\r\n0\r\n\r\n", {}});
    server.will(answer(404, ""));

    EXPECT_EQ(get("/1").value().body, "a");
    EXPECT_EQ(get("/2").value().body, "b c");
    EXPECT_EQ(get("/3").value().status, 404U);
    EXPECT_THAT(connections_used(), ElementsAre(1, 1, 1));
}

TEST_F(HttpClientTest, AnswerThatLastsUntilTheConnectionEnds) {
    server.will({"HTTP/1.1 200 OK\r\n\r\nall of it", Then::close});
    server.will(answer(200, "b"));

    EXPECT_EQ(get("/1").value().body, "all of it");
    EXPECT_EQ(get("/2").value().body, "b");
    EXPECT_THAT(connections_used(), ElementsAre(1, 2));
}

TEST_F(HttpClientTest, ServerThatWillCloseIsBelieved) {
    server.will(answer(200, "a", "Connection: close\r\n"));
    server.will(answer(200, "b"));

    EXPECT_EQ(get("/1").value().body, "a");
    EXPECT_EQ(get("/2").value().body, "b");
    EXPECT_THAT(connections_used(), ElementsAre(1, 2));
}

TEST_F(HttpClientTest, ConnectionClosedWhileIdleIsNoticedBeforeAWrite) {
    server.will(answer(200, "a"));
    EXPECT_EQ(get("/1").value().body, "a");
    server.close_idle();
    server.will(answer(200, "b"));

    const auto response = run(client.send(put("/2", "x")));

    ASSERT_TRUE(response.has_value()) << response.error().what;
    EXPECT_EQ(response.value().body, "b");
    EXPECT_THAT(connections_used(), ElementsAre(1, 2));
}

TEST_F(HttpClientTest, GetOnAKeptConnectionIsRepeatedOnce) {
    server.will(answer(200, "a"));
    EXPECT_EQ(get("/1").value().body, "a");
    server.will({"", Then::close});
    server.will(answer(200, "b"));

    EXPECT_EQ(get("/2").value().body, "b");
    EXPECT_THAT(connections_used(), ElementsAre(1, 1, 2));

    server.will({"", Then::reset});
    server.will({"", Then::close});
    const auto twice = get("/3");
    ASSERT_TRUE(twice.has_error());
    EXPECT_EQ(twice.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(server.requests().size(), 5U);
}

TEST_F(HttpClientTest, WriteIsNeverRepeated) {
    server.will(answer(200, "a"));
    EXPECT_EQ(get("/1").value().body, "a");
    server.will({"", Then::close});
    server.will(answer(200, "must not be asked for"));

    const auto response = run(client.send(put("/2", "x")));

    ASSERT_TRUE(response.has_error());
    EXPECT_EQ(response.error().kind, ErrorKind::unavailable);
    EXPECT_THAT(response.error().what, HasSubstr("PUT /2: the connection ended before an answer"));
    EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(HttpClientTest, NewConnectionThatEndsIsAnError) {
    server.will({"", Then::close});
    server.will({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Then::close});

    EXPECT_EQ(get("/1").error().kind, ErrorKind::unavailable);
    EXPECT_THAT(get("/2").error().what, HasSubstr("in the middle of the answer"));
    EXPECT_EQ(server.requests().size(), 2U);
}

TEST_F(HttpClientTest, PollThatIsCutIsOverRatherThanWrong) {
    server.will({"", Then::close});
    server.will({"", Then::reset});
    server.will({"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", Then::close});
    server.will(answer(200, "whole"));

    for (int i = 0; i < 3; ++i) {
        const auto cut = run(client.poll(request("/poll")));
        ASSERT_TRUE(cut.has_value()) << cut.error().what;
        EXPECT_FALSE(cut.value().has_value());
    }
    EXPECT_EQ(run(client.poll(request("/poll"))).value()->body, "whole");

    server.stop();
    const auto refused = run(client.poll(request("/poll")));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
}

TEST_F(HttpClientTest, GarbageIsMalformed) {
    server.will({"-ERR unknown command 'GET'\r\n", Then::keep});
    server.will({"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", Then::keep});
    server.will({"HTTP/1.1 200 OK\r\nBig: " + std::string(100'000, 'x'), Then::keep});

    for (int i = 0; i < 3; ++i) {
        const auto response = get("/1");
        ASSERT_TRUE(response.has_error());
        EXPECT_EQ(response.error().kind, ErrorKind::malformed) << response.error().what;
    }
    EXPECT_THAT(connections_used(), ElementsAre(1, 2, 3));
}

TEST_F(HttpClientTest, TooLargeAnAnswerIsRefusedWhileItArrives) {
    HttpClientOptions options;
    options.limits.body_bytes = 1'000;
    HttpClient modest(*time, server.url(), options);
    server.will({"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", Then::never_answer});
    server.will(
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n" + std::string(0x800, 'x'),
         Then::never_answer});
    server.will(answer(200, std::string(1'000, 'x')));

    for (int i = 0; i < 2; ++i) {
        const auto huge = run(modest.send(request("/huge")));
        ASSERT_TRUE(huge.has_error());
        EXPECT_EQ(huge.error().kind, ErrorKind::malformed);
        EXPECT_THAT(huge.error().what, HasSubstr("larger than 1000 bytes"));
    }
    EXPECT_EQ(run(modest.send(request("/fits"))).value().body.size(), 1'000U);
}

TEST_F(HttpClientTest, LargeAnswerArrivesWhole) {
    std::string body(3'000'000, 'x');
    body.back() = 'y';
    server.will(answer(200, body));

    EXPECT_EQ(get("/large").value().body, body);
}

TEST_F(HttpClientTest, LateAnswerIsUnavailableAndItsConnectionIsDropped) {
    HttpRequest impatient = request("/slow");
    impatient.deadline = 50ms;
    server.will({"HTTP/1.1 200 OK\r\nContent-Le", Then::never_answer});
    server.will(answer(200, "b"));

    const auto late = run(client.send(impatient));

    ASSERT_TRUE(late.has_error());
    EXPECT_EQ(late.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(late.error().what, "GET /slow: no answer within 50 ms");
    EXPECT_EQ(get("/2").value().body, "b");
    EXPECT_THAT(connections_used(), ElementsAre(1, 2));
}

TEST_F(HttpClientTest, RedirectIsNotFollowed) {
    server.will(answer(301, "", "Location: /elsewhere\r\n"));

    EXPECT_EQ(get("/a//b").value().status, 301U);
    EXPECT_EQ(server.requests().size(), 1U);
}

TEST_F(HttpClientTest, BrokenRequestsAreRefusedUnsent) {
    HttpRequest injected = request("/a");
    injected.headers = {{"X-Token", "secret\r\nX-Evil: 1"}};

    const auto refused = run(client.send(injected));
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::rejected);
    EXPECT_THAT(refused.error().what, Not(HasSubstr("secret")));
    EXPECT_EQ(get("/a b").error().kind, ErrorKind::rejected);
    EXPECT_EQ(get("a").error().kind, ErrorKind::rejected);
    EXPECT_EQ(server.connections(), 0);
}

TEST_F(HttpClientTest, RefusedConnectionNamesTheServer) {
    const std::string port = std::to_string(server.url().port);
    server.stop();

    const auto refused = get("/v1/kv/a?recurse");

    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(refused.error().what,
              "GET /v1/kv/a: connect 127.0.0.1:" + port + ": connection refused");
}

TEST_F(HttpClientTest, NamesAreResolved) {
    ServerUrl by_name = server.url();
    by_name.host = "localhost";
    HttpClient other(*time, by_name);
    server.will(answer(200, "a"));

    const auto response = run(other.send(request("/1")));

    ASSERT_TRUE(response.has_value()) << response.error().what;
    EXPECT_EQ(response.value().body, "a");
}

TEST_F(HttpClientTest, WaitsForOneOfItsFewConnections) {
    HttpClientOptions options;
    options.connections = 2;
    HttpClient narrow(*time, server.url(), options);
    std::vector<std::string> bodies;
    auto ask = [&](std::string target) -> asio::awaitable<void> {
        auto response = co_await narrow.send(request(std::move(target)));
        bodies.push_back(response.value().body);
    };
    runtime::TaskGroup tasks(io.get_executor());
    for (const char* target : {"/1", "/2", "/3", "/4", "/5"}) {
        server.will(answer(200, target));
        tasks.spawn(target, ask(target));
    }

    run_until([&] { return bodies.size() == 5; });

    EXPECT_THAT(bodies, ElementsAre("/1", "/2", "/3", "/4", "/5"));
    EXPECT_EQ(server.connections(), 2);
    EXPECT_EQ(server.most_at_once(), 2);
}

TEST_F(HttpClientTest, PollsLeaveConnectionsForOthers) {
    HttpClientOptions options;
    options.connections = 3;
    options.polls = 2;
    HttpClient narrow(*time, server.url(), options);
    auto poll = [&]() -> asio::awaitable<void> { (void)co_await narrow.poll(request("/poll")); };
    runtime::TaskGroup polls(io.get_executor());
    server.will({"", Then::never_answer});
    server.will({"", Then::never_answer});

    EXPECT_TRUE(narrow.may_poll());
    polls.spawn("first", poll());
    polls.spawn("second", poll());
    run_until([&] { return server.requests().size() == 2; });
    EXPECT_FALSE(narrow.may_poll());
    server.will(answer(200, "at once"));
    EXPECT_EQ(run(narrow.send(request("/now"))).value().body, "at once");

    polls.stop();
    auto join = [&]() -> asio::awaitable<bool> {
        co_await polls.join();
        co_return true;
    };
    EXPECT_TRUE(run(join()));
    EXPECT_TRUE(narrow.may_poll());
}

TEST_F(HttpClientTest, StoppingEndsEveryWaitAtOnce) {
    HttpClientOptions options;
    options.connections = 1;
    HttpClient narrow(*time, server.url(), options);
    auto ask = [&](std::string target) -> asio::awaitable<void> {
        (void)co_await narrow.send(request(std::move(target)));
    };
    runtime::TaskGroup tasks(io.get_executor());
    tasks.spawn("in flight", ask("/1"));
    tasks.spawn("in the queue", ask("/2"));
    run_until([&] { return server.requests().size() == 1; });
    const auto began = std::chrono::steady_clock::now();

    tasks.stop();
    auto join = [&]() -> asio::awaitable<bool> {
        co_await tasks.join();  // Throws if being stopped looked like a failure.
        co_return true;
    };

    EXPECT_TRUE(run(join()));
    EXPECT_LT(std::chrono::steady_clock::now() - began, 2s);
    server.will(answer(200, "still usable"));
    EXPECT_EQ(run(narrow.send(request("/3"))).value().body, "still usable");
}

TEST_F(HttpClientTest, ConnectionIdleForTooLongIsNotUsed) {
    HttpClientOptions options;
    options.idle = std::chrono::seconds(-1);
    HttpClient forgetful(*time, server.url(), options);
    server.will(answer(200, "a"));
    server.will(answer(200, "b"));

    EXPECT_EQ(run(forgetful.send(request("/1"))).value().body, "a");
    EXPECT_EQ(run(forgetful.send(request("/2"))).value().body, "b");
    EXPECT_THAT(connections_used(), ElementsAre(1, 2));
}

TEST_F(HttpClientTest, SendsNoRequestToWhoDoesNotSpeakTls) {
    ServerUrl tls = server.url();
    tls.scheme = ServerUrl::Scheme::https;
    HttpClient other(*time, tls);

    HttpRequest soon = request("/1");
    soon.deadline = 1s;
    const auto refused = run(other.send(soon));

    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(server.connections(), 1);
    EXPECT_TRUE(server.requests().empty());
}

}  // namespace
}  // namespace rop::net
