#pragma once

#include <exception>

namespace rop::runtime {

/// Whether this is what a task throws because it was stopped, and no failure of its own: also
/// what `a || b` throws when both were.
[[nodiscard]] bool is_cancellation(const std::exception_ptr& thrown);

}  // namespace rop::runtime
