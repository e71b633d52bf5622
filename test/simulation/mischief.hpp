#pragma once

#include <chrono>

#include "test/simulation/world.hpp"

namespace rop::simulation {

/// What a seed makes go wrong.
struct Mischief {
    FaultRates rates;
    std::chrono::seconds lasts{10};
    std::size_t operators = 1;
    int operator_crashes = 0;
    int instance_crashes = 0;
    int consul_failures = 0;
    int nomad_failures = 0;
    bool keys_stranger = false;
    bool locked_stranger = false;   // Wrong password.
    bool loading_stranger = false;  // And keys, once it has loaded.
    bool plain_stranger = false;    // Cluster mode off.
    bool foreign_cluster = false;   // Which forbids to form.
    bool late_foreign = false;      // It appears once ours is formed.
};

/// Both follow from the dice alone.
[[nodiscard]] WorldOptions options_of(std::uint64_t seed, Dice& dice);
[[nodiscard]] Mischief mischief_of(Dice& dice);

}  // namespace rop::simulation
