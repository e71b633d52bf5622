#include "operator/net/http_connection.hpp"

#include <utility>

#include <boost/asio/this_coro.hpp>

#include "operator/net/resolve.hpp"

namespace rop::net {

namespace asio = boost::asio;

namespace {

/// A stream cannot tell whether its peer closed it or we were stopped.
asio::awaitable<bool> is_stopped() {
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    co_return state.cancelled() != asio::cancellation_type::none;
}

/// Without trust nothing is to be expected of another attempt: a person must act.
ErrorKind kind_of(Fault fault) {
    return fault == Fault::untrusted ? ErrorKind::denied : ErrorKind::unavailable;
}

Error not_connected(const std::string& where, const Connected& connected) {
    std::string what = "connect " + where + ": " + connected.what;
    if (connected.fault == Fault::untrusted && what.find("; next: ") == std::string::npos) {
        what += "; next: look at the certificate, key and CA files that are given for it";
    }
    return Error{kind_of(connected.fault), std::move(what)};
}

}  // namespace

asio::awaitable<Result<>> HttpConnection::connect(ServerUrl server, std::shared_ptr<TlsFiles> tls,
                                                  Moment until) {
    StreamOptions options;
    options.tls = std::move(tls);
    if (server.scheme == ServerUrl::Scheme::unix_socket) {
        auto connected =
            co_await net::connect_unix(&time_, server.socket_path, until, std::move(options));
        if (!connected.stream) {
            co_return not_connected(server.socket_path, connected);
        }
        stream_ = std::move(connected.stream);
        co_return ok();
    }
    options.peer_name = server.host;
    ROP_CO_TRY(const auto addresses, co_await resolve(&time_, server.host, server.port));
    Connected last;
    last.what = "no address";
    for (const auto& address : addresses) {
        const Endpoint place{address.address().to_string(), address.port()};
        last = co_await net::connect(&time_, place, until, options);
        if (last.stream) {
            stream_ = std::move(last.stream);
            co_return ok();
        }
    }
    co_return not_connected(server.host + ":" + std::to_string(server.port), last);
}

asio::awaitable<HttpExchange> HttpConnection::exchange(std::string text, HttpLimits limits,
                                                       Moment until) {
    ResponseReader reader(limits);
    const Gate always;
    // A fault is left to the reading: a server that refuses a large request may have answered
    // before it closed.
    co_await stream_->write(text, always, until);
    for (;;) {
        const Transfer transfer = co_await stream_->read_some(buffer_.data(), buffer_.size());
        const bool stopped = co_await is_stopped();
        if (stopped) {
            stream_.reset();
            HttpExchange nothing;
            nothing.error = Error{ErrorKind::cancelled, "stopped"};
            co_return nothing;
        }
        if (transfer.fault != Fault::none) {
            co_return ended(reader, transfer);
        }
        const auto state = reader.put(std::string_view(buffer_.data(), transfer.bytes));
        if (state.has_error()) {
            stream_.reset();
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
        stream_.reset();
    }
    HttpExchange answered;
    answered.ending = HttpExchange::Ending::answered;
    answered.received = true;
    answered.response = reader.take();
    co_return answered;
}

HttpExchange HttpConnection::ended(ResponseReader& reader, const Transfer& transfer) {
    stream_.reset();
    HttpExchange end;
    end.received = reader.has_begun();
    if (reader.put_end() == ResponseReader::State::complete) {
        end.ending = HttpExchange::Ending::answered;
        end.response = reader.take();
        return end;
    }
    if (transfer.fault == Fault::untrusted) {
        end.error = Error{ErrorKind::denied, transfer.what};
        return end;
    }
    end.ending = HttpExchange::Ending::cut;
    end.error =
        Error{ErrorKind::unavailable,
              end.received ? "the connection ended in the middle of the answer"
                           : "the connection ended before an answer (" + transfer.what + ")"};
    return end;
}

}  // namespace rop::net
