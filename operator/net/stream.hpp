#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "api/endpoint.hpp"
#include "api/time.hpp"
#include "operator/ports/time.hpp"

namespace rop::net {

/// Why a stream did not do what it was asked. What follows from it is for the protocol to say.
enum class Fault {
    none,
    refused,    // Nobody listens there.
    timed_out,  // Silence until the moment that was given.
    closed,     // By the peer, or by close().
    barred,     // The gate did not let it through.
    untrusted,  // No TLS: a certificate, a file, or a peer that does not speak it. See `what`.
    other,      // No route, no free descriptor, no IP address: see `what`.
};

struct Transfer {
    std::size_t bytes = 0;  // That went through before the fault.
    Fault fault = Fault::none;
    std::string what;  // One sentence; empty without a fault.
};

/// Asked right before every single write to the socket; false: nothing more is written. Empty: may
/// always write.
using Gate = std::function<bool()>;

/// A connected byte stream. One reader and one writer at a time; it must outlive both. TCP, a unix
/// socket, or TLS over either, chosen by connect().
class Stream {
  public:
    virtual ~Stream() = default;  // Closes.

    /// At least one byte, or a fault. Waits for as long as the peer is silent.
    virtual boost::asio::awaitable<Transfer> read_some(char* to, std::size_t size) = 0;

    /// All bytes in pieces of at most StreamOptions::piece_max, or a fault. A wait for room in the
    /// socket's buffer ends at `until`, and the gate is asked again after it.
    virtual boost::asio::awaitable<Transfer> write(std::string_view bytes, Gate gate,
                                                   Moment until) = 0;

    /// Nothing has arrived that was not read, and the peer has not closed: a kept connection may
    /// be used again. Never waits.
    [[nodiscard]] virtual bool is_quiet() = 0;

    /// At once, by a reset: what the kernel has not sent yet is never sent. Whoever reads or waits
    /// for room wakes with Fault::closed. May be called again.
    virtual void close() = 0;
};

class TlsFiles;

struct StreamOptions {
    std::size_t piece_max = 64U * 1024;
    /// Null: plain. Else the connection is there once the handshake is done; the gate is asked
    /// before each piece of what is encrypted, and before each write of what became of it.
    std::shared_ptr<TlsFiles> tls;
    /// The host as it was named by whoever wanted this connection, for the server's certificate;
    /// empty: the IP address. TlsSettings::server_name wins.
    std::string peer_name;
};

struct Connected {
    std::unique_ptr<Stream> stream;  // Null: see the fault.
    Fault fault = Fault::none;
    std::string what;
};

/// Connects to an IP address (names are not looked up) without delay for small packets and with
/// keep-alive. `time` must outlive the stream.
boost::asio::awaitable<Connected> connect(ports::TimePort* time, Endpoint to, Moment until,
                                          StreamOptions options);

/// As above, to a unix socket. With TLS the server's certificate is for `peer_name`, or
/// "localhost" when it is empty.
boost::asio::awaitable<Connected> connect_unix(ports::TimePort* time, std::string path,
                                               Moment until, StreamOptions options);

}  // namespace rop::net
