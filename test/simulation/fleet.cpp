#include "test/simulation/fleet.hpp"

#include <algorithm>
#include <utility>

#include "test/simulation/redis_server.hpp"

namespace rop::simulation {

using std::chrono::microseconds;

Fleet::Fleet(Clock& clock, Dice dice) : clock_(clock), dice_(dice) {}
Fleet::~Fleet() = default;

RedisServer& Fleet::start(RedisOptions options) {
    const auto id = static_cast<ServerId>(servers_.size() + 1);
    servers_.push_back(std::make_unique<RedisServer>(*this, id, std::move(options)));
    living_.push_back(servers_.back().get());
    return *servers_.back();
}

void Fleet::kill(ServerId id) {
    RedisServer* victim = find(id);
    if (victim == nullptr || !victim->alive()) {
        return;
    }
    std::erase(living_, victim);
    hung_.erase(id);
    victim->die();
    for (const RedisServer* server : living_) {
        const ServerId other = server->id();
        clock_.after(bus_latency(), [this, id, other] {
            across(id, other, [this, id, other] { find(other)->bus_closed(id); });
        });
    }
}

RedisServer* Fleet::find(ServerId id) {
    return id == 0 || id > servers_.size() ? nullptr : servers_[id - 1].get();
}

RedisServer* Fleet::at(const Endpoint& client_address) {
    for (RedisServer* server : living_) {
        if (server->options().at == client_address) {
            return server;
        }
    }
    return nullptr;
}

RedisServer* Fleet::at_bus(const std::string& host, std::uint16_t bus_port) {
    for (RedisServer* server : living_) {
        const RedisOptions& options = server->options();
        if (options.cluster_enabled && options.bus_port == bus_port && options.at.host == host) {
            return server;
        }
    }
    return nullptr;
}

SlotSet Fleet::last_slots_of(const NodeId& node) const {
    SlotSet slots;
    for (const auto& server : servers_) {
        if (server->node() == node) {
            slots = server->self().slots;
        }
    }
    return slots;
}

void Fleet::send(ServerId from, ServerId to, std::uint64_t link, bool inbound, Packet packet) {
    Moment& last = last_arrival_[{from, to}];
    last = std::max(last, clock_.now() + bus_latency());
    if (cutter_ && cutter_()) {
        cut(inbound ? from : to, link);  // The connection is its who opened it.
        return;
    }
    auto shared = std::make_shared<const Packet>(std::move(packet));
    clock_.at(last, [this, from, to, link, inbound, shared] {
        across(from, to, [this, from, to, link, inbound, shared] {
            find(to)->receive(Arrival{from, link, inbound, shared});
        });
    });
}

void Fleet::across(ServerId from, ServerId to, std::function<void()> work) {
    if (network_ == nullptr || network_->calm()) {
        run_in(to, std::move(work));
        return;
    }
    network_->deliver(place_of(from), place_of(to),
                      [this, to, work = std::move(work)] { run_in(to, work); });
}

bool Fleet::hears(ServerId from, ServerId to) const {
    return network_ == nullptr || network_->calm() || network_->hears(place_of(from), place_of(to));
}

Network::Place Fleet::place_of(ServerId id) const {
    return {Network::Kind::redis, servers_[id - 1]->options().at.host, id};
}

void Fleet::run_in(ServerId id, std::function<void()> work) {
    if (const auto it = hung_.find(id); it != hung_.end()) {
        it->second.push_back(std::move(work));
        return;
    }
    const RedisServer* server = find(id);
    if (server != nullptr && server->alive()) {
        work();
    }
}

void Fleet::wake(ServerId id) {
    const auto slept = hung_.extract(id);
    if (!slept) {
        return;
    }
    for (const auto& work : slept.mapped()) {
        run_in(id, work);
    }
}

void Fleet::cut(ServerId owner, std::uint64_t link) {
    later(owner, bus_latency(), [this, owner, link] { find(owner)->link_cut(link); });
}

void Fleet::later(ServerId id, microseconds span, std::function<void()> callback) {
    clock_.after(span, [this, id, callback = std::move(callback)] { run_in(id, callback); });
}

microseconds Fleet::bus_latency() {
    return dice_.between(microseconds{50}, microseconds{300});
}

}  // namespace rop::simulation
