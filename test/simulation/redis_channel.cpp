#include "test/simulation/redis_channel.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "operator/ports/client_list.hpp"
#include "test/simulation/oracle.hpp"
#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

namespace rop::simulation {

using ports::Reply;
using ports::Words;

void RedisChannel::begin(std::shared_ptr<Exchange> exchange) {
    const auto self = shared_from_this();
    exchange->alarm = context_.clock->after(exchange->request.deadline, [self, exchange] {
        self->context_.process->deliver([self, exchange] { self->give_up(exchange); });
    });
    queue_.push_back(std::move(exchange));
    start_next();
}

void RedisChannel::give_up(const std::shared_ptr<Exchange>& exchange) {
    if (exchange->over) {
        return;
    }
    if (current_ == exchange) {
        finish(Error{ErrorKind::unavailable, "no answer in time"}, Outcome::Contact::timed_out);
    } else {
        std::erase(queue_, exchange);  // It never got its turn.
        end(exchange, Error{ErrorKind::unavailable, "no answer in time"},
            Outcome::Contact::timed_out);
    }
}

void RedisChannel::abandon(const std::shared_ptr<Exchange>& exchange) {
    if (exchange->over) {
        return;
    }
    exchange->over = true;
    context_.clock->cancel(exchange->alarm);
    std::erase(queue_, exchange);
    if (current_ == exchange) {
        close();
        current_.reset();
        start_next();
    }
}

void RedisChannel::close() {
    if (connection_ == nullptr) {
        return;
    }
    const ConnectionPtr closed = std::exchange(connection_, nullptr);
    closed->open = false;
    closed->last_sent =
        std::max(closed->last_sent, context_.clock->now() + context_.faults->latency());
    // Whoever closes may be gone by then; the rest of what it wrote comes first all the same.
    context_.clock->at(closed->last_sent, [self = shared_from_this(), closed] {
        self->reach(closed->server, [self, closed] {
            self->context_.fleet->find(closed->server)->disconnected(closed->client);
        });
    });
}

void RedisChannel::reach(ServerId server, std::function<void()> work) {
    Fleet* const fleet = context_.fleet;
    if (context_.network == nullptr || context_.network->calm()) {
        fleet->run_in(server, std::move(work));
        return;
    }
    context_.network->deliver(
        {Network::Kind::operators, context_.host, 0}, fleet->place_of(server),
        [fleet, server, work = std::move(work)] { fleet->run_in(server, work); });
}

void RedisChannel::hear_from(ServerId server, std::function<void()> news) {
    if (context_.network == nullptr || context_.network->calm()) {
        news();
        return;
    }
    context_.network->deliver(context_.fleet->place_of(server),
                              {Network::Kind::operators, context_.host, 0}, std::move(news));
}

bool RedisChannel::is_reached(ServerId server) const {
    const Network::Place here{Network::Kind::operators, context_.host, 0};
    return context_.network == nullptr || context_.network->calm() ||
           (context_.network->hears(here, context_.fleet->place_of(server)) &&
            context_.network->hears(context_.fleet->place_of(server), here));
}

void RedisChannel::drop() {
    close();
    std::deque<std::shared_ptr<Exchange>> dropped = std::exchange(queue_, {});
    if (current_ != nullptr) {
        dropped.push_front(std::exchange(current_, nullptr));
    }
    for (const auto& exchange : dropped) {
        end(exchange, Error{ErrorKind::unavailable, "connection dropped"},
            Outcome::Contact::closed);
    }
}

void RedisChannel::end(const std::shared_ptr<Exchange>& exchange, std::optional<Error> failure,
                       Outcome::Contact contact) {
    exchange->over = true;
    context_.clock->cancel(exchange->alarm);
    exchange->outcome.contact = contact;
    exchange->outcome.failure = std::move(failure);
    context_.process->deliver([exchange] { exchange->parked->put(exchange->outcome); });
}

void RedisChannel::start_next() {
    if (current_ != nullptr || queue_.empty()) {
        return;
    }
    current_ = queue_.front();
    queue_.pop_front();
    if (connection_ != nullptr && connection_->name != current_->request.connection_name) {
        close();
    }
    if (connection_ == nullptr) {
        connect();
    } else {
        write();
    }
}

void RedisChannel::connect() {
    const auto self = shared_from_this();
    if (context_.faults->fate() != Faults::Fate::fine) {
        return;  // The SYN is lost: silence until the deadline.
    }
    const auto there_and_back = context_.faults->latency() + context_.faults->latency();
    context_.clock->after(there_and_back, [self, exchange = current_] {
        self->context_.process->deliver([self, exchange] {
            if (self->is_current(exchange)) {
                self->connected(exchange);
            }
        });
    });
}

void RedisChannel::connected(const std::shared_ptr<Exchange>& exchange) {
    RedisServer* server = context_.fleet->at(to_);
    if (server != nullptr && !is_reached(server->id())) {
        return;  // Silence until the deadline.
    }
    if (server == nullptr) {
        finish(Error{ErrorKind::unavailable, "connection refused"}, Outcome::Contact::refused);
        return;
    }
    connection_ = std::make_shared<Connection>();
    connection_->server = server->id();
    connection_->name = exchange->request.connection_name;
    const std::weak_ptr<RedisChannel> weak = weak_from_this();
    const std::weak_ptr<Connection> weak_connection = connection_;
    connection_->client = server->accept(context_.process->name(), [weak, weak_connection] {
        const auto self = weak.lock();
        const auto connection = weak_connection.lock();
        if (self != nullptr && connection != nullptr) {
            self->receive(connection, [self, connection] { self->lost(connection); });
        }
    });
    greet(exchange);
}

void RedisChannel::greet(const std::shared_ptr<Exchange>& exchange) {
    std::vector<Words> greeting;
    if (const ports::Access* access = exchange->request.access.get();
        access != nullptr && access->password) {
        greeting.push_back(access->username.empty()
                               ? Words{"AUTH", *access->password}
                               : Words{"AUTH", access->username, *access->password});
    }
    if (!connection_->name.empty()) {
        greeting.push_back({"CLIENT", "SETNAME", connection_->name});
    }
    if (greeting.empty()) {
        settle(exchange);
        return;
    }
    const auto self = shared_from_this();
    transfer(greeting, [self, exchange](std::vector<Reply> replies) {
        if (self->is_current(exchange)) {
            self->greeted(replies);
        }
    });
}

void RedisChannel::greeted(const std::vector<Reply>& replies) {
    for (const Reply& reply : replies) {
        const bool refused = reply.text.starts_with("NOAUTH") ||
                             reply.text.starts_with("WRONGPASS") ||
                             reply.text.starts_with("ERR AUTH");
        if (reply.is_error() && refused) {
            finish(Error{ErrorKind::denied, reply.text}, Outcome::Contact::auth_failed);
            return;
        }
        if (reply.is_error()) {
            finish(Error{ErrorKind::malformed, reply.text}, Outcome::Contact::garbled);
            return;
        }
    }
    settle(current_);
}

void RedisChannel::settle(const std::shared_ptr<Exchange>& exchange) {
    if (unsettled_.empty() || unsettled_ != connection_->name) {
        write();
        return;
    }
    const auto self = shared_from_this();
    const auto go_on = [self, exchange](const std::vector<Reply>&) {
        if (self->is_current(exchange)) {
            self->unsettled_.clear();
            self->write();
        }
    };
    transfer({{"CLIENT", "LIST"}}, [self, exchange, go_on](const std::vector<Reply>& replies) {
        if (!self->is_current(exchange)) {
            return;
        }
        const auto endings = ports::endings_of_older(replies.front().text, self->connection_->name);
        if (endings.empty()) {
            go_on(replies);
        } else {
            self->transfer(endings, go_on);
        }
    });
}

void RedisChannel::write() {
    write_some(0);
}

void RedisChannel::write_some(std::size_t from) {
    const auto& request = current_->request;
    if (request.may_write && !request.may_write()) {
        finish(Error{ErrorKind::fenced, "the lease is lost"}, Outcome::Contact::fine);
        return;
    }
    const std::size_t left = request.commands.size() - from;
    const std::size_t count =
        left > 1 && context_.faults->split() ? context_.faults->dice().between(1, left - 1) : left;
    const auto first = request.commands.begin() + static_cast<std::ptrdiff_t>(from);
    const std::vector<Words> commands(first, first + static_cast<std::ptrdiff_t>(count));
    current_->outcome.written = true;
    if (request.may_write) {
        unsettled_ = connection_->name;
    }
    if (context_.observer != nullptr) {
        context_.observer->commands_written(context_.process->name(), to_, connection_->name,
                                            commands);
    }
    const auto self = shared_from_this();
    const auto exchange = current_;
    if (request.may_write && context_.stall && context_.faults->stall()) {
        context_.stall();  // What was allowed is written all the same, when it goes on.
    }
    context_.process->deliver([self, exchange, connection = connection_, commands] {
        const bool same = self->is_current(exchange) && self->connection_ == connection;
        if (same && !self->context_.process->gone()) {
            self->put_on_wire(exchange, commands);
        }
    });
    if (count < left) {
        context_.clock->after(context_.faults->latency(), [self, exchange, next = from + count] {
            if (self->is_current(exchange)) {
                self->context_.process->deliver([self, exchange, next] {
                    if (self->is_current(exchange)) {
                        self->write_some(next);
                    }
                });
            }
        });
    }
}

void RedisChannel::put_on_wire(const std::shared_ptr<Exchange>& exchange,
                               const std::vector<Words>& commands) {
    const auto self = shared_from_this();
    transfer(commands, [self, exchange](std::vector<Reply> replies) {
        if (!self->is_current(exchange)) {
            return;
        }
        auto& got = exchange->outcome.replies;
        std::ranges::move(replies, std::back_inserter(got));
        if (got.size() == exchange->request.commands.size()) {
            self->finish(std::nullopt, Outcome::Contact::fine);
        }
    });
}

void RedisChannel::transfer(const std::vector<Words>& commands,
                            std::function<void(std::vector<Reply>)> on_replies) {
    const ConnectionPtr connection = connection_;
    const Faults::Fate fate = context_.faults->fate();
    auto arriving = std::make_shared<std::vector<Words>>(commands);
    if (fate == Faults::Fate::request_lost) {
        arriving->resize(context_.faults->dice().between(0, commands.size() - 1));
    }
    connection->last_sent =
        std::max(connection->last_sent, context_.clock->now() + context_.faults->latency());
    const auto self = shared_from_this();
    auto arrive = [self, connection, arriving, fate, on_replies] {
        RedisServer* server = self->context_.fleet->find(connection->server);
        if (connection->stalled || !server->connected(connection->client)) {
            return;
        }
        const auto replies = std::make_shared<std::vector<Reply>>();
        for (const Words& words : *arriving) {
            if (!server->connected(connection->client)) {
                return;  // Killed by what came before.
            }
            const std::string effect =
                changes_something(words) ? shown(words) + " at " + to_string(self->to_) : "";
            if (!effect.empty() &&
                self->context_.faults->struck(self->context_.process->name(), effect, false)) {
                return;
            }
            replies->push_back(server->execute(connection->client, words));
            if (!effect.empty() &&
                self->context_.faults->struck(self->context_.process->name(), effect, true)) {
                return;
            }
        }
        if (fate == Faults::Fate::fine) {
            self->receive(connection, [on_replies, replies] { on_replies(std::move(*replies)); });
            return;
        }
        connection->stalled = true;
        if (self->context_.faults->dice().chance(0.5)) {  // A reset; else silence.
            server->disconnected(connection->client);
            self->receive(connection, [self, connection] { self->lost(connection); });
        }
    };
    context_.clock->at(connection->last_sent, [self, connection, arrive = std::move(arrive)] {
        self->reach(connection->server, arrive);
    });
}

void RedisChannel::receive(const ConnectionPtr& connection, std::function<void()> news) {
    connection->last_received =
        std::max(connection->last_received, context_.clock->now() + context_.faults->latency());
    auto arrive = [process = context_.process, connection, news = std::move(news)] {
        if (connection->open) {
            process->deliver([connection, news] {
                if (connection->open) {
                    news();
                }
            });
        }
    };
    context_.clock->at(connection->last_received,
                       [self = shared_from_this(), connection, arrive = std::move(arrive)] {
                           self->hear_from(connection->server, arrive);
                       });
}

void RedisChannel::lost(const ConnectionPtr& connection) {
    if (connection_ != connection) {
        return;
    }
    if (current_ != nullptr) {
        finish(Error{ErrorKind::unavailable, "connection closed by the server"},
               Outcome::Contact::closed);
    }
    close();
    on_lost_(to_);
}

void RedisChannel::finish(std::optional<Error> failure, Outcome::Contact contact) {
    const auto exchange = std::exchange(current_, nullptr);
    const bool partly = exchange->outcome.written &&
                        exchange->outcome.replies.size() < exchange->request.commands.size();
    if (failure && (failure->kind != ErrorKind::fenced || partly)) {
        close();  // Replies would be out of step.
    }
    if (!failure && connection_ != nullptr && connection_->name == unsettled_) {
        unsettled_.clear();
    }
    end(exchange, std::move(failure), contact);
    start_next();
}

}  // namespace rop::simulation
