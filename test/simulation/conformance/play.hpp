#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "test/simulation/conformance/moves.hpp"

namespace rop::simulation {

/// What became of a tale.
struct Played {
    std::string difference;  // Empty: model and servers agreed to the end.
    std::vector<std::string> lines;
    std::size_t replies = 0;  // That were compared.
    std::size_t states = 0;   // Of one server after one move, likewise.
};

/// `without`: moves (counted from 0) that are left out.
[[nodiscard]] Played play(std::uint64_t seed, const std::vector<std::size_t>& without,
                          RealLab& real);

/// Moves that can be left out without the difference going away. Bounded in tries.
[[nodiscard]] std::vector<std::size_t> shortened(std::uint64_t seed,
                                                 std::vector<std::size_t> without, RealLab& real);

}  // namespace rop::simulation
