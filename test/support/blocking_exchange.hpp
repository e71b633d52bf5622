#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "api/endpoint.hpp"

namespace rop::testing {

/// Connects to a loopback address, writes `question`, and reads until `is_whole` accepts what came
/// or the peer closes or `limit` is over; returns what came. Nobody listens: empty.
[[nodiscard]] std::string blocking_exchange(const Endpoint& at, std::string_view question,
                                            const std::function<bool(std::string_view)>& is_whole,
                                            std::chrono::milliseconds limit = std::chrono::seconds{
                                                5});

}  // namespace rop::testing
