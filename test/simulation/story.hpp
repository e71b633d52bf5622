#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "test/simulation/script.hpp"

namespace rop::simulation {

/// How one story ended.
struct Verdict {
    std::string failure;            // Empty: every rule was kept, and the end was as declared.
    std::deque<std::string> story;  // The last things that happened, one per line.
    std::uint64_t trace_hash = 0;   // Of everything that happened.
    std::uint64_t events = 0;
    std::uint64_t commands = 0;  // That operators sent to change something, each of them judged.
    std::map<std::string_view, std::uint64_t> faults;  // That took effect, by name.
    bool formed = false;
    std::chrono::microseconds virtual_time{0};
};

/// How much of a story is lived and told.
struct Telling {
    bool print_all = false;     // Everything on stdout while it happens.
    bool until_formed = false;  // It ends once all is as declared; that it stays so is not awaited.
};

[[nodiscard]] Verdict live(const Script& script, Telling how = {});

/// The same failure with less: leaves out events and rates as long as something still fails, in
/// `tries` lives at the most. For a script that fails.
[[nodiscard]] Script shortened(Script script, int tries);

}  // namespace rop::simulation
