#include "operator/web/server.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/core/ignore_unused.hpp>

#include "operator/runtime/task_group.hpp"
#include "operator/runtime/within.hpp"
#include "operator/telemetry/log.hpp"

namespace rop::web {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;

Error cannot_listen(const Endpoint& at, const error_code& code) {
    std::string what = "cannot listen on " + to_string(at) + ": ";
    if (code == asio::error::address_in_use) {
        what += "another process uses this port; choose another one with --listen " + at.host +
                ":PORT (port 0 takes any free one), or find that process with ss -ltnp";
    } else if (code == asio::error::access_denied) {
        what += "this user may not; choose a port above 1023 with --listen";
    } else if (code == boost::system::errc::address_not_available) {
        what += "no interface of this host has this address; choose another one with --listen";
    } else {
        what += code.message();
    }
    return Error{ErrorKind::rejected, std::move(what)};
}

/// What one request asks, and whether the connection may be kept after its answer.
struct Asked {
    Request request;
    bool keep = false;
    bool has_body = false;            // Which nobody reads: the connection ends after the answer.
    std::optional<Response> refusal;  // What arrived is no request that we take.
};

Asked refused(unsigned status, std::string why) {
    Asked asked;
    asked.refusal = Response{status, "text/plain; charset=utf-8", std::move(why), {}};
    return asked;
}

using Encrypted = asio::ssl::stream<tcp::socket>;

tcp::socket& lowest(tcp::socket& socket) {
    return socket;
}
tcp::socket& lowest(Encrypted& stream) {
    return stream.next_layer();
}

/// One client. Stream is what the bytes go over: plain TCP, or TLS.
template <class Stream>
class Connection {
  public:
    Connection(ports::TimePort* time, Stream stream, ServerOptions options)
        : time_(time),
          stream_(std::move(stream)),
          options_(std::move(options)),
          buffer_(options_.header_bytes) {}

    asio::awaitable<void> serve(const Server::Handler* handler) {
        for (std::size_t count = 1; count <= options_.requests_per_connection; ++count) {
            auto asked = co_await runtime::within(time_, options_.idle, read());
            if (asked.has_error()) {
                co_return;
            }
            const Request& request = asked.value().request;
            const Response response =
                asked.value().refusal ? *asked.value().refusal : (*handler)(request);
            const bool keep = asked.value().keep && !asked.value().has_body &&
                              count < options_.requests_per_connection;
            auto sent =
                co_await runtime::within(time_, options_.sending, write(&request, &response, keep));
            if (sent.has_error() || !keep) {
                break;
            }
        }
        // Closing over unread bytes resets the connection, and the client may lose the answer.
        auto ended = co_await runtime::within(time_, seconds(1), drain());
        boost::ignore_unused(ended);
    }

  private:
    asio::awaitable<Result<Asked>> read() {
        http::request_parser<http::empty_body> parser;
        parser.header_limit(static_cast<std::uint32_t>(options_.header_bytes));
        error_code code;
        co_await http::async_read_header(stream_, buffer_, parser,
                                         asio::redirect_error(asio::use_awaitable, code));
        if (code == http::error::header_limit || code == http::error::buffer_overflow) {
            co_return refused(431, "the request's header is too large\n");
        }
        if (code == http::error::end_of_stream || code == http::error::partial_message ||
            (code && code.category() != http::make_error_code(http::error{}).category())) {
            co_return Error{ErrorKind::unavailable, code.message()};
        }
        if (code) {
            co_return refused(400, "this is not an HTTP request\n");
        }
        const auto& head = parser.get();
        Asked asked;
        asked.request.method = head.method_string();
        asked.request.target = head.target();
        asked.request.authorization = head[http::field::authorization];
        asked.keep = head.keep_alive();
        asked.has_body = !parser.is_done();
        co_return asked;
    }

    asio::awaitable<Result<>> write(const Request* request, const Response* response, bool keep) {
        http::response<http::string_body> message;
        message.result(response->status);
        message.version(11);
        message.set(http::field::content_type, response->content_type);
        message.set(http::field::cache_control, "no-store");
        message.set(http::field::server, "redis-operator");
        for (const auto& [name, value] : response->headers) {
            message.set(name, value);
        }
        message.keep_alive(keep);
        message.content_length(response->body.size());
        error_code code;
        if (request->method == "HEAD") {
            http::response<http::empty_body> head(message.base());
            co_await http::async_write(stream_, head,
                                       asio::redirect_error(asio::use_awaitable, code));
        } else {
            message.body() = response->body;
            co_await http::async_write(stream_, message,
                                       asio::redirect_error(asio::use_awaitable, code));
        }
        if (code) {
            co_return Error{ErrorKind::unavailable, code.message()};
        }
        co_return ok();
    }

    asio::awaitable<Result<>> drain() {
        error_code code;
        if constexpr (std::is_same_v<Stream, Encrypted>) {
            co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, code));
            stream_.next_layer().shutdown(tcp::socket::shutdown_send, code);
        } else {
            stream_.shutdown(tcp::socket::shutdown_send, code);
        }
        std::array<char, 4096> unread{};
        for (int reads = 0; reads < 64 && !code; ++reads) {
            co_await lowest(stream_).async_read_some(
                asio::buffer(unread), asio::redirect_error(asio::use_awaitable, code));
        }
        co_return ok();
    }

    ports::TimePort* time_;
    Stream stream_;
    ServerOptions options_;
    boost::beast::flat_buffer buffer_;
};

}  // namespace

struct Server::Impl {
    Impl(ports::TimePort& the_time, ServerOptions the_options, Handler the_handler)
        : time(&the_time),
          options(std::move(the_options)),
          handler(std::move(the_handler)),
          acceptor(the_time.executor()),
          connections(the_time.executor()) {}

    struct Counted {
        explicit Counted(std::size_t& the_count) : count(the_count) { ++count; }
        ~Counted() { --count; }
        Counted(const Counted&) = delete;
        Counted& operator=(const Counted&) = delete;
        std::size_t& count;
    };

    asio::awaitable<void> serve(tcp::socket socket) {
        const Counted counted(open);
        if (options.tls) {
            co_await serve_encrypted(std::move(socket));
            co_return;
        }
        Connection<tcp::socket> connection(time, std::move(socket), options);
        co_await connection.serve(&handler);
    }

    asio::awaitable<void> serve_encrypted(tcp::socket socket) {
        const auto files = options.tls->context();
        if (files.has_error()) {
            log::warn("connection not served", {{"error", files.error().what}});
            co_return;
        }
        SSL_CTX_up_ref(files.value().get());  // Asio's context gives back what it is given.
        asio::ssl::context context(files.value().get());
        Encrypted stream(std::move(socket), context);
        const auto shaken = co_await runtime::within(time, options.handshake, shake_hands(&stream));
        if (shaken.has_error()) {
            log::debug("no TLS with a client", {{"error", shaken.error().what}});
            co_return;
        }
        Connection<Encrypted> connection(time, std::move(stream), options);
        co_await connection.serve(&handler);
    }

    static asio::awaitable<Result<>> shake_hands(Encrypted* stream) {
        error_code code;
        co_await stream->async_handshake(asio::ssl::stream_base::server,
                                         asio::redirect_error(asio::use_awaitable, code));
        if (!code) {
            co_return ok();
        }
        if (code.category() == asio::error::get_ssl_category() &&
            net::is_plain_http(code.value())) {
            turn_away(&stream->next_layer(), wants_tls);
        }
        co_return Error{ErrorKind::unavailable, code.message()};
    }

    static constexpr std::string_view is_full =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
        "Content-Length: 0\r\n\r\n";
    static constexpr std::string_view wants_tls =
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
        "Content-Length: 50\r\n\r\nthis port speaks TLS: begin the URL with https://\n";

    /// Never waits: whoever comes when the house is full is not worth a coroutine.
    static void turn_away(tcp::socket* socket, std::string_view answer) {
        error_code ignored;
        socket->non_blocking(true, ignored);
        socket->write_some(asio::buffer(answer), ignored);
        socket->shutdown(tcp::socket::shutdown_send, ignored);
    }

    ports::TimePort* time;
    ServerOptions options;
    Handler handler;
    tcp::acceptor acceptor;
    runtime::TaskGroup connections;
    std::size_t open = 0;
    bool stopping = false;
};

Server::Server(ports::TimePort& time, ServerOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(time, std::move(options), std::move(handler))) {}
Server::~Server() = default;

Result<Endpoint> Server::listen() {
    const Endpoint& wanted = impl_->options.listen;
    if (impl_->options.tls) {
        ROP_TRY(impl_->options.tls->context());
    }
    error_code code;
    const auto address = asio::ip::make_address(wanted.host, code);
    if (code) {
        return cannot_listen(wanted, code);
    }
    tcp::acceptor& acceptor = impl_->acceptor;
    const tcp::endpoint at(address, wanted.port);
    acceptor.open(at.protocol(), code);
    if (!code) {
        acceptor.set_option(tcp::acceptor::reuse_address(true), code);
    }
    if (!code) {
        acceptor.bind(at, code);
    }
    if (!code) {
        acceptor.listen(tcp::acceptor::max_listen_connections, code);
    }
    if (code) {
        error_code ignored;
        acceptor.close(ignored);
        return cannot_listen(wanted, code);
    }
    return Endpoint{wanted.host, acceptor.local_endpoint().port()};
}

asio::awaitable<void> Server::run() {
    while (!impl_->stopping) {
        error_code code;
        tcp::socket socket(impl_->time->executor());
        co_await impl_->acceptor.async_accept(socket,
                                              asio::redirect_error(asio::use_awaitable, code));
        if (impl_->stopping || code == asio::error::operation_aborted) {
            break;
        }
        if (code) {  // Out of descriptors, most likely: they come back.
            log::warn("connection not accepted", {{"error", code.message()}});
            co_await impl_->time->sleep_for(milliseconds(200));
        } else if (impl_->open >= impl_->options.connections) {
            // A client that wants TLS would not understand.
            Impl::turn_away(&socket, impl_->options.tls ? std::string_view() : Impl::is_full);
        } else {
            impl_->connections.spawn("http connection", impl_->serve(std::move(socket)));
        }
    }
    co_await impl_->connections.join();
}

void Server::stop() {
    impl_->stopping = true;
    error_code ignored;
    impl_->acceptor.close(ignored);
    impl_->connections.stop();
}

}  // namespace rop::web
