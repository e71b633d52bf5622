#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "api/base/result.hpp"

namespace rop {

/// "15s", "500ms", "10m": the largest unit (h, m, s, ms) that divides it. 0 is "0ms".
[[nodiscard]] std::string to_string(std::chrono::milliseconds duration);

/// One whole number and one unit: ms, s, m or h. Negative, fractional, unitless and larger than
/// a year are malformed.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace rop
