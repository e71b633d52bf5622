#include "operator/redis/connection.hpp"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "api/shortened.hpp"
#include "operator/telemetry/log.hpp"

namespace rop::redis {
namespace {

namespace asio = boost::asio;
using ports::RedisOutcome;
using ports::Reply;
using Contact = RedisOutcome::Contact;

Contact contact_of(net::Fault fault) {
    switch (fault) {
        case net::Fault::none:
        case net::Fault::barred:
            return Contact::fine;
        case net::Fault::refused:
            return Contact::refused;
        case net::Fault::closed:
            return Contact::closed;
        case net::Fault::untrusted:
            return Contact::untrusted;
        case net::Fault::timed_out:
        case net::Fault::other:  // No route and the like: nobody said anything.
            break;
    }
    return Contact::timed_out;
}

RedisOutcome failed(Contact contact, Error why) {
    RedisOutcome outcome;
    outcome.contact = contact;
    outcome.failure = std::move(why);
    return outcome;
}

/// A server that is not Redis may repeat what it was sent.
std::string without_passwords(std::string text, const ports::Access* access) {
    if (access == nullptr) {
        return text;
    }
    for (const auto& secret : {access->password, access->former_password}) {
        if (!secret || secret->empty()) {
            continue;
        }
        for (auto at = text.find(*secret); at != std::string::npos;
             at = text.find(*secret, at + 3)) {
            text.replace(at, secret->size(), "***");
        }
    }
    return text;
}

bool is_wrong_password(const RedisOutcome& answered) {
    return !answered.failure && !answered.replies.empty() && answered.replies.front().is_error() &&
           answered.replies.front().text.starts_with("WRONGPASS");
}

bool is_denial(std::string_view text) {
    // "ERR AUTH <password> called without any password configured", "ERR invalid password".
    for (const std::string_view beginning :
         {"NOAUTH", "WRONGPASS", "NOPERM", "DENIED", "ERR AUTH", "ERR invalid password"}) {
        if (text.starts_with(beginning)) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool operator==(const Identity& a, const Identity& b) {
    if (a.name != b.name || (a.access == nullptr) != (b.access == nullptr)) {
        return false;
    }
    return a.access == b.access ||
           (a.access->username == b.access->username && a.access->password == b.access->password &&
            a.access->former_password == b.access->former_password &&
            a.access->tls == b.access->tls);
}

Connection::Connection(Options options, Identity who, OnLost on_lost)
    : options_(options),
      who_(std::move(who)),
      on_lost_(std::move(on_lost)),
      changed_(options.time->make_timer()),
      reader_(options.limits) {}

asio::awaitable<RedisOutcome> Connection::open(Endpoint at, Moment connect_until, Moment until) {
    net::StreamOptions options;
    options.piece_max = options_.write_max;
    options.tls = options_.tls;
    auto connected = co_await net::connect(options_.time, at, connect_until, options);
    if (!connected.stream) {
        Error why{ErrorKind::unavailable, std::move(connected.what)};
        end(contact_of(connected.fault), why);
        co_return failed(contact_of(connected.fault), std::move(why));
    }
    stream_ = std::move(connected.stream);
    if (contact_ != Contact::fine) {  // Closed while it was being connected.
        stream_->close();
        co_return failed(contact_, failure_);
    }
    const std::optional<std::string> none;
    auto commands = introduction(who_.access ? who_.access->password : none);
    RedisOutcome answered = co_await exchange(std::move(commands), net::Gate(), until);
    if (is_wrong_password(answered) && who_.access && who_.access->former_password) {
        commands = introduction(who_.access->former_password);
        answered = co_await exchange(std::move(commands), net::Gate(), until);
        if (!answered.failure && !is_wrong_password(answered)) {
            log::warn("takes the former password only", {{"redis", to_string(at)}});
        }
    }
    RedisOutcome outcome = judge_introduction(std::move(answered));
    if (outcome.failure) {
        end(outcome.contact, *outcome.failure);
    } else {
        is_introduced_ = true;
    }
    co_return outcome;
}

std::vector<ports::Words> Connection::introduction(std::optional<std::string> password) const {
    std::vector<ports::Words> commands;
    if (password) {
        ports::Words auth{"AUTH"};
        if (!who_.access->username.empty()) {
            auth.push_back(who_.access->username);
        }
        auth.push_back(std::move(*password));
        commands.push_back(std::move(auth));
    }
    if (!who_.name.empty()) {
        commands.push_back({"CLIENT", "SETNAME", who_.name});
    }
    return commands;
}

RedisOutcome Connection::judge_introduction(RedisOutcome answered) const {
    const bool has_auth = who_.access && who_.access->password;
    for (std::size_t i = 0; i < answered.replies.size(); ++i) {
        const Reply& reply = answered.replies[i];
        if (reply.kind == Reply::Kind::status && reply.text == "OK") {
            continue;
        }
        const std::string command = i == 0 && has_auth ? "AUTH" : "CLIENT SETNAME";
        if (!reply.is_error()) {
            return failed(Contact::garbled,
                          Error{ErrorKind::malformed, command + ": not answered with OK"});
        }
        const std::string text =
            command + ": " + shortened(without_passwords(reply.text, who_.access.get()));
        if (is_denial(reply.text)) {
            return failed(Contact::auth_failed, Error{ErrorKind::denied, text});
        }
        // Says so, and closes; the end may not have been noticed yet.
        if (reply.text.starts_with("ERR max number of clients") ||
            answered.contact == Contact::closed) {
            return failed(Contact::closed, Error{ErrorKind::unavailable, text});
        }
        return failed(Contact::garbled, Error{ErrorKind::malformed, text});
    }
    answered.replies.clear();
    answered.written = false;  // No command of the caller's.
    return answered;
}

asio::awaitable<RedisOutcome> Connection::exchange(std::vector<ports::Words> commands,
                                                   net::Gate gate, Moment until) {
    const auto self = shared_from_this();
    std::string bytes;
    for (const auto& command : commands) {
        append_command(bytes, command);
    }
    replies_.clear();
    expected_ = commands.size();
    if (!is_reading_ && !commands.empty()) {
        is_reading_ = true;
        asio::co_spawn(options_.time->executor(), read_on(), [self](std::exception_ptr bug) {
            if (bug) {
                std::rethrow_exception(bug);
            }
        });
    }
    const net::Transfer sent = co_await stream_->write(bytes, std::move(gate), until);
    if (sent.fault == net::Fault::barred) {
        end(Contact::closed, Error{ErrorKind::fenced, "leadership was lost before it was sent"});
        RedisOutcome outcome = failed(Contact::fine, failure_);
        outcome.replies = std::move(replies_);
        outcome.written = sent.bytes > 0;
        co_return outcome;
    }
    if (sent.fault != net::Fault::none && sent.fault != net::Fault::closed) {
        end(contact_of(sent.fault), Error{ErrorKind::unavailable, sent.what});
    }
    // A peer that closed may have said why before: what is still to be read tells.
    co_await wait_for_replies(commands.size(), until);
    RedisOutcome outcome;
    outcome.written = sent.bytes > 0;
    outcome.replies = std::move(replies_);
    if (outcome.replies.size() < commands.size()) {
        outcome.contact = contact_;
        outcome.failure = failure_;
    }
    replies_.clear();
    expected_ = 0;
    co_return outcome;
}

/// Returns when they are there, or when the connection has ended, at `until` at the latest.
asio::awaitable<void> Connection::wait_for_replies(std::size_t count, Moment until) {
    while (replies_.size() < count && contact_ == Contact::fine) {
        if (options_.time->now() >= until) {
            end(Contact::timed_out, Error{ErrorKind::unavailable,
                                          "no answer in time (" + std::to_string(replies_.size()) +
                                              " of " + std::to_string(count) + " replies)"});
            co_return;
        }
        co_await changed_->wait_until(until);
    }
}

/// Reads until the connection ends, whoever ends it.
asio::awaitable<void> Connection::read_on() {
    const auto self = shared_from_this();
    while (contact_ == Contact::fine) {
        const net::Transfer got = co_await stream_->read_some(buffer_.data(), buffer_.size());
        if (got.fault == net::Fault::none) {
            if (!take_replies(std::string_view(buffer_.data(), got.bytes))) {
                co_return;
            }
            continue;
        }
        const bool is_lost = is_introduced_ && contact_ == Contact::fine;
        // Who wants to see another certificate says so after the handshake (TLS 1.3).
        std::string why = got.what;
        if (got.fault == net::Fault::closed && !has_answered_ && !options_.tls) {
            why += " before any answer, as it is by a port that speaks TLS only";
        }
        end(got.fault == net::Fault::untrusted ? Contact::untrusted : Contact::closed,
            Error{ErrorKind::unavailable, std::move(why)});
        if (is_lost && on_lost_) {
            on_lost_();
        }
    }
}

/// False: what came is not what a Redis answers, and the connection was closed.
bool Connection::take_replies(std::string_view bytes) {
    has_answered_ = true;
    reader_.feed(bytes);
    for (;;) {
        auto reply = reader_.next();
        if (reply.has_error()) {
            end(Contact::garbled, std::move(reply).error());
            return false;
        }
        if (!reply.value()) {
            break;
        }
        if (replies_.size() == expected_) {
            end(Contact::garbled, Error{ErrorKind::malformed, "it talks without being asked"});
            return false;
        }
        replies_.push_back(std::move(*reply.value()));
    }
    if (replies_.size() < expected_) {
        return true;
    }
    if (!reader_.is_between_replies()) {
        end(Contact::garbled, Error{ErrorKind::malformed, "it talks without being asked"});
        return false;
    }
    changed_->wake();
    return true;
}

void Connection::close(Error why) {
    end(Contact::closed, std::move(why));
}

void Connection::end(Contact contact, Error why) {
    if (contact_ != Contact::fine) {
        return;
    }
    contact_ = contact;
    failure_ = std::move(why);
    if (stream_) {
        stream_->close();
    }
    changed_->wake();
}

}  // namespace rop::redis
