#include "test/simulation/mischief.hpp"

namespace rop::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

WorldOptions options_of(std::uint64_t seed, Dice& dice) {
    WorldOptions options;
    options.seed = seed;
    options.hosts = dice.between(2, 4);
    options.primaries = dice.chance(0.8) ? 3 : 4;
    options.replicas_per_primary =
        static_cast<std::uint32_t>(dice.chance(0.75) ? 1 : dice.between(0, 2));
    options.instances = options.wanted();
    options.with_nomad = dice.chance(0.8);
    if (options.with_nomad && dice.chance(0.3)) {
        options.instances -= static_cast<std::uint32_t>(dice.between(1, 2));
    } else if (dice.chance(0.2)) {
        options.instances += static_cast<std::uint32_t>(dice.between(1, 2));
    }
    options.announces_ip = dice.chance(0.7);
    options.with_password = dice.chance(0.3);
    options.node_timeout = dice.chance(0.7) ? milliseconds{15'000} : milliseconds{5'000};
    options.sync_delay = milliseconds{dice.between(10, 400)};
    return options;
}

Mischief mischief_of(Dice& dice) {
    Mischief plan;
    if (dice.chance(0.1)) {
        return plan;  // A calm day.
    }
    if (dice.chance(0.7)) {
        plan.rates.request_lost = dice.chance(0.5) ? 0.01 : 0.05;
        plan.rates.reply_lost = dice.chance(0.5) ? 0.01 : 0.05;
        plan.rates.slow = 0.05;
        plan.rates.split = 0.2;
        plan.rates.spurious_wake = 0.05;
    }
    plan.lasts = seconds{dice.between(4, 20)};
    plan.operators = dice.chance(0.5) ? 2 : 1;
    plan.operator_crashes = static_cast<int>(dice.chance(0.6) ? dice.between(1, 4) : 0);
    plan.instance_crashes = static_cast<int>(dice.chance(0.5) ? dice.between(1, 3) : 0);
    plan.consul_failures = static_cast<int>(dice.chance(0.3) ? dice.between(1, 2) : 0);
    plan.nomad_failures = static_cast<int>(dice.chance(0.2) ? 1 : 0);
    plan.keys_stranger = dice.chance(0.1);
    plan.locked_stranger = dice.chance(0.1);
    plan.loading_stranger = dice.chance(0.1);
    plan.plain_stranger = dice.chance(0.1);
    plan.foreign_cluster = dice.chance(0.04);
    plan.late_foreign = !plan.foreign_cluster && dice.chance(0.06);
    return plan;
}

}  // namespace rop::simulation
