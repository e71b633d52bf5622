#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "operator/redis/redis_port.hpp"
#include "operator/runtime/real_time.hpp"
#include "test/unit/redis/scripted_server.hpp"

namespace rop::redis::testing {

/// PONG to PING, OK to everything else.
inline ScriptedServer::Act obliging(const ports::Words& words) {
    return words[0] == "PING" ? ScriptedServer::Act{"+PONG\r\n"} : ScriptedServer::Act{};
}

/// A request under way. Stop it by its signal.
struct Pending {
    std::optional<ports::RedisOutcome> outcome;
    bool has_ended = false;  // Also without an outcome, when it was stopped.
    boost::asio::cancellation_signal stop;
};

class RedisPortTest : public ::testing::Test {
  protected:
    ~RedisPortTest() override {
        port_.reset();
        server_.reset();
        io_.restart();
        io_.run_for(std::chrono::seconds{5});
    }

    void serve(ScriptedServer::Script script) {
        server_ = std::make_unique<ScriptedServer>(io_.get_executor(), std::move(script));
    }

    void make_port(RedisOptions options = {}) { port_ = make_redis_port(*time_, options); }

    [[nodiscard]] ports::RedisRequest request(std::vector<ports::Words> commands = {
                                                  {"PING"}}) const {
        ports::RedisRequest made;
        made.to = server_->at();
        made.connection_name = "redis-operator:6f1c:4";
        made.commands = std::move(commands);
        made.deadline = std::chrono::seconds{5};
        return made;
    }

    static std::shared_ptr<const ports::Access> access(std::string user, std::string password) {
        auto made = std::make_shared<ports::Access>();
        made->username = std::move(user);
        made->password = std::move(password);
        return made;
    }

    std::shared_ptr<Pending> start(ports::RedisRequest made) {
        const auto pending = std::make_shared<Pending>();
        auto run = [](RedisPortTest* test, std::shared_ptr<Pending> mine,
                      ports::RedisRequest wanted) -> boost::asio::awaitable<void> {
            mine->outcome = co_await test->port_->send(std::move(wanted));
        };
        boost::asio::co_spawn(io_, run(this, pending, std::move(made)),
                              boost::asio::bind_cancellation_slot(
                                  pending->stop.slot(),
                                  [pending](std::exception_ptr) { pending->has_ended = true; }));
        return pending;
    }

    /// Runs the event loop until `done`, for at most ten seconds.
    template <class Done>
    [[nodiscard]] bool until(Done done) {
        const auto end = time_->now() + std::chrono::seconds{10};
        io_.restart();
        while (!done()) {
            if (time_->now() > end) {
                return false;
            }
            io_.restart();
            io_.run_one_for(std::chrono::milliseconds{20});
        }
        return true;
    }

    ports::RedisOutcome send(ports::RedisRequest made) {
        const auto pending = start(std::move(made));
        EXPECT_TRUE(until([&] { return pending->has_ended; })) << "it never ended";
        return pending->outcome.value_or(ports::RedisOutcome{});
    }

    static std::string what(const ports::RedisOutcome& outcome) {
        return outcome.failure ? outcome.failure->what : "";
    }

    boost::asio::io_context io_{1};
    std::unique_ptr<ports::TimePort> time_ = runtime::make_real_time(io_.get_executor());
    std::unique_ptr<ScriptedServer> server_;
    std::unique_ptr<ports::RedisPort> port_ = make_redis_port(*time_);
};

}  // namespace rop::redis::testing
