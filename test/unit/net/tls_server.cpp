#include "test/unit/net/tls_server.hpp"

#include <array>
#include <chrono>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace rop::testing {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

TlsEcho::TlsEcho(asio::io_context& io, const Options& options)
    : io_(io),
      context_(asio::ssl::context::tls_server),
      acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      read_on_(io) {
    context_.use_certificate_chain_file(options.own.cert);
    context_.use_private_key_file(options.own.key, asio::ssl::context::pem);
    if (options.version_max != 0) {
        SSL_CTX_set_min_proto_version(context_.native_handle(), TLS1_VERSION);
        SSL_CTX_set_security_level(context_.native_handle(), 0);
        SSL_CTX_set_max_proto_version(context_.native_handle(), options.version_max);
    }
    if (!options.client_ca.empty()) {
        context_.load_verify_file(options.client_ca);
        context_.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
    }
    asio::co_spawn(io_, accept(), asio::detached);
}

asio::awaitable<void> TlsEcho::accept() {
    for (;;) {
        auto socket = co_await acceptor_.async_accept(asio::use_awaitable);
        asio::co_spawn(io_, serve(std::move(socket)), asio::detached);
    }
}

void TlsEcho::read_on() {
    is_reading_ = true;
    read_on_.cancel();
}

void TlsEcho::hang_up() {
    for (const auto& stream : open_) {
        error_code ignored;
        stream->next_layer().close(ignored);
    }
}

asio::awaitable<void> TlsEcho::serve(tcp::socket socket) {
    const auto stream = std::make_shared<Encrypted>(std::move(socket), context_);
    open_.push_back(stream);
    error_code code;
    co_await stream->async_handshake(asio::ssl::stream_base::server,
                                     asio::redirect_error(asio::use_awaitable, code));
    const char* name = SSL_get_servername(stream->native_handle(), TLSEXT_NAMETYPE_host_name);
    asked_for_.emplace_back(name == nullptr ? "" : name);
    if (code) {
        failures_.push_back(code.message());
        stream->next_layer().close(code);
        co_return;
    }
    std::array<char, 65536> buffer{};
    while (!code) {
        if (!is_reading_) {
            error_code ignored;
            read_on_.expires_after(std::chrono::hours(1));
            co_await read_on_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        const std::size_t count = co_await stream->async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, code));
        received_ += count;
        if (!code) {
            co_await asio::async_write(*stream, asio::buffer(buffer.data(), count),
                                       asio::redirect_error(asio::use_awaitable, code));
        }
    }
    ++ended_;
}

}  // namespace rop::testing
