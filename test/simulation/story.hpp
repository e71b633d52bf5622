#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "test/simulation/world.hpp"

namespace rop::simulation {

/// How the story of one seed went.
struct Verdict {
    std::uint64_t seed = 0;
    std::string failure;  // Empty: all well.
    std::uint64_t trace_hash = 0;
    std::uint64_t events = 0;
    std::uint64_t commands = 0;  // Redis commands that changed something.
    bool formed = false;         // Else it was right not to.
    std::chrono::microseconds virtual_time{0};
    std::deque<std::string> story;  // The last things that happened.
};

/// Lives one world from its beginning to its end: instances come up, a spec is declared, things
/// go wrong for a while, then they stop going wrong, and everything has to be as declared within
/// two minutes and to stay quiet. All of it follows from the seed.
[[nodiscard]] Verdict live(std::uint64_t seed, bool print_all = false);

}  // namespace rop::simulation
