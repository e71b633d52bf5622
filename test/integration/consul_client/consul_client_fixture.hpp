#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "operator/consul/consul_port.hpp"
#include "operator/runtime/real_time.hpp"
#include "test/support/local_servers.hpp"

namespace rop::testing {

/// The real port, real time and an event loop.
class ConsulClient {
  public:
    explicit ConsulClient(const LocalConsul& server, consul::ConsulConfig config = {})
        : time(runtime::make_real_time(io.get_executor())), random(runtime::make_real_random()) {
        config.server.host = server.at().host;
        config.server.port = server.at().port;
        consul = consul::make_consul_port(*time, *random, std::move(config));
    }

    template <class T>
    T run(boost::asio::awaitable<T> work) {
        std::optional<T> outcome;
        auto keep_outcome = [&]() -> boost::asio::awaitable<void> {
            outcome.emplace(co_await std::move(work));
        };
        boost::asio::co_spawn(io, keep_outcome(), [](std::exception_ptr failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
        run_while([&] { return !outcome.has_value(); });
        return std::move(outcome).value();
    }

    template <class Condition>
    void run_while(Condition goes_on) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(40);
        while (goes_on()) {
            if (std::chrono::steady_clock::now() > give_up) {
                throw std::runtime_error("no answer within 40 s");
            }
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
    }

    /// Asks again and again until the answer is as wanted; false after 10 s.
    template <class Question, class Condition>
    bool comes_to(Question question, Condition wanted) {
        return eventually([&] { return wanted(run(question())); });
    }

    boost::asio::io_context io{1};
    std::unique_ptr<ports::TimePort> time;
    std::unique_ptr<ports::RandomPort> random;
    std::unique_ptr<ports::ConsulPort> consul;
};

/// Elections without leisure: a single server needs none.
[[nodiscard]] inline LocalConsul::Options quick_consul() {
    LocalConsul::Options options;
    options.config = R"({"performance": {"raft_multiplier": 1}, "disable_update_check": true})";
    return options;
}

/// A question about a key or a prefix that does not wait.
inline const ports::BlockingQuery now_query{};

[[nodiscard]] inline std::vector<ports::TxnOp> put(std::string key, std::string value) {
    return {ports::KvSet{std::move(key), std::move(value)}};
}

}  // namespace rop::testing
