#include <utility>

#include "test/simulation/redis_server.hpp"
#include "test/simulation/telling.hpp"

// The time after the faults: what has to be true then, and to stay true.
namespace rop::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;

void Story::heal() {
    healed_ = true;
    world_->trace().add("faults stop");
    world_->faults().stop();
    const auto endings = std::exchange(endings_, {});
    for (const auto& once : endings) {
        run_once(once);
    }
    world_->nomad().remember();
    world_->run_until([] { return false; }, seconds{6});  // The longest that a process stands.
    for (std::size_t host = 0; host < script_.operators; ++host) {
        if (!world_->operator_runs(host)) {
            world_->start_operator(host);
        }
    }
}

/// For whoever reads why a story failed: what the leader sees in the way.
void Story::tell_what_is_said() {
    for (const auto& [name, view] : world_->leaders_view()) {
        if (view.status == nullptr) {
            continue;
        }
        for (const Condition& condition : view.status->conditions) {
            if (condition.status != Truth::yes) {
                world_->trace().add("the leader says: " + std::string(to_string(condition.type)) +
                                    "/" + condition.reason + ": " + condition.message);
            }
        }
        for (const InstanceStatus& instance : view.status->instances) {
            world_->trace().add("the leader sees: " + instance.instance.value() + " as " +
                                instance.role + ", " + instance.state);
        }
    }
}

void Story::expect_formed() {
    const Moment healed = world_->clock().now();
    while (world_->clock().now() - healed < convergence_limit && !world_->oracle().violation() &&
           !world_->unfinished().empty()) {
        world_->run_for(milliseconds{100});
    }
    if (const std::string why = world_->unfinished(); !why.empty()) {
        tell_what_is_said();
        fail("not as declared after two minutes: " + why);
        return;
    }
    verdict_.formed = true;
    if (!how_.until_formed) {
        expect_quiet();
    }
}

/// An earlier cluster under our service name: nobody may be touched.
void Story::expect_nothing() {
    world_->run_for(seconds{30});
    if (world_->oracle().commands() > 0) {
        fail("commands were sent although an earlier cluster is there");
    }
    expect_status(Phase::pending, "ExistingCluster");
}

/// Six empty instances where the record says formed: nothing is given to them without consent.
void Story::expect_mourning() {
    world_->run_for(seconds{30});
    if (!world_->oracle().owned_slots().empty()) {
        fail("slots were assigned after everything was lost");
    }
    expect_status(Phase::down, "ShardDataLost");
}

void Story::expect_status(Phase phase, const std::string& reason) {
    const auto views = world_->leaders_view();
    const auto view = views.find(world_->cluster());
    if (view == views.end() || view->second.status == nullptr) {
        fail("no leader has a status");
    } else if (view->second.status->phase != phase || view->second.status->reason != reason) {
        fail("the status is " + std::string(to_string(view->second.status->phase)) + "/" +
             view->second.status->reason);
    }
}

void Story::expect_quiet() {
    // Who left is remembered until it stayed away for a minute.
    const auto all_closed = [this] { return world_->oracle().record()->former.empty(); };
    if (!world_->run_until(all_closed, seconds{180}) && !world_->oracle().violation()) {
        fail("former members are never closed");
        return;
    }
    // The last status may still have to be written, with what the next round sees: also after a
    // watch that failed looked again, which takes it up to ten seconds.
    world_->run_for(options_.resync + seconds{15});
    const std::uint64_t before = world_->oracle().changes();
    world_->run_for(options_.resync * idle_rounds);
    if (world_->oracle().changes() != before) {
        fail("it does not stay quiet: " + std::to_string(world_->oracle().changes() - before) +
             " changes");
    }
    if (const std::string why = world_->unfinished(); !why.empty()) {
        fail("it does not stay as declared: " + why);
    }
}

Verdict Story::conclude() {
    if (world_->oracle().violation()) {
        verdict_.failure = *world_->oracle().violation();
    }
    for (const auto& [name, times] : world_->faults().counts()) {
        verdict_.faults[name] += times;
    }
    verdict_.trace_hash = world_->trace().hash();
    verdict_.story = world_->trace().story();
    verdict_.events = world_->clock().events_run();
    verdict_.commands = world_->oracle().commands();
    verdict_.virtual_time = world_->clock().now().time_since_epoch() - std::chrono::hours{1};
    over_ = true;
    world_.reset();
    return std::move(verdict_);
}

}  // namespace rop::simulation
