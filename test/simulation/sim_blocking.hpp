#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "operator/ports/consul.hpp"
#include "test/simulation/sim_call.hpp"

namespace rop::simulation {

/// What a server does with a blocking query; the same for Consul and Nomad.
template <class T>
struct BlockingServer {
    std::function<ports::Page<T>()> look;
    std::function<std::uint64_t()> index;             // Of what would be seen.
    std::function<std::optional<Error>()> refusal;    // Why nothing is answered now.
    std::function<void(std::function<bool()>)> wait;  // For the next change.
};

/// Holds a query until its index moved, its time is over, or the servers fail. Coroutine: takes
/// values. The pointers must outlive the world's events.
template <class T>
boost::asio::awaitable<Result<ports::Page<T>>> block(SimCall<ports::Page<T>> call,
                                                     BlockingServer<T> server,
                                                     ports::BlockingQuery query, Clock* clock,
                                                     Faults* faults,
                                                     std::function<void()> delivered) {
    struct State {
        bool over = false;  // Answered, or nobody waits any more.
    };
    struct Leave {
        std::shared_ptr<State> state;
        ~Leave() { state->over = true; }
    };
    const auto state = std::make_shared<State>();
    const Leave leave{state};
    const bool at_once = query.index == 0 || query.consistent;
    auto arrive = [call, server, query, clock, faults, delivered, state, at_once] {
        if (const auto why = server.refusal()) {
            state->over = true;
            call.fail(faults->latency(), *why);
            return;
        }
        const auto reply = [call, server, delivered, state] {
            state->over = true;
            call.answer(server.look(), delivered);
        };
        if (at_once || server.index() > query.index || faults->spurious_wake()) {
            reply();
            return;
        }
        server.wait([call, server, query, reply, state] {
            if (state->over) {
                return false;
            }
            if (const auto why = server.refusal()) {
                state->over = true;
                call.fail(std::chrono::microseconds{300}, *why);
                return false;
            }
            if (server.index() > query.index) {
                reply();
                return false;
            }
            return true;
        });
        const auto jitter = faults->dice().between(std::chrono::microseconds{0}, query.wait / 16);
        clock->after(query.wait + jitter, [reply, state] {
            if (!state->over) {
                reply();
            }
        });
    };
    call.send(std::move(arrive));
    Result<ports::Page<T>> answer = co_await call.wait();
    co_return answer;
}

}  // namespace rop::simulation
