#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>

#include "test/simulation/dice.hpp"

namespace rop::simulation {

/// How often single messages go wrong, each a probability.
struct FaultRates {
    double request_lost = 0;   // Never arrives.
    double reply_lost = 0;     // Was carried out, and nobody is told.
    double slow = 0;           // Takes tens of milliseconds instead of tenths.
    double split = 0;          // A pipelined batch leaves in several writes.
    double spurious_wake = 0;  // A blocking query returns although nothing changed.
};

/// Decides the fate of every message between an operator and the world.
class Faults {
  public:
    enum class Fate { fine, request_lost, reply_lost };

    explicit Faults(Dice dice) : dice_(dice) {}

    void set(FaultRates rates) { rates_ = rates; }
    void stop() { rates_ = FaultRates{}; }

    [[nodiscard]] Fate fate();
    [[nodiscard]] bool request_lost() { return dice_.chance(rates_.request_lost); }
    /// Asked when there is a reply: a blocking query may outlive the time of faults.
    [[nodiscard]] bool reply_lost() { return dice_.chance(rates_.reply_lost); }
    [[nodiscard]] bool split() { return dice_.chance(rates_.split); }
    [[nodiscard]] bool spurious_wake() { return dice_.chance(rates_.spurious_wake); }
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
    Dice dice_;
    FaultRates rates_;
    Strike strike_;
};

}  // namespace rop::simulation
