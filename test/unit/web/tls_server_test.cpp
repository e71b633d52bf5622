// The listener over TLS. Its clients are ours: operator/net has tests of its own.

#include <fstream>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/net/http_client.hpp"
#include "operator/runtime/real_time.hpp"
#include "operator/web/server.hpp"
#include "test/support/certificates.hpp"
#include "test/support/local_servers.hpp"

namespace rop::web {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::seconds;
using ::testing::HasSubstr;
using testing::PemPair;
using ::testing::StartsWith;
using testing::TestAuthority;

class TlsServer : public ::testing::Test {
  protected:
    using Told = std::function<asio::awaitable<void>()>;

    static asio::awaitable<void> story(TlsServer* test, Told told) {
        co_await told();
        test->server_->stop();
    }

    void against(ServerOptions options, Told told) {
        options.listen = Endpoint{"127.0.0.1", 0};
        options.tls = std::make_shared<net::TlsFiles>(net::TlsFiles::Side::server, settings_);
        server_ = std::make_unique<Server>(*time_, options, [this](const Request& request) {
            return Response{200, "text/plain", request.target + extra_ + request.authorization, {}};
        });
        const auto listening = server_->listen();
        ASSERT_TRUE(listening.has_value()) << listening.error().what;
        at_ = listening.value();
        int ended = 0;
        const auto count_end = [&](std::exception_ptr thrown) {
            ++ended;
            if (thrown) {
                std::rethrow_exception(thrown);
            }
        };
        asio::co_spawn(io_, server_->run(), count_end);
        asio::co_spawn(io_, story(this, std::move(told)), count_end);
        io_.run_for(seconds(20));
        EXPECT_EQ(ended, 2) << "the server or its client hangs";
    }

    asio::awaitable<Result<net::HttpResponse>> ask(ports::TlsSettings settings) {
        net::ServerUrl url;
        url.scheme = net::ServerUrl::Scheme::https;
        url.host = at_.host;
        url.port = at_.port;
        net::HttpClientOptions options;
        options.tls = std::move(settings);
        net::HttpClient client(*time_, url, options);
        net::HttpRequest request;
        request.target = "/page";
        request.headers = {{"Authorization", "Bearer x"}};
        co_return co_await client.send(std::move(request));
    }

    /// What comes back for bytes that are not TLS, until the server closes.
    asio::awaitable<std::string> ask_plain(std::string bytes) {
        tcp::socket socket(io_);
        const tcp::endpoint to(asio::ip::make_address(at_.host), at_.port);
        co_await socket.async_connect(to, asio::use_awaitable);
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
        std::string heard;
        std::array<char, 1024> buffer{};
        boost::system::error_code code;
        while (!code) {
            const std::size_t count = co_await socket.async_read_some(
                asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, code));
            heard.append(buffer.data(), count);
        }
        co_return heard;
    }

    asio::io_context io_{1};
    std::unique_ptr<ports::TimePort> time_ = runtime::make_real_time(io_.get_executor());
    testing::ScratchFolder folder_;
    TestAuthority authority_{folder_.path(), "right"};
    PemPair own_ = authority_.issue("server");
    ports::TlsSettings settings_{.cert_file = own_.cert, .key_file = own_.key};
    std::unique_ptr<Server> server_;
    Endpoint at_;
    std::string extra_ = " ";
};

TEST_F(TlsServer, AnswersOverTls) {
    extra_ = std::string(300'000, 'x');
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        const auto answered = co_await ask(authority_.settings());
        EXPECT_TRUE(answered.has_value()) << answered.error().what;
        EXPECT_EQ(answered.value().body, "/page" + extra_ + "Bearer x");
    });
}

TEST_F(TlsServer, LetsInOnlyClientsOfItsAuthority) {
    settings_.ca_file = authority_.ca_file();
    const TestAuthority other(folder_.path(), "wrong");
    const PemPair client = authority_.issue("client");
    const PemPair foreign = other.issue("foreign");
    against(ServerOptions{}, [&]() -> asio::awaitable<void> {
        const auto known = co_await ask(authority_.settings(client));
        EXPECT_TRUE(known.has_value()) << known.error().what;
        const auto nobody = co_await ask(authority_.settings());
        EXPECT_TRUE(nobody.has_error());
        EXPECT_THAT(nobody.error().what, HasSubstr("the peer wants a certificate of its client"));
        const auto stranger = co_await ask(authority_.settings(foreign));
        EXPECT_TRUE(stranger.has_error());
    });
}

TEST_F(TlsServer, TakesOverNewCertificates) {
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        const auto before = co_await ask(authority_.settings());
        EXPECT_TRUE(before.has_value());
        const TestAuthority next(folder_.path(), "next");
        const PemPair fresh = next.issue("server");  // Into the same files.
        EXPECT_EQ(fresh.cert, own_.cert);
        const auto after = co_await ask(next.settings());
        EXPECT_TRUE(after.has_value()) << after.error().what;
    });
}

TEST_F(TlsServer, TellsWhoSpeaksPlainHttp) {
    against(ServerOptions{}, [this]() -> asio::awaitable<void> {
        const std::string heard = co_await ask_plain("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        EXPECT_THAT(heard, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
        EXPECT_TRUE(heard.ends_with("\r\n\r\nthis port speaks TLS: begin the URL with https://\n"))
            << heard;
    });
}

TEST_F(TlsServer, GivesAHandshakeSoLong) {
    ServerOptions options;
    options.handshake = seconds(1);
    options.connections = 2;
    against(options, [this]() -> asio::awaitable<void> {
        EXPECT_EQ(co_await ask_plain(std::string(20, '\0')), "") << "garbage ends at once";
        const Moment before = time_->now();
        // The beginning of a handshake of 512 bytes, and no more of it.
        EXPECT_EQ(co_await ask_plain(std::string("\x16\x03\x01\x02\x00\x01", 6)), "");
        const auto took = time_->now() - before;
        EXPECT_GE(took, std::chrono::milliseconds(900));
        EXPECT_LT(took, seconds(8));
        const auto answered = co_await ask(authority_.settings());
        EXPECT_TRUE(answered.has_value()) << "its place is free again";
    });
}

TEST_F(TlsServer, DoesNotListenWithoutItsFiles) {
    settings_.key_file = folder_.path() + "/none.key";
    ServerOptions options;
    options.listen = Endpoint{"127.0.0.1", 0};
    options.tls = std::make_shared<net::TlsFiles>(net::TlsFiles::Side::server, settings_);
    Server server(*time_, options, {});
    const auto refused = server.listen();
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().what,
              "the key file " + settings_.key_file + " cannot be read: No such file or directory");
}

}  // namespace
}  // namespace rop::web
