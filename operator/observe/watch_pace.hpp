#pragma once

#include <chrono>
#include <cstdint>

#include "api/time.hpp"

namespace rop::observe {

/// A bucket of tokens, one per question. A watch on something that does not exist is woken by
/// every write to its table, which would make it a busy loop; a formation, where real changes
/// come in bursts, must not be slowed down. Pure.
class WatchPace {
  public:
    /// `burst` questions at once, then one per `refill`.
    WatchPace(std::uint32_t burst, std::chrono::milliseconds refill)
        : refill_(refill), debt_allowed_(refill * burst) {}

    /// Takes one token; returns when the question may be asked (`now` or later).
    [[nodiscard]] Moment take(Moment now) {
        // Counted in time: each question pushes `paid_until_` one refill ahead.
        paid_until_ = (paid_until_ < now ? now : paid_until_) + refill_;
        const Moment earliest = paid_until_ - debt_allowed_;
        return earliest < now ? now : earliest;
    }

  private:
    std::chrono::microseconds refill_;
    std::chrono::microseconds debt_allowed_;
    Moment paid_until_{};
};

}  // namespace rop::observe
