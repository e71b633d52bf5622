#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace rop {

/// What others said, as one line of at most `bytes`, whole characters of UTF-8, for errors that
/// people read.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t bytes = 200);

}  // namespace rop
