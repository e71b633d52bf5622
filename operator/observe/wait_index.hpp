#pragma once

#include <cstdint>

namespace rop::observe {

/// Where a blocking query left off. Follows the rules that HashiCorp gives for Consul and Nomad: an
/// answer may come back unchanged, the index may go backwards (start over), and zero is not a
/// place to wait from: index 0 is answered for what does not exist yet, and asking with 0 again
/// would not block. Pure.
class WaitIndex {
  public:
    enum class Verdict { unchanged, changed, backwards };

    /// What to ask with. 0 asks for the current state, without waiting.
    [[nodiscard]] std::uint64_t value() const noexcept { return ask_from_; }

    /// After `backwards` the next question is asked from 0, and any index will do as its answer.
    [[nodiscard]] Verdict advance(std::uint64_t answered) noexcept;

    /// Asks from 0 next, as after an error. What was seen stays known: a restarted server that
    /// answers with a smaller index is still caught going backwards.
    void ask_anew() noexcept { ask_from_ = 0; }

  private:
    std::uint64_t ask_from_ = 0;
    std::uint64_t seen_ = 0;
};

}  // namespace rop::observe
