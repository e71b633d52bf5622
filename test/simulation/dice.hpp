#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "operator/ports/random.hpp"

namespace rop::simulation {

/// All chance of a world. The same seed gives the same numbers on every machine: nothing of
/// <random> whose results the standard leaves open is used.
class Dice {
  public:
    explicit Dice(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next();
    /// From `low` to `high`, both included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high);
    std::chrono::microseconds between(std::chrono::microseconds low,
                                      std::chrono::microseconds high);
    bool chance(double probability);
    /// `digits` lower-case hex digits.
    std::string hex(std::size_t digits);
    /// As Consul and Nomad write their ids.
    std::string uuid();
    /// An independent stream: drawing from one does not change the other.
    Dice fork() { return Dice{next()}; }

    template <class T>
    const T& pick(const std::vector<T>& from) {
        return from[between(0, from.size() - 1)];
    }

  private:
    std::uint64_t state_;
};

class SimRandom : public ports::RandomPort {
  public:
    explicit SimRandom(Dice dice) : dice_(dice) {}
    std::uint64_t next() override { return dice_.next(); }

  private:
    Dice dice_;
};

}  // namespace rop::simulation
