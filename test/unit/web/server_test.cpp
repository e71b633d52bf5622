#include "operator/web/server.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/runtime/real_time.hpp"

namespace rop::web {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A server on a free port whose pages say what was asked, and clients that speak raw bytes.
class ServerTest : public ::testing::Test {
  protected:
    asio::awaitable<void> story(std::function<asio::awaitable<void>()> told) {
        co_await told();
        server_->stop();
    }

    /// Runs `told` against the server; fails when it does not end within a bound.
    void against(ServerOptions options, std::function<asio::awaitable<void>()> told) {
        options.listen = Endpoint{"127.0.0.1", 0};
        server_ = std::make_unique<Server>(*time_, options, [this](const Request& request) {
            ++answered_;
            return Response{200,
                            "text/plain",
                            request.method + " " + request.target + "\n" + extra_,
                            {{"X-Extra", "yes"}}};
        });
        const auto listening = server_->listen();
        ASSERT_TRUE(listening.has_value()) << listening.error().what;
        at_ = listening.value();
        ASSERT_NE(at_.port, 0);
        int ended = 0;
        const auto count_end = [&](std::exception_ptr thrown) {
            ++ended;
            if (thrown) {
                std::rethrow_exception(thrown);
            }
        };
        asio::co_spawn(io_, server_->run(), count_end);
        asio::co_spawn(io_, story(std::move(told)), count_end);
        io_.run_for(seconds(20));
        EXPECT_EQ(ended, 2) << "the server or its client hangs";
    }

    asio::awaitable<std::shared_ptr<tcp::socket>> connect() {
        auto socket = std::make_shared<tcp::socket>(io_);
        const tcp::endpoint to(asio::ip::make_address(at_.host), at_.port);
        co_await socket->async_connect(to, asio::use_awaitable);
        co_return socket;
    }

    static asio::awaitable<void> say(std::shared_ptr<tcp::socket> socket, std::string text) {
        co_await asio::async_write(*socket, asio::buffer(text), asio::use_awaitable);
    }

    /// Everything until the server closes, or until `enough` is in it.
    static asio::awaitable<std::string> hear(std::shared_ptr<tcp::socket> socket,
                                             std::string enough) {
        std::string heard;
        std::array<char, 4096> buffer{};
        boost::system::error_code code;
        while (enough.empty() || heard.find(enough) == std::string::npos) {
            const std::size_t count = co_await socket->async_read_some(
                asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, code));
            if (code) {
                break;
            }
            heard.append(buffer.data(), count);
        }
        co_return heard;
    }

    asio::awaitable<std::string> ask(std::string text) {
        auto socket = co_await connect();
        co_await say(socket, std::move(text));
        co_return co_await hear(socket, "");
    }

    asio::io_context io_{1};
    std::unique_ptr<ports::TimePort> time_ = runtime::make_real_time(io_.get_executor());
    std::unique_ptr<Server> server_;
    Endpoint at_;
    std::string extra_;
    int answered_ = 0;
};

TEST_F(ServerTest, AnswersOverOneKeptConnection) {
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        auto socket = co_await connect();
        co_await say(socket, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        const std::string first = co_await hear(socket, "GET /a\n");
        EXPECT_THAT(first, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("X-Extra: yes\r\n"),
                                 HasSubstr("Content-Length: 7\r\n"), EndsWith("GET /a\n")));
        co_await say(socket, "GET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        EXPECT_THAT(co_await hear(socket, ""), EndsWith("GET /b\n"));
    });
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        const std::string heard = co_await ask(
            "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nConnection: close\r\n\r\n");
        EXPECT_LT(heard.find("GET /a\n"), heard.find("GET /b\n"));
        EXPECT_THAT(heard, EndsWith("GET /b\n"));
    });
}

TEST_F(ServerTest, LeavesTheBodyOutForHead) {
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        const std::string heard =
            co_await ask("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        EXPECT_THAT(heard, AllOf(HasSubstr("Content-Length: 8\r\n"), EndsWith("\r\n\r\n"),
                                 Not(HasSubstr("HEAD /a"))));
    });
}

TEST_F(ServerTest, AnswersARequestWhoseBodyNobodyReads) {
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        const std::string heard =
            co_await ask("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" +
                         std::string(20000, 'x'));
        EXPECT_THAT(heard, AllOf(HasSubstr("Connection: close"), EndsWith("POST /a\n")));
    });
}

TEST_F(ServerTest, RefusesWhatIsNoRequest) {
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        EXPECT_THAT(co_await ask("\x16\x03\x01 hello, TLS?\r\n\r\n"),
                    StartsWith("HTTP/1.1 400 Bad Request\r\n"));
        EXPECT_EQ(answered_, 0);
    });
}

TEST_F(ServerTest, RefusesAHeaderThatIsTooLarge) {
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        const std::string heard =
            co_await ask("GET / HTTP/1.1\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n");
        EXPECT_THAT(heard, StartsWith("HTTP/1.1 431 "));
        EXPECT_EQ(answered_, 0);
    });
}

TEST_F(ServerTest, ClosesAConnectionThatSaysNothing) {
    against(ServerOptions{.idle = seconds(1)}, [this]() -> asio::awaitable<void> {
        EXPECT_EQ(co_await ask("GET / HTTP/1.1\r\nX-Slow:"), "");
    });
}

TEST_F(ServerTest, DropsAClientThatTakesNothing) {
    extra_ = std::string(64U << 20U, 'x');
    against(ServerOptions{.sending = seconds(1)}, [this]() -> asio::awaitable<void> {
        auto socket = co_await connect();
        co_await say(socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        co_await time_->sleep_for(milliseconds(2'500));  // The client is the one that sleeps.
        const std::string heard = co_await hear(socket, "");
        EXPECT_LT(heard.size(), extra_.size());
        EXPECT_EQ(answered_, 1);
    });
}

TEST_F(ServerTest, TurnsAwayMoreClientsThanItTakes) {
    against(ServerOptions{.connections = 1}, [this]() -> asio::awaitable<void> {
        auto first = co_await connect();
        co_await say(first, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await hear(first, "GET /a\n"), EndsWith("GET /a\n"));
        auto second = co_await connect();
        EXPECT_THAT(co_await hear(second, ""), StartsWith("HTTP/1.1 503 "));
    });
}

TEST_F(ServerTest, EndsAConnectionAfterSoManyRequests) {
    against(ServerOptions{.requests_per_connection = 2}, [this]() -> asio::awaitable<void> {
        const std::string heard =
            co_await ask("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
        EXPECT_THAT(heard, AllOf(HasSubstr("GET /b\n"), Not(HasSubstr("GET /c\n"))));
        EXPECT_EQ(answered_, 2);
    });
}

TEST_F(ServerTest, StopsAlthoughClientsAreConnected) {
    std::shared_ptr<tcp::socket> idle;
    against(ServerOptions{}, [&]() -> asio::awaitable<void> {
        idle = co_await connect();
        co_await say(idle, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(co_await hear(idle, "GET /a\n"), EndsWith("GET /a\n"));
    });
}

TEST_F(ServerTest, APortInUseSaysSoWithTheFix) {
    Server first(*time_, ServerOptions{.listen = {"127.0.0.1", 0}}, {});
    const auto at = first.listen();
    ASSERT_TRUE(at.has_value());
    Server second(*time_, ServerOptions{.listen = at.value()}, {});

    const auto refused = second.listen();

    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().what,
              "cannot listen on " + to_string(at.value()) +
                  ": another process uses this port; choose another one with --listen "
                  "127.0.0.1:PORT (port 0 takes any free one), or find that process with ss -ltnp");
}

TEST_F(ServerTest, AnAddressOfAnotherHostSaysSo) {
    Server server(*time_, ServerOptions{.listen = {"192.0.2.1", 0}}, {});
    const auto refused = server.listen();
    ASSERT_TRUE(refused.has_error());
    EXPECT_THAT(refused.error().what, HasSubstr("no interface of this host has this address"));
}

}  // namespace
}  // namespace rop::web
