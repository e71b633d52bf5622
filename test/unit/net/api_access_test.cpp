// How an API is got into: tokens, names and passwords, unix sockets, and a port that wants TLS.

#include <fstream>
#include <memory>
#include <string>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/net/api_client.hpp"
#include "test/support/local_servers.hpp"
#include "test/unit/net/scripted_server.hpp"

namespace rop::net {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using testing::answer;
using ::testing::HasSubstr;
using ::testing::Not;

class ApiAccess : public ::testing::Test, public testing::ServedTest {
  protected:
    ApiAccess() {
        options.server = server.url();
        options.product = "Consul";
    }
    Result<ApiAnswer> ask() {
        api = std::make_unique<ApiClient>(*time, *random, options);
        return run(api->ask(HttpRequest::Method::get, Target("/v1/x")));
    }
    std::string head(std::size_t index) const { return server.requests().at(index).head; }

    testing::ScratchFolder folder;
    ApiOptions options;
    std::unique_ptr<ApiClient> api;
};

TEST_F(ApiAccess, TellsAProxyNameAndPassword) {
    options.basic_auth = "me:hunter2";
    server.will(answer(401, "me:hunter2 is wrong"));

    const auto refused = ask();

    EXPECT_THAT(head(0), HasSubstr("\r\nAuthorization: Basic bWU6aHVudGVyMg==\r\n"));
    EXPECT_EQ(api->refusal(refused.value()).kind, ErrorKind::denied);
    EXPECT_THAT(api->refusal(refused.value()).what, Not(HasSubstr("hunter2")));

    options.basic_auth = "me";
    server.will(answer(200, ""));
    EXPECT_TRUE(ask().has_value());
    EXPECT_THAT(head(1), HasSubstr("\r\nAuthorization: Basic bWU6\r\n"));
}

TEST_F(ApiAccess, TakesTheGivenTokenWhenThereIsNothingInTheFile) {
    options.token = "given";
    options.token_file = folder.path() + "/token";
    std::ofstream(options.token_file) << " \n";
    server.will(answer(200, ""));
    EXPECT_TRUE(ask().has_value());
    EXPECT_THAT(head(0), HasSubstr("\r\nX-Consul-Token: given\r\n"));

    options.token.clear();
    const auto refused = ask();
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::denied);
    EXPECT_THAT(refused.error().what, HasSubstr(options.token_file + " is empty"));
}

TEST_F(ApiAccess, SaysThatAPortWantsTls) {
    // What servers written in Go answer.
    server.will(answer(400, "Client sent an HTTP request to an HTTPS server.\n"));
    const auto refused = ask();
    ASSERT_TRUE(refused.has_value());
    EXPECT_THAT(api->refusal(refused.value()).what,
                HasSubstr("next: begin the address with https://"));

    // And others: an alert.
    server.will({std::string("\x15\x03\x01\x00\x02\x02\x46", 7), testing::Reaction::Then::close});
    const auto alerted = ask();
    ASSERT_TRUE(alerted.has_error());
    EXPECT_EQ(alerted.error().what,
              "GET /v1/x: the server speaks TLS; next: begin the address with https://");
}

TEST_F(ApiAccess, GoesThroughAUnixSocket) {
    const std::string path = folder.path() + "/api.sock";
    stream_protocol::acceptor acceptor(io, stream_protocol::endpoint(path));
    std::string seen;
    auto serve = [&]() -> asio::awaitable<void> {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        auto buffer = asio::dynamic_buffer(seen);
        co_await asio::async_read_until(socket, buffer, "\r\n\r\n", asio::use_awaitable);
        const std::string bytes = answer(200, "[]").bytes;
        co_await asio::async_write(socket, asio::buffer(bytes), asio::use_awaitable);
    };
    asio::co_spawn(io, serve(), [](std::exception_ptr) {});
    options.server = parse_server_url("unix://" + path).value();

    const auto answered = ask();

    ASSERT_TRUE(answered.has_value()) << answered.error().what;
    EXPECT_EQ(answered.value().response.body, "[]");
    EXPECT_THAT(seen, HasSubstr("\r\nHost: localhost\r\n"));

    acceptor.close();
    const auto refused = ask();
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_EQ(refused.error().what, "GET /v1/x: connect " + path + ": connection refused");
}

}  // namespace
}  // namespace rop::net
