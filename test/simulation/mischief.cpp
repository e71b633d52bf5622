#include <algorithm>
#include <array>
#include <span>

#include "test/simulation/script.hpp"

// What a seed makes happen. Nothing else draws from these dice.
namespace rop::simulation {

using std::chrono::milliseconds;
using Kind = Event::Kind;

namespace {

WorldOptions world_of(std::uint64_t seed, Dice& dice) {
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
    options.node_timeout = milliseconds{dice.chance(0.7) ? 15'000 : 5'000};
    options.resync = milliseconds{dice.chance(0.1) ? 10'000 : 2'000};
    if (!dice.chance(0.6)) {
        options.comeback = static_cast<Comeback>(dice.between(1, 3));
    }
    options.sync_delay = milliseconds{dice.between(10, 400)};
    return options;
}

FaultRates rates_of(Dice& dice) {
    FaultRates rates;
    rates.request_lost = dice.chance(0.5) ? 0.01 : 0.05;
    rates.reply_lost = dice.chance(0.5) ? 0.01 : 0.05;
    rates.slow = 0.05;
    rates.late = dice.chance(0.3) ? 0.01 : 0;
    rates.doubled = dice.chance(0.3) ? 0.05 : 0;
    rates.refused = dice.chance(0.3) ? 0.03 : 0;
    rates.split = 0.2;
    rates.spurious_wake = 0.05;
    rates.stall = dice.chance(0.3) ? 0.02 : 0;
    rates.bus_cut = dice.chance(0.3) ? 0.002 : 0;
    return rates;
}

/// How likely a story has a kind of event, and how often and how long it then happens.
struct Habit {
    Kind kind;
    double chance = 0;
    std::uint64_t most = 1;
    milliseconds shortest{0};
    milliseconds longest{0};
};

constexpr std::array habits{
    Habit{Kind::crash_operator, 0.5, 4, milliseconds{10}, milliseconds{6'000}},
    Habit{Kind::stop_operator, 0.2, 2, milliseconds{10}, milliseconds{6'000}},
    Habit{Kind::pause_operator, 0.3, 3, milliseconds{100}, milliseconds{8'000}},
    Habit{Kind::jump_clock, 0.1, 1, milliseconds{1'000}, milliseconds{8'000}},
    Habit{Kind::crash_instance, 0.5, 3},
    Habit{Kind::hang_instance, 0.2, 2, milliseconds{50}, milliseconds{8'000}},
    Habit{Kind::cut_replication, 0.2, 3},
    Habit{Kind::clone_instance, 0.05, 1, milliseconds{1'000}, milliseconds{8'000}},
    Habit{Kind::reuse_address, 0.06, 1},
    Habit{Kind::end_sessions, 0.2, 2},
    Habit{Kind::consul_fails, 0.25, 2, milliseconds{50}, milliseconds{6'000}},
    Habit{Kind::consul_refuses, 0.15, 2, milliseconds{50}, milliseconds{6'000}},
    Habit{Kind::consul_lags, 0.15, 2, milliseconds{100}, milliseconds{6'000}},
    Habit{Kind::nomad_fails, 0.15, 1, milliseconds{50}, milliseconds{6'000}},
    Habit{Kind::nomad_refuses, 0.1, 1, milliseconds{50}, milliseconds{6'000}},
    Habit{Kind::nomad_lags, 0.1, 1, milliseconds{100}, milliseconds{8'000}},
    Habit{Kind::cut_from_consul, 0.2, 2, milliseconds{100}, milliseconds{9'000}},
    Habit{Kind::cut_from_nomad, 0.1, 2, milliseconds{100}, milliseconds{9'000}},
    Habit{Kind::cut_from_redis, 0.25, 4, milliseconds{100}, milliseconds{9'000}},
    Habit{Kind::cut_bus, 0.2, 4, milliseconds{100}, milliseconds{9'000}},
    Habit{Kind::isolate_host, 0.1, 1, milliseconds{1'000}, milliseconds{20'000}},
    Habit{Kind::lose_host, 0.08, 1, milliseconds{1'000}, milliseconds{20'000}},
    Habit{Kind::spoil_spec, 0.08, 2, milliseconds{10}, milliseconds{4'000}},
    Habit{Kind::spoil_record, 0.06, 1, milliseconds{10}, milliseconds{4'000}},
    Habit{Kind::spoil_status, 0.08, 2},
    Habit{Kind::spoil_lock, 0.1, 2},
    Habit{Kind::spoil_epoch, 0.06, 1},
    Habit{Kind::spoil_installation, 0.04, 1},
    Habit{Kind::lose_consul_data, 0.06, 1, milliseconds{10}, milliseconds{4'000}},
};

/// What was added later is drawn from dice of its own: all other lives stay as they were.
constexpr std::array later_habits{
    Habit{Kind::agents_refuse, 0.06, 2, milliseconds{50}, milliseconds{6'000}},
    Habit{Kind::nomad_goes_back, 0.06, 1, milliseconds{50}, milliseconds{6'000}},
    Habit{Kind::bug_elsewhere, 0.04, 1, milliseconds{500}, milliseconds{8'000}},
};

class Author {
  public:
    explicit Author(std::uint64_t seed) : dice_(seed), later_dice_(~seed) {
        script_.world = world_of(seed, dice_);
    }

    Script write() {
        const bool calm = dice_.chance(0.1);
        if (!calm) {
            script_.rates = dice_.chance(0.7) ? rates_of(dice_) : FaultRates{};
            script_.lasts = milliseconds{dice_.between(3'000, 14'000)};
            script_.operators =
                dice_.chance(0.5) ? 1
                                  : dice_.between(2, std::min<std::size_t>(3, script_.world.hosts));
        }
        // The three may come in any order.
        add(Kind::run_job, milliseconds{dice_.between(0, 2'000)});
        add(Kind::declare, milliseconds{dice_.between(0, 4'000)});
        for (std::size_t i = 0; i < script_.operators; ++i) {
            Event& start = add(Kind::start_operator, milliseconds{dice_.between(0, 3'000)});
            start.who = static_cast<std::uint32_t>(i);
        }
        if (!calm) {
            add_strangers();
            add_habits(habits, dice_);
            add_ends();
            add_habits(later_habits, later_dice_);
            script_.rates.agent_refused = later_dice_.chance(0.04) ? 0.05 : 0;
        }
        std::ranges::stable_sort(script_.events, {}, &Event::at);
        return std::move(script_);
    }

  private:
    Event& add(Kind kind, milliseconds at) { return add(kind, at, dice_); }
    Event& add(Kind kind, milliseconds at, Dice& dice) {
        Event event;
        event.kind = kind;
        event.at = at;
        event.who = static_cast<std::uint32_t>(dice.between(0, 999));
        event.whom = static_cast<std::uint32_t>(dice.between(0, 999));
        script_.events.push_back(event);
        return script_.events.back();
    }
    milliseconds some_time() { return some_time(dice_); }
    milliseconds some_time(Dice& dice) {
        return milliseconds{dice.between(0, static_cast<std::uint64_t>(script_.lasts.count()))};
    }

    void add_strangers() {
        for (const Kind kind : {Kind::keys_stranger, Kind::locked_stranger, Kind::plain_stranger}) {
            if (dice_.chance(0.1)) {
                add(kind, milliseconds{0});
            }
        }
        if (dice_.chance(0.1)) {
            add(Kind::loading_stranger, milliseconds{0}).lasts =
                milliseconds{dice_.between(1'000, 9'000)};
        }
    }

    void add_habits(std::span<const Habit> all, Dice& dice) {
        for (const Habit& habit : all) {
            const bool with_nomad = script_.world.with_nomad;
            const bool about_nomad =
                habit.kind == Kind::nomad_fails || habit.kind == Kind::nomad_refuses ||
                habit.kind == Kind::nomad_lags || habit.kind == Kind::cut_from_nomad ||
                habit.kind == Kind::nomad_goes_back;
            if (!dice.chance(habit.chance) || (about_nomad && !with_nomad)) {
                continue;
            }
            const std::uint64_t times = dice.between(1, habit.most);
            for (std::uint64_t i = 0; i < times; ++i) {
                add(habit.kind, some_time(dice), dice).lasts =
                    milliseconds{dice.between(static_cast<std::uint64_t>(habit.shortest.count()),
                                              static_cast<std::uint64_t>(habit.longest.count()))};
            }
        }
    }

    /// What decides how the story ends: one of them at the most.
    void add_ends() {
        const bool disks = script_.world.keeps_disks();
        const bool anew = script_.world.comeback == Comeback::elsewhere_empty;
        if (dice_.chance(0.04)) {
            add(Kind::foreign_cluster, milliseconds{0});
        } else if (anew && dice_.chance(0.04)) {
            add(Kind::lose_everything, script_.lasts / 2);
        } else if (dice_.chance(0.06)) {
            add(Kind::foreign_cluster, some_time());
        }
        if (disks && dice_.chance(0.5)) {
            add(Kind::cut_power, some_time());
            // Who was replaced before would come back as an owner, alone.
            std::erase_if(script_.events, [](const Event& event) {
                return event.kind == Kind::crash_instance || event.kind == Kind::lose_host ||
                       event.kind == Kind::reuse_address;
            });
        }
    }

    Dice dice_;
    Dice later_dice_;
    Script script_;
};

}  // namespace

Script script_of(std::uint64_t seed) {
    return Author(seed).write();
}

}  // namespace rop::simulation
