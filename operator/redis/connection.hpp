#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/endpoint.hpp"
#include "api/time.hpp"
#include "operator/net/stream.hpp"
#include "operator/net/tls.hpp"
#include "operator/ports/redis.hpp"
#include "operator/ports/time.hpp"
#include "operator/redis/resp.hpp"

namespace rop::redis {

/// What a connection tells the server about us: who we are, and that we may.
struct Identity {
    std::shared_ptr<const ports::Access> access;  // Null: no AUTH.
    std::string name;                             // Empty: no CLIENT SETNAME.

    friend bool operator==(const Identity& a, const Identity& b);
};

/// One connection to one server, made, introduced and then used for one exchange at a time. It is
/// always being read, so that the end of an idle connection is noticed when it comes. Made with
/// make_shared: its reader keeps it alive until it is closed.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Contact = ports::RedisOutcome::Contact;
    /// Called when the peer ended a connection that had been introduced.
    using OnLost = std::function<void()>;

    struct Options {
        ports::TimePort* time = nullptr;
        RespLimits limits;
        std::size_t write_max = 64U * 1024;
        std::shared_ptr<net::TlsFiles> tls;  // Null: without TLS.
    };

    Connection(Options options, Identity who, OnLost on_lost);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Connects, and returns once AUTH and CLIENT SETNAME are acknowledged. On failure `failure`
    /// and `contact` say why, and the connection is closed.
    boost::asio::awaitable<ports::RedisOutcome> open(Endpoint at, Moment connect_until,
                                                     Moment until);

    /// Sends the commands and waits for as many replies. After a failure it is of no more use:
    /// close it. The gate is asked before every write.
    boost::asio::awaitable<ports::RedisOutcome> exchange(std::vector<ports::Words> commands,
                                                         net::Gate gate, Moment until);

    /// At once; a pending exchange fails with `why`. Nothing for one that has ended already.
    void close(Error why);

    [[nodiscard]] bool is_usable() const { return is_introduced_ && contact_ == Contact::fine; }
    [[nodiscard]] const Identity& identity() const { return who_; }

  private:
    [[nodiscard]] std::vector<ports::Words> introduction(std::optional<std::string> password) const;
    [[nodiscard]] ports::RedisOutcome judge_introduction(ports::RedisOutcome answered) const;
    boost::asio::awaitable<void> wait_for_replies(std::size_t count, Moment until);
    boost::asio::awaitable<void> read_on();
    bool take_replies(std::string_view bytes);
    void end(Contact contact, Error why);

    Options options_;
    Identity who_;
    OnLost on_lost_;
    std::unique_ptr<net::Stream> stream_;
    std::unique_ptr<ports::Timer> changed_;  // Wakes the exchange; its only waiter.
    RespReader reader_;
    std::array<char, 16U * 1024> buffer_{};
    bool is_reading_ = false;
    bool is_introduced_ = false;
    bool has_answered_ = false;  // With anything at all.
    std::size_t expected_ = 0;   // Replies of the present exchange.
    std::vector<ports::Reply> replies_;
    Contact contact_ = Contact::fine;  // Anything else: it has ended.
    Error failure_{ErrorKind::unavailable, "not connected"};
};

}  // namespace rop::redis
