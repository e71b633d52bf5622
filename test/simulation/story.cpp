#include "test/simulation/story.hpp"

#include <memory>
#include <utility>

#include "test/simulation/redis_server.hpp"
#include "test/simulation/telling.hpp"

namespace rop::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using Kind = Event::Kind;

std::string to_string(Comeback comeback) {
    switch (comeback) {
        case Comeback::elsewhere_empty:
            return "elsewhere and empty";
        case Comeback::elsewhere_with_disk:
            return "elsewhere with their data";
        case Comeback::in_place_empty:
            return "in place and empty";
        case Comeback::in_place_with_disk:
            return "in place with their data";
    }
    return "";
}

Story::Story(Script script, Telling how)
    : script_(std::move(script)),
      how_(how),
      options_(script_.world),
      world_(std::make_unique<World>(options_)) {
    if (how_.print_all) {
        world_->trace().print_all();
    }
}

Verdict Story::tell() {
    world_->trace().add("the seed: " + std::to_string(options_.primaries) + " primaries with " +
                        std::to_string(options_.replicas_per_primary) + " replicas, " +
                        std::to_string(options_.instances) + " instances on " +
                        std::to_string(options_.hosts) + " hosts, " +
                        (options_.with_nomad ? "with" : "without") + " Nomad, " +
                        std::to_string(script_.operators) + " operators, instances come back " +
                        to_string(options_.comeback));
    world_->oracle().on_change([this] { changed(); });
    world_->start_clients();
    world_->faults().set(script_.rates);
    for (const Event& event : script_.events) {
        if (event.at.count() == 0 && !event.is_needed()) {
            happen(event);  // Before the job runs.
        } else {
            later(event.at, [this, event] {
                if (!healed_ || event.is_needed()) {
                    happen(event);
                }
            });
        }
    }
    world_->run_until([] { return false; }, script_.lasts);
    heal();
    if (foreign_) {
        expect_nothing();
    } else if (lost_) {
        expect_mourning();
    } else {
        expect_formed();
    }
    return conclude();
}

void Story::later(microseconds span, std::function<void()> work) {
    world_->clock().after(span, [this, work = std::move(work)] {
        if (!over_) {
            work();
        }
    });
}

void Story::until(milliseconds lasts, std::function<void()> end) {
    const auto once = std::make_shared<std::function<void()>>(std::move(end));
    endings_.push_back(once);
    later(lasts, [once] { run_once(once); });
}

void Story::happen(const Event& event) {
    switch (event.kind) {
        case Kind::run_job:
            world_->run_job();
            return;
        case Kind::declare:
            world_->declare();
            return;
        case Kind::start_operator:
            world_->start_operator(event.who);
            return;
        case Kind::keys_stranger:
        case Kind::locked_stranger:
        case Kind::loading_stranger:
        case Kind::plain_stranger:
            begin_stranger(event);
            return;
        case Kind::foreign_cluster:
            begin_foreign_cluster(event);
            return;
        case Kind::crash_operator:
        case Kind::stop_operator:
        case Kind::pause_operator:
        case Kind::jump_clock:
            hit_operator(event);
            return;
        case Kind::clone_instance:
        case Kind::reuse_address:
        case Kind::crash_instance:
        case Kind::hang_instance:
        case Kind::cut_replication:
        case Kind::cut_power:
        case Kind::lose_everything:
            hit_instance(event);
            return;
        case Kind::end_sessions:
        case Kind::consul_fails:
        case Kind::consul_refuses:
        case Kind::consul_lags:
        case Kind::nomad_fails:
        case Kind::nomad_refuses:
        case Kind::nomad_lags:
        case Kind::agents_refuse:
        case Kind::nomad_goes_back:
            hit_stores(event);
            return;
        case Kind::cut_from_consul:
        case Kind::cut_from_nomad:
        case Kind::cut_from_redis:
        case Kind::cut_bus:
        case Kind::isolate_host:
        case Kind::lose_host:
            hit_network(event);
            return;
        case Kind::spoil_spec:
        case Kind::spoil_record:
        case Kind::spoil_status:
        case Kind::spoil_lock:
        case Kind::spoil_epoch:
        case Kind::spoil_installation:
            hit_keys(event);
            return;
        case Kind::lose_consul_data:
            lose_consul_data(event);
            return;
        case Kind::bug_elsewhere:
            fail_elsewhere(event);
            return;
    }
}

/// Of our job, or somebody else's under the same service name.
void Story::begin_stranger(const Event& event) {
    RedisOptions stranger;
    if (options_.with_password) {
        stranger.password = "of the cluster";
    }
    if (event.kind == Kind::keys_stranger) {
        stranger.keys = {1'000'001, 1'000'002};
    } else if (event.kind == Kind::locked_stranger) {
        stranger.password = "of somebody else";
    } else if (event.kind == Kind::loading_stranger) {
        stranger.loading = event.lasts;
        stranger.keys = {1'000'003};
    } else {
        stranger.cluster_enabled = false;
    }
    count(event);
    // Nomad counts it among the job's: then there must be enough without it.
    const bool before_the_job = event.at.count() == 0;
    if (before_the_job && options_.instances >= options_.wanted() && event.whom < 500) {
        world_->next_instance_is(std::move(stranger));
    } else {
        world_->add_stranger(std::move(stranger));
    }
}

void Story::begin_foreign_cluster(const Event& event) {
    const bool first = event.at.count() == 0;
    if (!first && !is_formed()) {
        return;
    }
    foreign_ = foreign_ || first;
    count(event);
    RedisOptions stranger;
    if (options_.with_password) {  // With another it would be left out like anybody locked.
        stranger.password = "of the cluster";
    }
    stranger.slots = {SlotRange{Slot{0}, Slot{slot_count - 1}}};
    stranger.keys = {1'000'004, 1'000'005};
    world_->add_stranger(stranger);
}

void Story::hit_operator(const Event& event) {
    const std::size_t host = some_operator(event.who);
    if (event.kind == Kind::jump_clock) {
        count(event);
        constexpr std::chrono::hours far{1};
        world_->set_wall_error(host, event.whom < 500 ? -milliseconds{far} : milliseconds{far});
        until(event.lasts, [this, host] { world_->set_wall_error(host, milliseconds{0}); });
        return;
    }
    if (!world_->operator_runs(host)) {
        return;
    }
    if (event.kind == Kind::pause_operator) {
        count(event);
        world_->pause_operator(host, event.lasts);
    } else {
        strike_operator(event);
    }
}

void Story::hit_instance(const Event& event) {
    switch (event.kind) {
        case Kind::clone_instance:
            clone(event);
            return;
        case Kind::reuse_address:
            reuse_address(event);
            return;
        case Kind::hang_instance:
            hang(event);
            return;
        case Kind::lose_everything:
            if (is_formed() && world_->network().calm()) {
                count(event);
                lost_ = true;
                cut_power();
            }
            return;
        case Kind::cut_power:
            // In the middle of a formation this is left out: members that are replaced before they
            // are back may come back as owners of what their successors have.
            if (world_->network().calm() && !clone_ && !is_forming()) {
                count(event);
                cut_power();
            }
            return;
        case Kind::cut_replication:
            if (const auto living = world_->fleet().alive(); !living.empty()) {
                count(event);
                chosen(living, event.who)->cut_replication();
            }
            return;
        default:
            if (const auto found = victims(); !found.empty()) {
                count(event);
                world_->crash_instance(chosen(found, event.who));
            }
            return;
    }
}

void Story::hit_stores(const Event& event) {
    if (event.kind != Kind::nomad_goes_back) {
        count(event);
    }
    Consul& consul = world_->consul();
    Nomad& nomad = world_->nomad();
    const std::string host = world_->nomad().hosts().at(some_host(event.who)).name;
    world_->trace().add(std::string(to_string(event.kind)) + " " + host);
    switch (event.kind) {
        case Kind::end_sessions:
            consul.lose_sessions(host);
            return;
        case Kind::consul_fails:
            consul.fail();
            until(event.lasts, [&consul, forgets = event.whom < 300] { consul.heal(forgets); });
            return;
        case Kind::consul_refuses:
            consul.refuse(refusal_of(event.whom));
            until(event.lasts, [&consul] { consul.refuse(std::nullopt); });
            return;
        case Kind::consul_lags:
            consul.lag(host);
            until(event.lasts, [&consul] { consul.catch_up(); });
            return;
        case Kind::nomad_fails:
            nomad.fail();
            until(event.lasts, [&nomad] { nomad.heal(); });
            return;
        case Kind::nomad_goes_back:
            nomad.fail();
            until(event.lasts, [this, event, &nomad] {
                nomad.heal(event.whom / 100, [this, event] { count(event); });
            });
            return;
        case Kind::agents_refuse:
            consul.refuse_by_agents(refusal_of(event.whom));
            until(event.lasts, [&consul] { consul.refuse_by_agents(std::nullopt); });
            return;
        case Kind::nomad_refuses:
            nomad.refuse(refusal_of(event.whom));
            until(event.lasts, [&nomad] { nomad.refuse(std::nullopt); });
            return;
        default:
            nomad.lag();
            until(event.lasts, [&nomad] { nomad.catch_up(); });
            return;
    }
}

void Story::hit_network(const Event& event) {
    const Network::Some here{Network::Kind::operators,
                             world_->address_of_host(some_operator(event.who)), 0};
    switch (event.kind) {
        case Kind::cut_from_consul:
            cut(event, here, {Network::Kind::consul, "", 0});
            return;
        case Kind::cut_from_nomad:
            cut(event, here, {Network::Kind::nomad, "", 0});
            return;
        case Kind::cut_from_redis:
            if (const auto living = world_->fleet().alive(); !living.empty()) {
                cut(event, here, {Network::Kind::redis, "", chosen(living, event.whom)->id()});
            }
            return;
        case Kind::cut_bus:
            if (const auto living = world_->fleet().alive(); living.size() > 1) {
                const bool fragile = world_->oracle().was_formed() || world_->oracle().has_keys();
                if (!fragile || is_healthy()) {
                    cut(event, {Network::Kind::redis, "", chosen(living, event.who)->id()},
                        {Network::Kind::redis, "", chosen(living, event.whom)->id()});
                }
            }
            return;
        default:
            leave_host(event);
            return;
    }
}

void Story::hit_keys(const Event& event) {
    const bool remove = event.whom < 500;
    const std::string cluster = "clusters/" + world_->cluster().value() + "/";
    const std::string prefix = "redis-operator/";
    if (event.kind == Kind::spoil_record && (!is_formed() || lost_)) {
        return;  // Before, it says nothing that a user could put back.
    }
    count(event);
    switch (event.kind) {
        case Kind::spoil_spec:
            spoil(prefix + cluster + "spec", remove);
            until(event.lasts, [this] { world_->declare(); });
            return;
        case Kind::spoil_record: {
            const std::string key = prefix + cluster + "record";
            const auto before = world_->consul().get(key).value;
            spoil(key, remove);
            until(event.lasts, [this, key, value = before->value] {
                world_->trace().add("somebody puts " + key + " back");
                world_->put_key(key, value);
            });
            return;
        }
        case Kind::spoil_status:
            spoil(prefix + cluster + "status", remove);
            return;
        case Kind::spoil_lock:
            spoil(prefix + "leader", remove);
            return;
        case Kind::spoil_epoch:
            spoil(prefix + "epoch", remove);
            return;
        default:
            spoil(prefix + "installation", remove);
            return;
    }
}

Verdict live(const Script& script, Telling how) {
    Story story(script, how);
    return story.tell();
}

}  // namespace rop::simulation
