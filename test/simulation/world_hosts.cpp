#include "test/simulation/redis_server.hpp"
#include "test/simulation/world.hpp"

// Hosts that are cut off or lost, and instances that are not who they seem.
namespace rop::simulation {

using std::chrono::milliseconds;

std::string World::address_of_host(std::size_t host) const {
    const std::string& name = nomad_.hosts().at(host).name;
    return "127.0.1." + name.substr(name.find('-') + 1);
}

void World::isolate_host(std::size_t host) {
    if (isolated_.contains(host)) {
        return;
    }
    const std::string name = nomad_.hosts().at(host).name;
    trace_.add(name + (lost_hosts_.contains(host) ? " is lost" : " is cut off"));
    const Network::Some here{{}, address_of_host(host), 0};
    isolated_[host] = network_.cut({here, {}, true});
    isolated_back_[host] = network_.cut({{}, here, true});
    const Network::CutId since = isolated_[host];
    const auto still = [this, host, since] {
        const auto it = isolated_.find(host);
        return it != isolated_.end() && it->second == since;
    };
    clock_.after(dice_.between(milliseconds{1'500}, milliseconds{6'000}), [this, name, still] {
        if (still()) {
            trace_.add("Consul finds " + name + " failed");
            consul_.node_failed(name);
        }
    });
    clock_.after(dice_.between(milliseconds{10'000}, milliseconds{15'000}), [this, name, still] {
        if (still()) {
            trace_.add("Nomad finds " + name + " down");
            nomad_.client_lost(name);
        }
    });
}

void World::return_host(std::size_t host) {
    const auto it = isolated_.find(host);
    if (it == isolated_.end()) {
        return;
    }
    const std::string name = nomad_.hosts().at(host).name;
    trace_.add(name + " is back");
    if (lost_hosts_.erase(host) > 0) {
        crash_operator(host);
        for (const RedisServer* server : fleet_.alive()) {
            if (server->options().at.host == address_of_host(host) &&
                !oracle_.is_stranger(server->id())) {
                crash_instance(server->id());
            }
        }
    }
    network_.heal(it->second);
    network_.heal(isolated_back_.at(host));
    isolated_.erase(it);
    isolated_back_.erase(host);
    consul_.node_returned(name);
    consul_.agent_syncs(name);
    if (options_.with_nomad) {
        nomad_.client_returned(name);
    }
}

RedisServer& World::clone_instance(const RedisServer& original) {
    RedisOptions options = own_options();
    options.disk = original.disk();
    return add_stranger(std::move(options));
}

void World::end_stranger(ServerId id) {
    trace_.add("the stranger " + fleet_.find(id)->node().value().substr(0, 8) + " ends");
    fleet_.kill(id);
    consul_.remove_instance("stranger-" + std::to_string(id));
}

RedisServer& World::reuse_address(const RedisServer& dead) {
    RedisOptions options = own_options();
    options.at = dead.options().at;
    options.bus_port = dead.options().bus_port;
    options.slots = {SlotRange{Slot{0}, Slot{slot_count - 1}}};
    options.keys = {1'000'006, 1'000'007};
    RedisServer& server = fleet_.start(std::move(options));
    estrange(server);
    trace_.add("another cluster's node " + server.node().value().substr(0, 8) + " runs at " +
               to_string(server.options().at));
    return server;
}

}  // namespace rop::simulation
