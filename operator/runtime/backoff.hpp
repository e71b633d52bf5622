#pragma once

#include <chrono>
#include <cstdint>

namespace rop::runtime {

/// How long to wait before the next attempt: doubles from `least` to `most`, and then a random
/// part of up to a half is taken off, so that many who failed together do not return together.
/// Pure: chance is passed in (RandomPort::next()).
class Backoff {
  public:
    Backoff(std::chrono::milliseconds least, std::chrono::milliseconds most);

    /// After one more failure. In [least / 2, most].
    [[nodiscard]] std::chrono::microseconds next(std::uint64_t chance);
    void reset() { failures_ = 0; }
    [[nodiscard]] std::uint32_t failures() const { return failures_; }

  private:
    std::chrono::microseconds least_;
    std::chrono::microseconds most_;
    std::uint32_t failures_ = 0;
};

}  // namespace rop::runtime
