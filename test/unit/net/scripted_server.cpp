#include "test/unit/net/scripted_server.hpp"

#include <algorithm>
#include <charconv>

#include <boost/asio/buffer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "operator/runtime/real_time.hpp"

namespace rop::testing {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

std::size_t length_of(const std::string& head) {
    constexpr std::string_view name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    std::size_t length = 0;
    if (at != std::string::npos) {
        const char* digits = head.data() + at + name.size();
        std::from_chars(digits, head.data() + head.size(), length);
    }
    return length;
}

}  // namespace

Reaction answer(unsigned status, std::string body, std::string headers) {
    std::string text = "HTTP/1.1 " + std::to_string(status) + " As Told\r\n";
    text.append(headers);
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n\r\n");
    text.append(body);
    return Reaction{std::move(text), Reaction::Then::keep};
}

ScriptedServer::ScriptedServer(asio::io_context& io)
    : io_(io), acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    asio::co_spawn(io_, accept(), asio::detached);
}

net::ServerUrl ScriptedServer::url() const {
    net::ServerUrl url;
    url.host = "127.0.0.1";
    url.port = acceptor_.local_endpoint().port();
    return url;
}

void ScriptedServer::close_idle() {
    for (const auto& socket : idle_) {
        error_code ignored;
        socket->close(ignored);
    }
    idle_.clear();
}

void ScriptedServer::stop() {
    error_code ignored;
    acceptor_.close(ignored);
    for (const auto& socket : all_) {
        socket->close(ignored);
    }
}

asio::awaitable<void> ScriptedServer::accept() {
    for (;;) {
        error_code code;
        auto accepted =
            co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, code));
        if (code) {
            co_return;
        }
        auto socket = std::make_shared<tcp::socket>(std::move(accepted));
        all_.push_back(socket);
        ++connections_;
        ++open_;
        most_at_once_ = std::max(most_at_once_, open_);
        asio::co_spawn(io_, serve(std::move(socket), connections_), asio::detached);
    }
}

asio::awaitable<void> ScriptedServer::serve(Socket socket, int number) {
    std::string text;
    error_code code;
    for (;;) {
        idle_.push_back(socket);
        auto buffer = asio::dynamic_buffer(text);
        const std::size_t head = co_await asio::async_read_until(
            *socket, buffer, "\r\n\r\n", asio::redirect_error(asio::use_awaitable, code));
        std::erase(idle_, socket);
        if (code) {
            break;
        }
        SeenRequest request{text.substr(0, head), text.substr(head), number};
        const std::size_t length = length_of(request.head);
        if (request.body.size() < length) {
            std::string rest(length - request.body.size(), '\0');
            co_await asio::async_read(*socket, asio::buffer(rest),
                                      asio::redirect_error(asio::use_awaitable, code));
            request.body += rest;
        }
        text.clear();
        requests_.push_back(std::move(request));

        Reaction reaction{{}, Reaction::Then::never_answer};
        if (!script_.empty()) {
            reaction = std::move(script_.front());
            script_.pop_front();
        }
        co_await asio::async_write(*socket, asio::buffer(reaction.bytes),
                                   asio::redirect_error(asio::use_awaitable, code));
        if (reaction.then == Reaction::Then::never_answer) {
            co_await asio::async_read_until(*socket, buffer, "\r\n\r\n",
                                            asio::redirect_error(asio::use_awaitable, code));
            break;
        }
        if (reaction.then == Reaction::Then::reset) {
            socket->set_option(tcp::socket::linger(true, 0), code);
        }
        if (reaction.then != Reaction::Then::keep) {
            break;
        }
    }
    --open_;
    error_code ignored;
    socket->close(ignored);
}

ServedTest::ServedTest()
    : time(runtime::make_real_time(io.get_executor())),
      random(runtime::make_real_random()),
      server(io) {}

ServedTest::~ServedTest() = default;

}  // namespace rop::testing
