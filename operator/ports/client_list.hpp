#pragma once

#include <string_view>
#include <vector>

#include "operator/ports/redis.hpp"

namespace rop::ports {

/// What ends the connections of this name that an answer to CLIENT LIST shows, but for the newest:
/// that is the one over which it was asked, as servers number connections upwards. Lines that are
/// none are skipped.
[[nodiscard]] std::vector<Words> endings_of_older(std::string_view list, std::string_view name);

}  // namespace rop::ports
