#include "test/simulation/story.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "test/simulation/mischief.hpp"
#include "test/simulation/redis_server.hpp"

namespace rop::simulation {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

class Story {
  public:
    Story(std::uint64_t seed, bool print_all)
        : dice_(seed),
          options_(options_of(seed, dice_)),
          mischief_(mischief_of(dice_)),
          world_(std::make_unique<World>(options_)) {
        verdict_.seed = seed;
        if (print_all) {
            world_->trace().print_all();
        }
    }

    Verdict tell() {
        begin();
        world_->run_until([] { return false; }, mischief_.lasts);
        heal();
        if (mischief_.foreign_cluster) {
            expect_nothing();
        } else {
            expect_formed();
        }
        return conclude();
    }

  private:
    static constexpr seconds convergence_limit{120};

    void begin();
    void add_strangers();
    void add_stranger(RedisOptions options);
    void add_foreign_cluster();
    void plan_crashes();
    void crash_some_operator();
    void crash_some_instance();
    [[nodiscard]] bool may_die(const RedisServer& victim);
    void heal();
    void expect_formed();
    void expect_nothing();
    void expect_quiet();
    Verdict conclude();
    [[nodiscard]] microseconds some_time() {
        return dice_.between(microseconds{0}, microseconds{mischief_.lasts});
    }
    void fail(const std::string& why) {
        if (verdict_.failure.empty()) {
            verdict_.failure = why;
        }
    }

    Dice dice_;
    WorldOptions options_;
    Mischief mischief_;
    std::unique_ptr<World> world_;
    Verdict verdict_;
    bool healed_ = false;
};

void Story::begin() {
    world_->trace().add("the seed: " + std::to_string(options_.primaries) + " primaries with " +
                        std::to_string(options_.replicas_per_primary) + " replicas, " +
                        std::to_string(options_.instances) + " instances on " +
                        std::to_string(options_.hosts) + " hosts, " +
                        (options_.with_nomad ? "with" : "without") + " Nomad, " +
                        std::to_string(mischief_.operators) + " operators");
    Clock& clock = world_->clock();
    add_strangers();
    // The three may come in any order.
    clock.after(dice_.between(milliseconds{0}, milliseconds{2'000}), [this] { world_->run_job(); });
    clock.after(dice_.between(milliseconds{0}, milliseconds{4'000}), [this] { world_->declare(); });
    for (std::size_t host = 0; host < mischief_.operators; ++host) {
        clock.after(dice_.between(milliseconds{0}, milliseconds{3'000}),
                    [this, host] { world_->start_operator(host); });
    }
    world_->start_clients();
    world_->faults().set(mischief_.rates);
    plan_crashes();
}

void Story::add_strangers() {
    if (mischief_.keys_stranger) {
        RedisOptions stranger;
        stranger.keys = {1'000'001, 1'000'002};
        stranger.password = options_.with_password ? std::optional("of the cluster") : std::nullopt;
        add_stranger(stranger);
    }
    if (mischief_.locked_stranger) {
        RedisOptions stranger;
        stranger.password = "of somebody else";
        add_stranger(stranger);
    }
    if (mischief_.loading_stranger) {
        RedisOptions stranger;
        stranger.loading = milliseconds{dice_.between(1'000, 9'000)};
        stranger.keys = {1'000'003};
        add_stranger(stranger);
    }
    if (mischief_.plain_stranger) {
        RedisOptions stranger;
        stranger.cluster_enabled = false;
        add_stranger(stranger);
    }
    if (mischief_.foreign_cluster) {
        add_foreign_cluster();
    }
}

/// Of our job, or somebody else's under the same service name.
void Story::add_stranger(RedisOptions options) {
    // Nomad counts it among the job's: then there must be enough without it.
    if (options_.instances >= options_.wanted() && dice_.chance(0.5)) {
        world_->next_instance_is(std::move(options));
    } else {
        world_->add_stranger(std::move(options));
    }
}

void Story::add_foreign_cluster() {
    RedisOptions stranger;
    // With another password it would be left out like anybody who cannot be asked.
    stranger.password = options_.with_password ? std::optional("of the cluster") : std::nullopt;
    stranger.slots = {SlotRange{Slot{0}, Slot{slot_count - 1}}};
    stranger.keys = {1'000'004, 1'000'005};
    world_->add_stranger(stranger);
}

void Story::plan_crashes() {
    Clock& clock = world_->clock();
    for (int i = 0; i < mischief_.operator_crashes; ++i) {
        clock.after(some_time(), [this] { crash_some_operator(); });
    }
    for (int i = 0; i < mischief_.instance_crashes; ++i) {
        clock.after(some_time(), [this] { crash_some_instance(); });
    }
    for (int i = 0; i < mischief_.consul_failures; ++i) {
        const microseconds begins = some_time();
        clock.after(begins, [this] {
            world_->trace().add("Consul has no leader");
            world_->consul().fail();
        });
        clock.after(begins + dice_.between(milliseconds{50}, milliseconds{6'000}), [this] {
            if (!world_->consul().up()) {
                world_->trace().add("Consul has a leader");
                world_->consul().heal(dice_.chance(0.3));
            }
        });
    }
    for (int i = 0; i < mischief_.nomad_failures; ++i) {
        const microseconds begins = some_time();
        clock.after(begins, [this] {
            world_->trace().add("Nomad has no leader");
            world_->nomad().fail();
        });
        clock.after(begins + dice_.between(milliseconds{50}, milliseconds{6'000}), [this] {
            world_->trace().add("Nomad has a leader");
            world_->nomad().heal();
        });
    }
    if (mischief_.late_foreign) {
        clock.after(some_time(), [this] {
            const auto& record = world_->oracle().record();
            if (record && record->state == RecordState::formed) {
                add_foreign_cluster();
            }
        });
    }
}

void Story::crash_some_operator() {
    const std::size_t host = dice_.between(0, mischief_.operators - 1);
    if (!world_->operator_runs(host)) {
        return;
    }
    // Not now but after the next few things that it does: that is where crashes hurt.
    const std::uint64_t target = world_->oracle().changes() + dice_.between(0, 12);
    const Moment patience = world_->clock().now() + seconds{5};
    const auto strike = [this, host] {
        if (dice_.chance(0.3)) {
            world_->stop_operator(host);
        } else {
            world_->crash_operator(host);
        }
        world_->clock().after(dice_.between(milliseconds{10}, milliseconds{6'000}), [this, host] {
            if (!world_->operator_runs(host)) {
                world_->start_operator(host);
            }
        });
    };
    auto wait = std::make_shared<std::function<void()>>();
    *wait = [this, target, patience, strike, wait] {
        if (world_->oracle().changes() >= target || world_->clock().now() >= patience || healed_) {
            strike();
            *wait = {};
        } else {
            world_->clock().after(microseconds{200}, [wait] { (*wait)(); });
        }
    };
    (*wait)();
}

/// Whether a death now is one that can be mended without losing data or the majority: that is
/// all that is promised.
bool Story::may_die(const RedisServer& victim) {
    const auto& record = world_->oracle().record();
    const bool formed = record && record->state == RecordState::formed;
    if (!formed && !world_->oracle().has_keys()) {
        return true;
    }
    if (options_.replicas_per_primary == 0) {
        return false;
    }
    bool has_heir = victim.self().slots.empty();
    for (const RedisServer* server : world_->oracle().ours()) {
        has_heir = has_heir || (server->link_up() && server->replicates_from() == victim.id());
        const bool lonely = server->self().is_primary && server->self().slots.empty();
        if (!server->state_ok() || lonely || (!server->self().is_primary && !server->link_up())) {
            return false;
        }
        for (const auto& [node, peer] : server->table()) {
            if (peer.failed || peer.suspected || peer.handshake) {
                return false;
            }
        }
    }
    return has_heir && world_->oracle().ours().size() >= options_.wanted() && victim.alive();
}

void Story::crash_some_instance() {
    std::vector<ServerId> victims;
    for (const RedisServer* server : world_->oracle().ours()) {
        if (may_die(*server)) {
            victims.push_back(server->id());
        }
    }
    if (!victims.empty() && !healed_) {
        world_->crash_instance(dice_.pick(victims));
    }
}

void Story::heal() {
    healed_ = true;
    world_->trace().add("faults stop");
    world_->faults().stop();
    if (!world_->consul().up()) {
        world_->consul().heal(false);
    }
    if (!world_->nomad().up()) {
        world_->nomad().heal();
    }
    world_->run_until([] { return false; }, seconds{6});
    for (std::size_t host = 0; host < mischief_.operators; ++host) {
        if (!world_->operator_runs(host)) {
            world_->start_operator(host);
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
        fail("not as declared after two minutes: " + why);
        return;
    }
    verdict_.formed = true;
    expect_quiet();
}

/// An earlier cluster under our service name: nobody may be touched.
void Story::expect_nothing() {
    world_->run_for(seconds{30});
    if (world_->oracle().commands() > 0) {
        fail("commands were sent although an earlier cluster is there");
    }
    const auto views = world_->leaders_view();
    const auto view = views.find(world_->cluster());
    if (view == views.end() || view->second.status == nullptr) {
        fail("no leader has a status");
    } else if (view->second.status->phase != Phase::pending ||
               view->second.status->reason != "ExistingCluster") {
        fail("the status is " + std::string(to_string(view->second.status->phase)) + "/" +
             view->second.status->reason);
    }
}

void Story::expect_quiet() {
    constexpr int idle_rounds = 6;
    // Who left is remembered until it stayed away for a minute.
    const auto all_closed = [this] { return world_->oracle().record()->former.empty(); };
    if (!world_->run_until(all_closed, seconds{180}) && !world_->oracle().violation()) {
        fail("former members are never closed");
        return;
    }
    // The last status may still have to be written, with what the next round sees.
    world_->run_for(options_.resync + seconds{3});
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
    verdict_.trace_hash = world_->trace().hash();
    verdict_.story = world_->trace().story();
    verdict_.events = world_->clock().events_run();
    verdict_.commands = world_->oracle().commands();
    verdict_.virtual_time = world_->clock().now().time_since_epoch() - std::chrono::hours{1};
    world_.reset();
    return std::move(verdict_);
}

}  // namespace

Verdict live(std::uint64_t seed, bool print_all) {
    Story story(seed, print_all);
    return story.tell();
}

}  // namespace rop::simulation
