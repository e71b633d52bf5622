#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/endpoint.hpp"
#include "operator/net/tls.hpp"
#include "operator/ports/time.hpp"
#include "operator/web/pages.hpp"

namespace rop::web {

struct ServerOptions {
    Endpoint listen{"127.0.0.1", 9480};  // Port 0: any free one.
    std::size_t connections = 64;        // More are closed at once, with 503.
    std::size_t header_bytes = 8U * 1024;
    std::size_t requests_per_connection = 1'000;
    std::chrono::seconds idle{30};       // For the whole next request to arrive.
    std::chrono::seconds sending{15};    // For an answer to be taken.
    std::chrono::seconds handshake{10};  // For a client to be through with TLS.
    std::shared_ptr<net::TlsFiles> tls;  // Of a server; null: plain.
};

/// An HTTP/1.1 listener, over TLS when it has certificates. What is said, and to whom, is the
/// handler's business; this is about bounds.
class Server {
  public:
    using Handler = std::function<Response(const Request&)>;

    Server(ports::TimePort& time, ServerOptions options, Handler handler);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Reads the certificates and takes the port: call it before everything that others can see.
    /// Where it listens, or why it cannot and what to do about it.
    [[nodiscard]] Result<Endpoint> listen();

    /// Serves until stop(). Returns when all connections are closed.
    [[nodiscard]] boost::asio::awaitable<void> run();
    void stop();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace rop::web
