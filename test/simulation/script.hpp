#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/world.hpp"

namespace rop::simulation {

/// One thing that happens at one moment of a story. `who` and `whom` choose among those to whom
/// it can happen then, in thousandths of their number, so that leaving out another event changes
/// nothing about this one.
struct Event {
    enum class Kind {
        // How it begins.
        run_job,
        declare,
        start_operator,
        // Whom else the service lists.
        keys_stranger,
        locked_stranger,   // Wrong password.
        loading_stranger,  // And keys, once it has loaded.
        plain_stranger,    // Cluster mode off.
        foreign_cluster,   // Before ours is formed it forbids to form.
        clone_instance,    // Another process with the node id of a member.
        reuse_address,     // A member dies, and another cluster's node gets its address.
        // Operators.
        crash_operator,  // After `whom` of its next changes.
        stop_operator,   // SIGTERM, likewise.
        pause_operator,
        jump_clock,  // The wall clock of a host, by an hour and back.
        // Redis.
        crash_instance,
        hang_instance,
        cut_replication,
        cut_power,
        lose_everything,  // Every instance dies once it is formed, and nothing is kept.
        // Consul and Nomad.
        end_sessions,
        consul_fails,  // No leader; sometimes it answers as if it were empty afterwards.
        consul_refuses,
        consul_lags,  // Plain reads of one host are answered from an old view.
        nomad_fails,
        nomad_refuses,
        nomad_lags,
        // The network, both ways or one.
        cut_from_consul,
        cut_from_nomad,
        cut_from_redis,
        cut_bus,
        isolate_host,
        lose_host,  // Never comes back as it was.
        // Keys of the operator, deleted or made garbage by somebody else.
        spoil_spec,
        spoil_record,
        spoil_status,
        spoil_lock,
        spoil_epoch,
        spoil_installation,
        lose_consul_data,  // All of them; the spec is applied again, and allows to adopt.
        // Of kept stories only: no seed draws them yet.
        agents_refuse,    // What Consul's agents answer themselves.
        nomad_goes_back,  // It fails, and then tells once of each kind how it was, or of nothing.
        bug_elsewhere,    // In every round of another cluster that is declared meanwhile.
    };
    static constexpr std::size_t kinds = static_cast<std::size_t>(Kind::bug_elsewhere) + 1;

    Kind kind = Kind::run_job;
    std::chrono::milliseconds at{0};
    std::chrono::milliseconds lasts{0};
    std::uint32_t who = 0;
    std::uint32_t whom = 0;

    /// Without it there would be no story.
    [[nodiscard]] bool is_needed() const { return kind <= Kind::start_operator; }
};

[[nodiscard]] std::string_view to_string(Event::Kind kind);

/// A whole story before it is lived: it decides everything that will happen.
struct Script {
    WorldOptions world;
    FaultRates rates;
    std::size_t operators = 1;
    std::chrono::milliseconds lasts{10'000};  // Then faults stop.
    std::vector<Event> events;
};

/// What a seed makes happen.
[[nodiscard]] Script script_of(std::uint64_t seed);

/// One line each for the world, the rates and every event; "#" begins a comment.
[[nodiscard]] std::string to_text(const Script& script);
/// Names that do not exist and numbers that are none are `malformed`.
[[nodiscard]] Result<Script> parse_script(std::string_view text);

}  // namespace rop::simulation
