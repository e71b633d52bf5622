#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "api/base/result.hpp"
#include "test/simulation/dice.hpp"

namespace rop::simulation {

/// How often single messages go wrong, each a probability.
struct FaultRates {
    double request_lost = 0;   // Never arrives.
    double reply_lost = 0;     // Was carried out, and nobody is told.
    double slow = 0;           // Takes tens of milliseconds instead of tenths.
    double late = 0;           // Takes longer than anybody waits for it.
    double doubled = 0;        // A request over HTTP is carried out twice.
    double refused = 0;        // A request over HTTP is refused: 403, 429, 500.
    double agent_refused = 0;  // Likewise what Consul's agents answer themselves.
    double split = 0;          // A pipelined batch leaves in several writes.
    double stall = 0;          // A process is stopped between asking its lease and writing.
    double bus_cut = 0;        // A connection of the bus ends, with the packet that it carried.
    double spurious_wake = 0;  // A blocking query returns although nothing changed.
};

/// How Consul and Nomad say no. `which` chooses: not allowed, too many requests, no leader.
[[nodiscard]] Error refusal_of(std::uint64_t which);

/// Decides the fate of every message between an operator and the world.
class Faults {
  public:
    enum class Fate { fine, request_lost, reply_lost };

    explicit Faults(Dice dice) : dice_(dice) {}

    void set(FaultRates rates) { rates_ = rates; }
    void stop() { rates_ = FaultRates{}; }
    /// How often what went wrong, by the names of the rates.
    [[nodiscard]] const std::map<std::string_view, std::uint64_t>& counts() const {
        return counts_;
    }

    [[nodiscard]] Fate fate();
    [[nodiscard]] bool request_lost() { return happens("request-lost", rates_.request_lost); }
    /// Asked when there is a reply: a blocking query may outlive the time of faults.
    [[nodiscard]] bool reply_lost() { return happens("reply-lost", rates_.reply_lost); }
    [[nodiscard]] bool doubled() { return happens("doubled", rates_.doubled); }
    /// Why a request is refused that could be carried out.
    [[nodiscard]] std::optional<Error> refusal() { return refused("refused", rates_.refused); }
    [[nodiscard]] std::optional<Error> agent_refusal() {
        return refused("agent-refused", rates_.agent_refused);
    }
    [[nodiscard]] bool split() { return happens("split", rates_.split); }
    [[nodiscard]] bool stall() { return happens("stall", rates_.stall); }
    [[nodiscard]] bool bus_cut() { return happens("bus-cut", rates_.bus_cut); }
    /// From a moment to longer than a lease and a session.
    [[nodiscard]] std::chrono::microseconds pause() {
        return dice_.between(std::chrono::milliseconds{20}, std::chrono::milliseconds{6'000});
    }
    [[nodiscard]] bool spurious_wake() { return happens("spurious-wake", rates_.spurious_wake); }
    /// One way.
    [[nodiscard]] std::chrono::microseconds latency();
    /// Until the caller of a lost message finds out: a reset at once, or its own patience.
    [[nodiscard]] std::chrono::microseconds patience(std::chrono::microseconds most);
    [[nodiscard]] Dice& dice() { return dice_; }

    /// Asked about every effect that a process is about to have on the world, and again when it
    /// has had it and nobody was told; true: the process is dead now.
    using Strike =
        std::function<bool(const std::string& process, const std::string& effect, bool happened)>;
    void set_strike(Strike strike) { strike_ = std::move(strike); }
    [[nodiscard]] bool struck(const std::string& process, const std::string& effect,
                              bool happened) const {
        return strike_ && strike_(process, effect, happened);
    }

  private:
    bool happens(std::string_view name, double rate);
    std::optional<Error> refused(std::string_view name, double rate);

    Dice dice_;
    FaultRates rates_;
    Strike strike_;
    std::map<std::string_view, std::uint64_t> counts_;
};

}  // namespace rop::simulation
