#pragma once

#include <span>
#include <string>
#include <string_view>

namespace rop {

/// The one of `words` that was probably meant: a few letters apart, case, '-' and '_' aside.
/// Empty when none is near, or when it is exactly what was written.
[[nodiscard]] std::string nearest(std::string_view written,
                                  std::span<const std::string_view> words);

}  // namespace rop
