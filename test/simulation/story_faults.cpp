#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "test/simulation/redis_server.hpp"
#include "test/simulation/telling.hpp"

// Faults that need a closer look at who may be hit: what is promised is that one fault after the
// other is mended, not that data survives the death of all who had it.
namespace rop::simulation {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = Event::Kind;

bool Story::is_formed() const {
    const auto& record = world_->oracle().record();
    return record && record->state == RecordState::formed;
}

bool Story::is_forming() const {
    const auto& record = world_->oracle().record();
    return record && record->state == RecordState::forming;
}

/// Everybody serves, knows everybody, and has what it should have.
bool Story::is_healthy() {
    if (!world_->network().calm() || world_->fleet().any_hangs() || clone_) {
        return false;
    }
    const auto ours = world_->oracle().ours();
    for (const RedisServer* server : ours) {
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
    return ours.size() >= options_.wanted();
}

/// Whether a death now is one that can be mended without losing data or the majority.
bool Story::may_die(const RedisServer& victim) {
    if (clone_) {
        return false;  // It would be taken for the victim come back.
    }
    if (!world_->oracle().was_formed() && !world_->oracle().has_keys()) {
        return true;
    }
    if (options_.keeps_disks()) {
        return true;
    }
    // Whoever replicated it would take over nothing from whoever answers at its address next.
    if (options_.comeback == Comeback::in_place_empty && !victim.self().slots.empty()) {
        return false;
    }
    if (options_.replicas_per_primary == 0 || !is_healthy()) {
        return false;
    }
    const auto ours = world_->oracle().ours();
    const bool has_heir =
        victim.self().slots.empty() || std::ranges::any_of(ours, [&](const RedisServer* server) {
            return server->link_up() && server->replicates_from() == victim.id();
        });
    return has_heir && victim.alive();
}

std::vector<ServerId> Story::victims() {
    std::vector<ServerId> found;
    for (const RedisServer* server : world_->oracle().ours()) {
        if (may_die(*server)) {
            found.push_back(server->id());
        }
    }
    return found;
}

/// Whether a host can go for good: every primary on it has an heir elsewhere, and those who have
/// to vote for the heirs are the majority.
bool Story::may_leave(std::size_t host) {
    if (!world_->oracle().was_formed() && !world_->oracle().has_keys()) {
        return true;
    }
    if (!is_formed() || options_.replicas_per_primary == 0 || !is_healthy()) {
        return false;
    }
    const std::string here = world_->address_of_host(host);
    const auto ours = world_->oracle().ours();
    std::size_t leaving = 0;
    for (const RedisServer* server : ours) {
        if (server->options().at.host != here || server->self().slots.empty()) {
            continue;
        }
        ++leaving;
        const bool has_heir = std::ranges::any_of(ours, [&](const RedisServer* other) {
            return other->options().at.host != here && other->link_up() &&
                   other->replicates_from() == server->id();
        });
        // Whoever replicated it would take over nothing from whoever answers at its address next.
        if (!has_heir || options_.comeback == Comeback::in_place_empty) {
            return false;
        }
    }
    return leaving * 2 < options_.primaries;
}

/// Not now but after the next few things that it does: that is where crashes hurt.
void Story::strike_operator(const Event& event) {
    constexpr std::uint64_t changes_most = 12;
    const std::size_t host = some_operator(event.who);
    const std::uint64_t target =
        world_->oracle().changes() + changes_most * (event.whom % 1'000) / 1'000;
    constexpr seconds patience{5};
    const auto strike = [this, host, event] {
        if (!world_->operator_runs(host)) {
            return;
        }
        count(event);
        if (event.kind == Kind::stop_operator) {
            world_->stop_operator(host);
        } else {
            world_->crash_operator(host);
        }
        until(event.lasts, [this, host] {
            if (!world_->operator_runs(host)) {
                world_->start_operator(host);
            }
        });
    };
    const auto once = std::make_shared<std::function<void()>>(strike);
    strikes_.push_back(Strike{target, once});
    later(patience, [this, once] {
        if (!healed_) {
            run_once(once);
        }
    });
    changed();
}

/// Not within what the operator does just now, but before anything else.
void Story::changed() {
    for (const Strike& strike : strikes_) {
        if (world_->oracle().changes() >= strike.target) {
            later(std::chrono::microseconds{0}, [this, once = strike.once] {
                if (!healed_) {
                    run_once(once);
                }
            });
        }
    }
    std::erase_if(strikes_, [this](const Strike& strike) {
        return world_->oracle().changes() >= strike.target;
    });
}

void Story::run_once(const std::shared_ptr<std::function<void()>>& once) {
    if (*once) {
        std::exchange(*once, {})();
    }
}

void Story::hang(const Event& event) {
    const auto ours = world_->oracle().ours();
    if (ours.empty()) {
        return;
    }
    const RedisServer& victim = *chosen(ours, event.who);
    const bool is_short = event.lasts < victim.node_timeout() / 3;
    const bool fragile = world_->oracle().was_formed() || world_->oracle().has_keys();
    if (!is_short && fragile && !is_healthy()) {
        return;
    }
    count(event);
    const ServerId id = victim.id();
    world_->trace().add(victim.node().value().substr(0, 8) + " hangs");
    world_->fleet().hang(id);
    until(event.lasts, [this, id] {
        if (world_->fleet().hangs(id)) {
            world_->trace().add(world_->fleet().find(id)->node().value().substr(0, 8) + " goes on");
            world_->fleet().wake(id);
        }
    });
}

void Story::clone(const Event& event) {
    const auto ours = world_->oracle().ours();
    if (!is_formed() || clone_ || !is_healthy() || ours.empty()) {
        return;
    }
    count(event);
    clone_ = world_->clone_instance(*chosen(ours, event.who)).id();
    until(event.lasts, [this] { world_->end_stranger(*std::exchange(clone_, std::nullopt)); });
}

void Story::reuse_address(const Event& event) {
    const bool elsewhere = options_.comeback == Comeback::elsewhere_empty ||
                           options_.comeback == Comeback::elsewhere_with_disk;
    auto found = victims();
    // Replication asks nobody's node id: whoever follows a primary takes over what the next one at
    // its address has. No operator is faster than that; a password of each cluster's own is.
    std::erase_if(found, [this](ServerId id) {
        return std::ranges::any_of(world_->fleet().alive(), [id](const RedisServer* server) {
            return server->replicates_from() == id;
        });
    });
    if (!elsewhere || found.empty()) {
        return;
    }
    const ServerId id = chosen(found, event.who);
    world_->crash_instance(id);
    later(milliseconds{50 + event.whom}, [this, event, id] { take_address_of(id, event); });
}

/// Not while a handshake with the dead one is under way: Redis' bus asks nobody's identity, and
/// would merge two clusters in the second after the death; the operator was right to say MEET.
void Story::take_address_of(ServerId id, const Event& event) {
    if (healed_) {
        return;
    }
    const RedisServer& dead = *world_->fleet().find(id);
    const bool is_awaited =
        std::ranges::any_of(world_->fleet().alive(), [&](const RedisServer* server) {
            return std::ranges::any_of(server->table(), [&](const auto& entry) {
                return entry.second.handshake && entry.second.at == dead.options().at;
            });
        });
    if (is_awaited) {
        later(milliseconds{50}, [this, event, id] { take_address_of(id, event); });
    } else {
        count(event);
        world_->reuse_address(dead);
    }
}

void Story::cut_power() {
    world_->trace().add("the power fails");
    for (const RedisServer* server : world_->oracle().ours()) {
        world_->crash_instance(server->id());
    }
}

/// There, back, or both.
void Story::cut(const Event& event, Network::Some one, Network::Some other) {
    count(event);
    Network& network = world_->network();
    const std::uint32_t way = (event.whom + event.who) % 3;
    world_->trace().add(std::string(to_string(event.kind)) + " of " + one.host + "/" +
                        std::to_string(one.server) + " and " + std::to_string(other.server) +
                        (way == 0   ? ", both ways"
                         : way == 1 ? ", there"
                                    : ", back"));
    std::vector<Network::CutId> cuts;
    if (way != 2) {
        cuts.push_back(network.cut({one, other, false}));
    }
    if (way != 1) {
        cuts.push_back(network.cut({other, one, false}));
    }
    until(event.lasts, [this, cuts] {
        world_->trace().add("a way is open again");
        for (const Network::CutId id : cuts) {
            world_->network().heal(id);
        }
        for (const ports::NomadNode& host : world_->nomad().hosts()) {
            world_->consul().agent_syncs(host.name);
        }
    });
}

void Story::leave_host(const Event& event) {
    const std::size_t host = some_host(event.who);
    if (world_->is_isolated(host) || !may_leave(host) || clone_) {
        return;
    }
    count(event);
    if (event.kind == Kind::lose_host) {
        world_->lose_host(host);
    } else {
        world_->isolate_host(host);
    }
    until(event.lasts, [this, host] {
        world_->return_host(host);
        if (host < script_.operators && !world_->operator_runs(host)) {
            world_->start_operator(host);
        }
    });
}

/// What runs then is a cluster made by nobody known: it can be adopted as long as nobody is among
/// its nodes who runs nowhere.
void Story::lose_consul_data(const Event& event) {
    const bool alone = !world_->oracle().knows_strangers() && !clone_;
    if (!is_formed() || lost_ || !alone || !is_healthy() ||
        !world_->oracle().record()->former.empty()) {
        return;
    }
    count(event);
    world_->lose_consul_data();
    until(event.lasts, [this] { world_->declare(); });
}

/// The rounds of another cluster end by a bug, as long as it is declared.
void Story::fail_elsewhere(const Event& event) {
    if (world_->has_faulty()) {
        return;
    }
    world_->declare_faulty();
    until(event.lasts, [this, event] {
        if (world_->bugs_met() > 0 && world_->unfinished().empty()) {
            count(event);
        }
        world_->delete_faulty();
    });
}

void Story::spoil(const std::string& key, bool remove) {
    world_->trace().add("somebody " + std::string(remove ? "deletes " : "spoils ") + key);
    if (remove) {
        world_->remove_key(key);
    } else {
        world_->put_key(key, "{\"this is\": not ours");
    }
}

}  // namespace rop::simulation
