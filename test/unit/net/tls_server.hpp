#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "operator/ports/tls.hpp"
#include "test/support/certificates.hpp"

namespace rop::testing {

/// A server that speaks TLS and says back what it hears, on a free loopback port. It is OpenSSL
/// behind Asio, set up without any code of ours.
class TlsEcho {
  public:
    struct Options {
        PemPair own;
        std::string client_ca;  // Clients must have a certificate of this authority; empty: none.
        int version_max = 0;    // TLS1_2_VERSION, ...; 0: the newest.
    };

    TlsEcho(boost::asio::io_context& io, const Options& options);

    [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    /// Of handshakes that failed here, in OpenSSL's words.
    [[nodiscard]] const std::vector<std::string>& failures() const { return failures_; }
    /// The names that clients asked for (SNI); empty when one named none.
    [[nodiscard]] const std::vector<std::string>& asked_for() const { return asked_for_; }
    [[nodiscard]] std::size_t received() const { return received_; }
    /// Connections that have come to their end.
    [[nodiscard]] int ended() const { return ended_; }
    /// What arrives from now on is left unread, until read_on().
    void stop_reading() { is_reading_ = false; }
    void read_on();
    /// Closes all connections, without a word of TLS.
    void hang_up();

  private:
    using Encrypted = boost::asio::ssl::stream<boost::asio::ip::tcp::socket>;
    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket);

    boost::asio::io_context& io_;
    boost::asio::ssl::context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::vector<std::string> failures_;
    std::vector<std::string> asked_for_;
    std::size_t received_ = 0;
    int ended_ = 0;
    bool is_reading_ = true;
    boost::asio::steady_timer read_on_;
    std::vector<std::shared_ptr<Encrypted>> open_;
};

}  // namespace rop::testing
