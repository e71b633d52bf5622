#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "test/simulation/parking.hpp"
#include "test/simulation/sim_redis.hpp"

namespace rop::simulation {

/// One request of an operator and what has come back so far.
struct Exchange {
    ports::RedisRequest request;
    ports::RedisOutcome outcome;
    std::shared_ptr<Parking<ports::RedisOutcome>> parked;
    Clock::EventId alarm;
    bool over = false;
};

/// The kept connection to one endpoint, and who waits for it. The requests of one endpoint
/// follow each other. Lives in a shared_ptr: events on their way hold it.
class RedisChannel : public std::enable_shared_from_this<RedisChannel> {
  public:
    RedisChannel(SimRedisContext& context, Endpoint to, std::function<void(Endpoint)> on_lost)
        : context_(context), to_(std::move(to)), on_lost_(std::move(on_lost)) {}

    void begin(std::shared_ptr<Exchange> exchange);
    /// Nobody waits for it any more: its connection is out of step, and closed.
    void abandon(const std::shared_ptr<Exchange>& exchange);
    /// Our side closes, and every request ends. What was written still arrives.
    void drop();

  private:
    using Outcome = ports::RedisOutcome;

    /// One TCP connection, from both sides.
    struct Connection {
        ServerId server = 0;
        std::int64_t client = 0;
        std::string name;
        Moment last_sent{};  // Both directions keep their order.
        Moment last_received{};
        bool open = true;      // On our side.
        bool stalled = false;  // A packet is lost: nothing gets through any more.
    };
    using ConnectionPtr = std::shared_ptr<Connection>;

    void close();
    /// What this process sent arrives in a server, and what a server sent arrives here: now, or
    /// when the way is open.
    void reach(ServerId server, std::function<void()> work);
    void hear_from(ServerId server, std::function<void()> news);
    [[nodiscard]] bool is_reached(ServerId server) const;
    void give_up(const std::shared_ptr<Exchange>& exchange);
    void start_next();
    void connect();
    void connected(const std::shared_ptr<Exchange>& exchange);
    void greet(const std::shared_ptr<Exchange>& exchange);
    void greeted(const std::vector<ports::Reply>& replies);
    void settle(const std::shared_ptr<Exchange>& exchange);
    void write();
    void write_some(std::size_t from);
    void put_on_wire(const std::shared_ptr<Exchange>& exchange,
                     const std::vector<ports::Words>& commands);
    void transfer(const std::vector<ports::Words>& commands,
                  std::function<void(std::vector<ports::Reply>)> on_replies);
    void receive(const ConnectionPtr& connection, std::function<void()> news);
    void lost(const ConnectionPtr& connection);
    void finish(std::optional<Error> failure, Outcome::Contact contact);
    void end(const std::shared_ptr<Exchange>& exchange, std::optional<Error> failure,
             Outcome::Contact contact);
    [[nodiscard]] bool is_current(const std::shared_ptr<Exchange>& exchange) const {
        return current_ == exchange && !exchange->over;
    }

    SimRedisContext& context_;
    Endpoint to_;
    std::function<void(Endpoint)> on_lost_;
    ConnectionPtr connection_;
    std::string unsettled_;  // As in operator/redis/redis_port.cpp.
    std::shared_ptr<Exchange> current_;
    std::deque<std::shared_ptr<Exchange>> queue_;
};

}  // namespace rop::simulation
