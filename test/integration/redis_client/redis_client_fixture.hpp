#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "operator/observe/redis_survey.hpp"
#include "operator/redis/redis_port.hpp"
#include "operator/runtime/real_time.hpp"
#include "test/support/local_servers.hpp"

namespace rop::redis {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ports::RedisOutcome;
using ports::RedisRequest;
using ports::Words;
using testing::LocalRedis;
using Contact = RedisOutcome::Contact;

inline const std::string our_name = "redis-operator:6f1c:4";

class RedisClientTest : public ::testing::Test {
  protected:
    ~RedisClientTest() override {
        port_.reset();
        io_.restart();
        io_.run_for(5s);
    }

    template <class T>
    T run(asio::awaitable<T> work) {
        std::optional<T> outcome;
        auto keep_outcome = [&]() -> asio::awaitable<void> {
            outcome.emplace(co_await std::move(work));
        };
        asio::co_spawn(io_, keep_outcome(), [](std::exception_ptr failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
        EXPECT_TRUE(until([&] { return outcome.has_value(); }));
        return std::move(outcome).value();
    }

    template <class Done>
    [[nodiscard]] bool until(Done done) {
        const auto end = time_->now() + 10s;
        while (!done()) {
            if (time_->now() > end) {
                return false;
            }
            io_.restart();
            io_.run_one_for(20ms);
        }
        return true;
    }

    RedisOutcome send(const LocalRedis& redis, std::vector<Words> commands,
                      std::shared_ptr<const ports::Access> access = nullptr,
                      std::string name = our_name) {
        RedisRequest request;
        request.to = redis.at();
        request.access = std::move(access);
        request.connection_name = std::move(name);
        request.commands = std::move(commands);
        request.deadline = 5s;
        return run(port_->send(std::move(request)));
    }

    observe::SurveyAnswer survey(const LocalRedis& redis, bool sweep = false,
                                 std::shared_ptr<const ports::Access> access = nullptr) {
        observe::SurveyRequest request;
        request.targets.push_back(observe::SurveyTarget{InstanceId{"alloc-1"}, redis.at(), sweep});
        request.access = std::move(access);
        request.connection_name = our_name;
        request.deadline = 5s;
        return run(observe::survey(port_.get(), std::move(request))).at(0);
    }

    static std::shared_ptr<const ports::Access> access(std::string user, std::string password) {
        auto made = std::make_shared<ports::Access>();
        made->username = std::move(user);
        made->password = std::move(password);
        return made;
    }

    static std::string what(const RedisOutcome& outcome) {
        return outcome.failure ? outcome.failure->what : "";
    }

    asio::io_context io_{1};
    std::unique_ptr<ports::TimePort> time_ = runtime::make_real_time(io_.get_executor());
    std::unique_ptr<ports::RedisPort> port_ = make_redis_port(*time_);
};

}  // namespace rop::redis
