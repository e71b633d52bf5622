#pragma once

#include <cstdint>
#include <utility>

#include "operator/ports/random.hpp"

namespace rop::testing {

/// Always `start`, or counting up from it in steps: the same in every run.
class FixedRandom : public ports::RandomPort {
  public:
    explicit FixedRandom(std::uint64_t start = 0, std::uint64_t step = 0)
        : next_(start), step_(step) {}
    std::uint64_t next() override { return std::exchange(next_, next_ + step_); }

  private:
    std::uint64_t next_;
    std::uint64_t step_;
};

}  // namespace rop::testing
