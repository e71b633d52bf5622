#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/endpoint.hpp"
#include "operator/ports/tls.hpp"

namespace rop::ports {

/// One command, word by word. Sent as a RESP array of bulk strings.
using Words = std::vector<std::string>;

struct Reply {
    enum class Kind { nil, integer, text, status, error, array };
    Kind kind = Kind::nil;
    std::int64_t integer = 0;
    std::string text;  // Of text, status and error ("ERR ...", without the leading '-').
    std::vector<Reply> elements;

    [[nodiscard]] bool is_error() const { return kind == Kind::error; }
};

/// How to get in. Shared by all requests to a cluster; replaced as a whole when it changes.
struct Access {
    std::string username;                 // Empty: AUTH with the password alone, or none.
    std::optional<std::string> password;  // Never logged, never part of an error.
    /// The one before, while a new one gets around: tried where the new one is refused. Servers
    /// and operator then need not learn of it at the same moment.
    std::optional<std::string> former_password;
    std::optional<TlsSettings> tls;  // Nothing: without TLS.
};

using AccessPtr = std::shared_ptr<const Access>;

struct RedisRequest {
    Endpoint to;
    std::shared_ptr<const Access> access;  // Null: no AUTH.
    /// The kept connection must carry this name (CLIENT SETNAME, acknowledged) before the
    /// commands are written; a connection under another name is closed and made anew.
    std::string connection_name;
    std::vector<Words> commands;  // Pipelined, in this order.
    /// Asked before each write to the socket, so also after a reconnect; false: nothing more is
    /// written and the outcome is `fenced`. Empty: may always write (reads).
    std::function<bool()> may_write;
    std::chrono::milliseconds deadline{1'000};  // For connecting and everything after, together.
};

/// What came back. `replies` may be shorter than the commands when `failure` is set: commands
/// without a reply may or may not have been carried out (unless `written` says none was sent).
struct RedisOutcome {
    std::vector<Reply> replies;
    std::optional<Error> failure;
    /// Why there is no connection, when that is known: decides what the survey reports.
    /// untrusted: somebody is there, and TLS with him could not be had: `failure` says why.
    enum class Contact { fine, refused, timed_out, auth_failed, untrusted, garbled, closed };
    Contact contact = Contact::fine;
    bool written = false;  // At least a part of the commands may have reached the server.
};

/// One kept connection per endpoint, with reconnect and back-off behind it.
class RedisPort {
  public:
    virtual ~RedisPort() = default;
    virtual boost::asio::awaitable<RedisOutcome> send(RedisRequest request) = 0;

    /// Closes every kept connection at once, with what is in its buffers: we no longer lead.
    virtual void drop_all() = 0;
    /// Closes connections to endpoints that are not in `keep`.
    virtual void keep_only(const std::vector<Endpoint>& keep) = 0;
    /// Called whenever a kept connection is closed by its peer: someone may have died.
    virtual void on_closed(std::function<void(const Endpoint&)> callback) = 0;
};

}  // namespace rop::ports
