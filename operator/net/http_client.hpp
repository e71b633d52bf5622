#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "operator/net/http_codec.hpp"
#include "operator/net/http_message.hpp"
#include "operator/net/url.hpp"
#include "operator/ports/time.hpp"
#include "operator/ports/tls.hpp"

namespace rop::net {

struct HttpClientOptions {
    /// Agents close the door at 100 (Nomad) or 200 (Consul) connections of one address, which all
    /// programs of a host share.
    std::size_t connections = 10;
    /// Of these, how many may be occupied by long polls: a lease must never wait behind watches.
    std::size_t polls = 7;
    std::chrono::seconds idle{60};  // An idle connection older than this is not used again.
    HttpLimits limits;
    /// How https is spoken; absent: as TlsSettings are by default. Present with a unix socket:
    /// TLS over it.
    std::optional<ports::TlsSettings> tls;
};

/// An HTTP/1.1 client for one server, over a few kept connections. Follows no redirects and
/// judges no status. Errors: unavailable, malformed, cancelled; denied when TLS does not come
/// about; rejected for a request that cannot be sent. They name method and path, never a header.
class HttpClient {
  public:
    HttpClient(ports::TimePort& time, ServerUrl server, HttpClientOptions options = {});
    ~HttpClient();  // Closes what is idle; requests under way keep what they need.
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    /// A GET is sent a second time, once, when a kept connection turns out to have been closed
    /// before anything came back. Nothing else is ever sent twice.
    boost::asio::awaitable<Result<HttpResponse>> send(HttpRequest request);

    /// A GET which the server may hold back for long. Absent: the connection ended before the
    /// answer was whole, which for a long poll means no more than that it is over.
    boost::asio::awaitable<Result<std::optional<HttpResponse>>> poll(HttpRequest request);

    /// False when all connections meant for polls are occupied: ask without waiting instead.
    [[nodiscard]] bool may_poll() const;

  private:
    class Pool;
    ports::TimePort& time_;
    std::shared_ptr<Pool> pool_;
};

}  // namespace rop::net
