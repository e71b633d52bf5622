#include "operator/net/http_connection.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "operator/net/resolve.hpp"

namespace rop::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

asio::awaitable<Result<>> HttpConnection::connect(ServerUrl server) {
    if (server.scheme != ServerUrl::Scheme::http) {
        co_return Error{ErrorKind::rejected, to_string(server) + " is not served yet: only http"};
    }
    ROP_CO_TRY(auto addresses, co_await resolve(&time_, server.host, server.port));
    auto connected = co_await connect_any(std::move(addresses));
    if (connected.has_error()) {
        co_return in_context("connect " + server.host + ":" + std::to_string(server.port),
                             connected.error());
    }
    co_return ok();
}

asio::awaitable<Result<>> HttpConnection::connect_any(std::vector<tcp::endpoint> to) {
    error_code code = asio::error::host_not_found;
    for (const auto& address : to) {
        close();
        co_await socket_.async_connect(address, asio::redirect_error(asio::use_awaitable, code));
        if (!code) {
            socket_.set_option(tcp::no_delay(true), code);
            co_return ok();
        }
        close();
        if (code == asio::error::operation_aborted) {
            break;
        }
    }
    const auto kind =
        code == asio::error::operation_aborted ? ErrorKind::cancelled : ErrorKind::unavailable;
    co_return Error{kind, code.message()};
}

asio::awaitable<HttpExchange> HttpConnection::exchange(std::string text, HttpLimits limits) {
    ResponseReader reader(limits);
    error_code code;
    co_await asio::async_write(socket_, asio::buffer(text),
                               asio::redirect_error(asio::use_awaitable, code));
    // A server that refuses a large request may have answered before it closed: read on.
    if (code == asio::error::operation_aborted) {
        co_return ended(reader, code);
    }
    for (;;) {
        const std::size_t count = co_await socket_.async_read_some(
            asio::buffer(buffer_), asio::redirect_error(asio::use_awaitable, code));
        if (code) {
            co_return ended(reader, code);
        }
        const auto state = reader.put(std::string_view(buffer_.data(), count));
        if (state.has_error()) {
            close();
            HttpExchange garbled;
            garbled.received = true;
            garbled.error = state.error();
            co_return garbled;
        }
        if (state.value() == ResponseReader::State::complete) {
            break;
        }
    }
    if (!reader.may_reuse()) {
        close();
    }
    HttpExchange answered;
    answered.ending = HttpExchange::Ending::answered;
    answered.received = true;
    answered.response = reader.take();
    co_return answered;
}

HttpExchange HttpConnection::ended(ResponseReader& reader, error_code code) {
    close();
    HttpExchange end;
    end.received = reader.has_begun();
    if (code == asio::error::operation_aborted) {
        end.error = Error{ErrorKind::cancelled, "stopped"};
        return end;
    }
    if (code == asio::error::eof && reader.put_end() == ResponseReader::State::complete) {
        end.ending = HttpExchange::Ending::answered;
        end.response = reader.take();
        return end;
    }
    end.ending = HttpExchange::Ending::cut;
    end.error =
        Error{ErrorKind::unavailable,
              end.received ? "the connection ended in the middle of the answer"
                           : "the connection ended before an answer (" + code.message() + ")"};
    return end;
}

bool HttpConnection::has_gone_stale() {
    error_code code;
    socket_.non_blocking(true, code);
    char byte = 0;
    socket_.receive(asio::buffer(&byte, 1), tcp::socket::message_peek, code);
    return code != asio::error::would_block;
}

void HttpConnection::close() {
    error_code ignored;
    socket_.close(ignored);
}

}  // namespace rop::net
