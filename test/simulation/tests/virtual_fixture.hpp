#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "test/simulation/clock.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/process.hpp"
#include "test/simulation/sim_time.hpp"

namespace rop::simulation {

/// A clock, an event loop and one process: what every simulated port needs.
class VirtualTest : public testing::Test {
  protected:
    /// Lets the world go on until `work` has returned, a minute at the most.
    template <class T>
    T finish(boost::asio::awaitable<T> work) {
        std::optional<T> outcome;
        auto keep_outcome = [&]() -> boost::asio::awaitable<void> {
            outcome.emplace(co_await std::move(work));
        };
        boost::asio::co_spawn(io_, keep_outcome(), [](std::exception_ptr failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
        const Moment limit = clock_.now() + std::chrono::minutes{1};
        settle();
        while (!outcome && clock_.now() < limit && clock_.step()) {
            settle();
        }
        return std::move(outcome).value();
    }

    void run_for(std::chrono::microseconds span) {
        const Moment until = clock_.now() + span;
        bool reached = false;
        clock_.at(until, [&reached] { reached = true; });
        settle();
        while (!reached && clock_.step()) {
            settle();
        }
    }

    void settle() {
        io_.restart();
        io_.poll();
    }

    Clock clock_;
    boost::asio::io_context io_{1};
    Process process_{"the process"};
    Faults faults_{Dice{5}};
    std::unique_ptr<ports::TimePort> time_ = make_sim_time(clock_, process_, io_.get_executor());
};

}  // namespace rop::simulation
