#include "operator/redis/redis_port.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "operator/ports/client_list.hpp"
#include "operator/redis/connection.hpp"
#include "operator/redis/turns.hpp"

namespace rop::redis {
namespace {

namespace asio = boost::asio;
using ports::RedisOutcome;
using ports::RedisRequest;
using Contact = RedisOutcome::Contact;

/// The last attempts to get a connection, all failed.
struct Failures {
    RedisOutcome last;
    Identity who;
    std::uint32_t count = 0;
    Moment retry_at{};
};

/// One endpoint: its connection, and who waits for it.
struct Channel {
    explicit Channel(ports::TimePort* time) : turns(time) {}

    void close(const Error& why) {
        if (connection) {
            connection->close(why);
            connection.reset();
        }
    }

    Turns turns;
    std::shared_ptr<Connection> connection;
    std::optional<Failures> failures;
    /// The name of a connection that may have left commands on their way: what changes something
    /// and was not answered.
    std::string unsettled;
};

/// Closes a connection that its user left in the middle of something.
class InUse {
  public:
    explicit InUse(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
    ~InUse() {
        if (connection_) {
            connection_->close(Error{ErrorKind::cancelled, "stopped"});
        }
    }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

    void done() { connection_.reset(); }

  private:
    std::shared_ptr<Connection> connection_;
};

RedisOutcome failed(Contact contact, ErrorKind kind, std::string what) {
    RedisOutcome outcome;
    outcome.contact = contact;
    outcome.failure = Error{kind, std::move(what)};
    return outcome;
}

/// The server forgot that we had proved who we are: the next request proves it anew.
bool is_no_longer_known(const RedisOutcome& outcome) {
    return std::any_of(outcome.replies.begin(), outcome.replies.end(), [](const auto& reply) {
        return reply.is_error() && reply.text.starts_with("NOAUTH");
    });
}

class RedisClient : public ports::RedisPort {
  public:
    RedisClient(ports::TimePort& time, RedisOptions options) : time_(time), options_(options) {}
    ~RedisClient() override { drop_all(); }
    RedisClient(const RedisClient&) = delete;
    RedisClient& operator=(const RedisClient&) = delete;

    asio::awaitable<RedisOutcome> send(RedisRequest request) override;
    void drop_all() override;
    void keep_only(const std::vector<Endpoint>& keep) override;
    void on_closed(std::function<void(const Endpoint&)> callback) override {
        *on_closed_ = std::move(callback);
    }

  private:
    using Callback = std::function<void(const Endpoint&)>;

    std::shared_ptr<Channel> channel_to(const Endpoint& at);
    asio::awaitable<RedisOutcome> serve(std::shared_ptr<Channel> channel, RedisRequest request,
                                        Moment until);
    asio::awaitable<RedisOutcome> open(std::shared_ptr<Channel> channel, Endpoint at, Identity who,
                                       Moment until);
    asio::awaitable<RedisOutcome> settle(std::shared_ptr<Channel> channel,
                                         std::shared_ptr<Connection> connection, Moment until);
    std::shared_ptr<net::TlsFiles> tls_files(const ports::Access* access);
    void note_failure(Channel& channel, const RedisOutcome& outcome, Identity who) const;

    ports::TimePort& time_;
    RedisOptions options_;
    std::map<Endpoint, std::shared_ptr<Channel>> channels_;
    /// The files are read once for all instances of a cluster.
    std::map<ports::TlsSettings, std::weak_ptr<net::TlsFiles>> tls_files_;
    /// Shared with the connections, which outlive us by a turn of the event loop.
    std::shared_ptr<Callback> on_closed_ = std::make_shared<Callback>();
};

asio::awaitable<RedisOutcome> RedisClient::send(RedisRequest request) {
    const Moment until = time_.now() + request.deadline;
    const auto channel = channel_to(request.to);
    Turns::Turn turn(&channel->turns);
    const bool is_ours = co_await turn.taken(until);
    if (!is_ours) {
        co_return failed(Contact::timed_out, ErrorKind::unavailable,
                         "an earlier request took all the time");
    }
    co_return co_await serve(channel, std::move(request), until);
}

asio::awaitable<RedisOutcome> RedisClient::serve(std::shared_ptr<Channel> channel,
                                                 RedisRequest request, Moment until) {
    Identity who{std::move(request.access), std::move(request.connection_name)};
    if (channel->connection && channel->connection->is_usable() &&
        !(channel->connection->identity() == who)) {
        channel->close(Error{ErrorKind::unavailable, "another name or password is wanted"});
    }
    if (!channel->connection || !channel->connection->is_usable()) {
        RedisOutcome opened = co_await open(channel, request.to, std::move(who), until);
        if (opened.failure) {
            co_return opened;
        }
    }
    const auto connection = channel->connection;
    if (!connection) {  // drop_all() came between.
        co_return failed(Contact::closed, ErrorKind::unavailable, "the connection was closed");
    }
    InUse in_use(connection);
    if (request.may_write) {
        channel->unsettled = connection->identity().name;
    }
    RedisOutcome outcome = co_await connection->exchange(std::move(request.commands),
                                                         std::move(request.may_write), until);
    in_use.done();
    if ((!outcome.failure || !outcome.written) &&
        channel->unsettled == connection->identity().name) {
        channel->unsettled.clear();
    }
    if (outcome.failure) {
        connection->close(*outcome.failure);
    } else if (is_no_longer_known(outcome)) {
        connection->close(Error{ErrorKind::denied, "it does not know us any more"});
    }
    co_return outcome;
}

/// Commands of a connection that we gave up may still be on their way, and must not arrive after
/// what we decide next: the server ends that connection before anything is written to this one.
/// It needs no lease: only connections of our own are ended. Under another name (we look, while the
/// lock is in doubt) that waits; a greater epoch sweeps all that were before it.
asio::awaitable<RedisOutcome> RedisClient::settle(std::shared_ptr<Channel> channel,
                                                  std::shared_ptr<Connection> connection,
                                                  Moment until) {
    const std::string name = channel->unsettled;
    std::vector<ports::Words> list{{"CLIENT", "LIST"}};
    RedisOutcome settled = co_await connection->exchange(std::move(list), net::Gate(), until);
    const bool is_list =
        !settled.failure && settled.replies.front().kind == ports::Reply::Kind::text;
    if (!settled.failure && !is_list) {
        settled = failed(Contact::garbled, ErrorKind::malformed,
                         "CLIENT LIST: " + settled.replies.front().text);
    }
    if (is_list) {
        auto endings = ports::endings_of_older(settled.replies.front().text, name);
        settled = co_await connection->exchange(std::move(endings), net::Gate(), until);
    }
    for (const ports::Reply& reply : settled.replies) {  // Who is gone already answers 0.
        if (!settled.failure && reply.is_error()) {
            settled.failure = Error{ErrorKind::malformed, "CLIENT KILL: " + reply.text};
            settled.contact = Contact::garbled;
        }
    }
    if (settled.failure) {
        connection->close(*settled.failure);
    } else {
        channel->unsettled.clear();
    }
    settled.replies.clear();
    settled.written = false;  // No command of the caller's.
    co_return settled;
}

/// Leaves a usable connection in the channel, or says why not.
asio::awaitable<RedisOutcome> RedisClient::open(std::shared_ptr<Channel> channel, Endpoint at,
                                                Identity who, Moment until) {
    const Moment now = time_.now();
    if (channel->failures && now < channel->failures->retry_at && channel->failures->who == who) {
        co_return channel->failures->last;
    }
    auto on_lost = [callback = on_closed_, at] {
        if (*callback) {
            const auto call = *callback;  // It may replace itself.
            call(at);
        }
    };
    const Connection::Options options{&time_, options_.limits, options_.write_max,
                                      tls_files(who.access.get())};
    const auto connection = std::make_shared<Connection>(options, who, std::move(on_lost));
    channel->connection = connection;
    InUse in_use(connection);
    const Moment connect_until = std::min(until, now + options_.connect_limit);
    RedisOutcome opened = co_await connection->open(std::move(at), connect_until, until);
    if (!opened.failure && !channel->unsettled.empty() &&
        channel->unsettled == connection->identity().name) {
        opened = co_await settle(channel, connection, until);
    }
    in_use.done();
    if (!opened.failure) {
        channel->failures.reset();
    } else if (opened.failure->kind != ErrorKind::fenced) {  // Not the server's fault.
        note_failure(*channel, opened, std::move(who));
    }
    co_return opened;
}

void RedisClient::note_failure(Channel& channel, const RedisOutcome& outcome, Identity who) const {
    const std::uint32_t count = channel.failures ? channel.failures->count + 1 : 1;
    const auto most =
        outcome.contact == Contact::refused ? options_.back_off_refused : options_.back_off_last;
    const auto doubled = options_.back_off_first * (std::int64_t{1} << std::min(count - 1, 10U));
    channel.failures = Failures{outcome, std::move(who), count,
                                time_.now() + std::min<std::chrono::milliseconds>(doubled, most)};
}

std::shared_ptr<net::TlsFiles> RedisClient::tls_files(const ports::Access* access) {
    if (access == nullptr || !access->tls) {
        return nullptr;
    }
    std::erase_if(tls_files_, [](const auto& entry) { return entry.second.expired(); });
    auto& known = tls_files_[*access->tls];
    auto files = known.lock();
    if (!files) {
        files = std::make_shared<net::TlsFiles>(net::TlsFiles::Side::client, *access->tls);
        known = files;
    }
    return files;
}

std::shared_ptr<Channel> RedisClient::channel_to(const Endpoint& at) {
    auto& channel = channels_[at];
    if (!channel) {
        channel = std::make_shared<Channel>(&time_);
    }
    return channel;
}

void RedisClient::drop_all() {
    for (const auto& [at, channel] : channels_) {
        channel->close(Error{ErrorKind::fenced, "all connections were dropped"});
    }
}

void RedisClient::keep_only(const std::vector<Endpoint>& keep) {
    const std::set<Endpoint> kept(keep.begin(), keep.end());
    std::erase_if(channels_, [&](const auto& entry) {
        const auto& [at, channel] = entry;
        if (kept.contains(at)) {
            return false;
        }
        channel->close(Error{ErrorKind::unavailable, "it is not ours any more"});
        return channel->unsettled.empty();  // It may be ours again.
    });
}

}  // namespace

std::unique_ptr<ports::RedisPort> make_redis_port(ports::TimePort& time, RedisOptions options) {
    return std::make_unique<RedisClient>(time, options);
}

}  // namespace rop::redis
