#include "operator/observe/wait_index.hpp"

#include <algorithm>

namespace rop::observe {

WaitIndex::Verdict WaitIndex::advance(std::uint64_t answered) noexcept {
    answered = std::max<std::uint64_t>(answered, 1);
    if (answered < seen_) {
        ask_from_ = 0;
        seen_ = 0;
        return Verdict::backwards;
    }
    const Verdict verdict = answered == seen_ ? Verdict::unchanged : Verdict::changed;
    ask_from_ = answered;
    seen_ = answered;
    return verdict;
}

}  // namespace rop::observe
