#pragma once

#include <string_view>

// The words of the protocol that we do not use ourselves.
namespace rop::redis::wire {

inline constexpr std::string_view primary = "master";  // A flag in CLUSTER NODES, a role in INFO.
inline constexpr std::string_view replica = "slave";

}  // namespace rop::redis::wire
