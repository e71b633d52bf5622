#include "test/simulation/fleet.hpp"

#include <algorithm>
#include <utility>

#include "test/simulation/redis_server.hpp"

namespace rop::simulation {

using std::chrono::microseconds;

Fleet::Fleet(Clock& clock, Dice dice) : clock_(clock), dice_(dice) {}
Fleet::~Fleet() = default;

RedisServer& Fleet::start(RedisOptions options) {
    const ServerId id = ++started_;
    auto server = std::make_unique<RedisServer>(*this, id, std::move(options));
    return *servers_.emplace(id, std::move(server)).first->second;
}

void Fleet::kill(ServerId id) {
    RedisServer* victim = find(id);
    if (victim == nullptr || !victim->alive()) {
        return;
    }
    victim->die();
    for (const RedisServer* server : alive()) {
        later(server->id(), bus_latency(),
              [this, id, other = server->id()] { find(other)->bus_closed(id); });
    }
}

RedisServer* Fleet::find(ServerId id) {
    const auto it = servers_.find(id);
    return it == servers_.end() ? nullptr : it->second.get();
}

RedisServer* Fleet::at(const Endpoint& client_address) {
    for (const auto& [id, server] : servers_) {
        if (server->alive() && server->options().at == client_address) {
            return server.get();
        }
    }
    return nullptr;
}

RedisServer* Fleet::at_bus(const std::string& host, std::uint16_t bus_port) {
    for (const auto& [id, server] : servers_) {
        const RedisOptions& options = server->options();
        if (server->alive() && options.cluster_enabled && options.at.host == host &&
            options.bus_port == bus_port) {
            return server.get();
        }
    }
    return nullptr;
}

SlotSet Fleet::last_slots_of(const NodeId& node) const {
    SlotSet slots;
    for (const auto& [id, server] : servers_) {
        if (server->node() == node) {
            slots = server->self().slots;
        }
    }
    return slots;
}

std::vector<RedisServer*> Fleet::alive() {
    std::vector<RedisServer*> living;
    for (const auto& [id, server] : servers_) {
        if (server->alive()) {
            living.push_back(server.get());
        }
    }
    return living;
}

void Fleet::send(ServerId from, ServerId to, std::uint64_t link, bool inbound, Packet packet) {
    Moment& last = last_arrival_[{from, to}];
    last = std::max(last, clock_.now() + bus_latency());
    auto shared = std::make_shared<const Packet>(std::move(packet));
    clock_.at(last, [this, from, to, link, inbound, shared] {
        RedisServer* receiver = find(to);
        if (receiver != nullptr && receiver->alive()) {
            receiver->receive(Arrival{from, link, inbound, shared});
        }
    });
}

void Fleet::later(ServerId id, microseconds span, std::function<void()> callback) {
    clock_.after(span, [this, id, callback = std::move(callback)] {
        const RedisServer* server = find(id);
        if (server != nullptr && server->alive()) {
            callback();
        }
    });
}

microseconds Fleet::bus_latency() {
    return dice_.between(microseconds{50}, microseconds{300});
}

}  // namespace rop::simulation
