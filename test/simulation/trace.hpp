#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "test/simulation/clock.hpp"

namespace rop::simulation {

/// What happened, one line per event. The lines are hashed, so that two runs of one seed can be
/// compared; the last ones are kept as the story of a failure.
class Trace {
  public:
    explicit Trace(const Clock& clock) : clock_(clock) {}

    /// Prints every line as it comes, too.
    void print_all() { print_ = true; }
    void add(const std::string& line);
    /// What an operator says of itself: not part of what happened.
    void overhear(const std::string& line);
    [[nodiscard]] bool prints() const { return print_; }

    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    [[nodiscard]] const std::deque<std::string>& story() const { return story_; }

  private:
    static constexpr std::size_t story_max = 40;

    [[nodiscard]] std::string moment() const;

    const Clock& clock_;
    bool print_ = false;
    std::uint64_t hash_ = 0xcbf29ce484222325U;
    std::deque<std::string> story_;
};

}  // namespace rop::simulation
