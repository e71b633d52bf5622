#include "operator/runtime/backoff.hpp"

#include <algorithm>

namespace rop::runtime {

Backoff::Backoff(std::chrono::milliseconds least, std::chrono::milliseconds most)
    : least_(least), most_(std::max(least, most)) {}

std::chrono::microseconds Backoff::next(std::uint64_t chance) {
    auto whole = least_;
    for (std::uint32_t i = 0; i < failures_ && whole < most_; ++i) {
        whole *= 2;
    }
    whole = std::min(whole, most_);
    ++failures_;
    const auto half = static_cast<std::uint64_t>(whole.count()) / 2;
    return whole - std::chrono::microseconds(chance % (half + 1));
}

}  // namespace rop::runtime
