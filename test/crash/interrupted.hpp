#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

namespace rop::simulation {

/// What an operator is in the middle of.
enum class Deed {
    formation,          // Six instances and a spec, until all is as declared.
    replica_placement,  // Of a formed cluster a seventh instance, which joins and follows.
    forgetting,         // A replica died: its successor joins, it is forgotten, and stays away.
    succession,         // A primary died, and a replica was elected: likewise.
    adoption,           // Consul lost its data: the spec is applied again, and allows to adopt.
};
constexpr Deed all_deeds[] = {Deed::formation, Deed::replica_placement, Deed::forgetting,
                              Deed::succession, Deed::adoption};

[[nodiscard]] std::string to_string(Deed deed);

/// Where the operator dies: effects are counted from 1. 0: nowhere.
struct Point {
    std::size_t effect = 0;
    bool happened = false;  // After the effect and before its answer; else before it.
};

struct Ending {
    std::string failure;               // Empty: no rule was broken, and all is as declared.
    std::vector<std::string> effects;  // Of the operator that is killed, up to its death.
    std::vector<std::string> state;    // See interrupted.cpp: everything but ids and epochs.
    std::deque<std::string> story;
};

/// Lets an operator do it, kills that at the point, lets another one finish.
[[nodiscard]] Ending interrupted(Deed deed, Point point, bool print_all);

}  // namespace rop::simulation
