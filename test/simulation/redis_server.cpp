#include "test/simulation/redis_server.hpp"

#include <algorithm>
#include <utility>

namespace rop::simulation {

using std::chrono::milliseconds;

Slot slot_of(Key key) {
    // Spreads neighbours over the whole range; any fixed function would do.
    return Slot{static_cast<std::uint16_t>((key * 2'654'435'761U) % slot_count)};
}

RedisServer::RedisServer(Fleet& fleet, ServerId id, RedisOptions options)
    : fleet_(fleet),
      id_(id),
      options_(std::move(options)),
      started_(fleet.clock().now()),
      run_id_(fleet.dice().hex(40)),
      my_id_(fleet.dice().hex(40)),
      node_timeout_(options_.node_timeout),
      keys_(options_.keys),
      replid_(fleet.dice().hex(40)) {
    if (options_.disk) {
        my_id_ = options_.disk->id;
        table_ = options_.disk->table;
        current_epoch_ = options_.disk->current_epoch;
        last_vote_epoch_ = options_.disk->last_vote_epoch;
        keys_ = options_.disk->keys;
        for (auto& [node, peer] : table_) {
            peer.link.reset();
            peer.ping_sent.reset();
            peer.failure_reports.clear();
            peer.created = now();
        }
    }
    self_ = &table_[my_id_];
    Peer& mine = *self_;
    mine.id = my_id_;
    mine.is_primary = !mine.is_replica;
    mine.at = Endpoint{options_.announces_ip ? options_.at.host : "", options_.at.port};
    mine.bus_port = options_.bus_port;
    mine.created = now();
    mine.slots = mine.slots | SlotSet{options_.slots};
    if (options_.cluster_enabled) {
        start_cron();
    }
}

Moment RedisServer::now() const {
    return fleet_.clock().now();
}

bool RedisServer::loading() const {
    return now() - started_ < options_.loading;
}

Disk RedisServer::disk() const {
    return Disk{my_id_, table_, current_epoch_, last_vote_epoch_, keys_};
}

Peer* RedisServer::find(const NodeId& id) {
    const auto it = table_.find(id);
    return it == table_.end() ? nullptr : &it->second;
}

const Peer* RedisServer::find(const NodeId& id) const {
    const auto it = table_.find(id);
    return it == table_.end() ? nullptr : &it->second;
}

const Peer* RedisServer::my_primary() const {
    return self().is_primary ? &self() : find(self().primary);
}

SlotSet RedisServer::assigned() const {
    SlotSet all;
    for (const auto& [node, peer] : table_) {
        all = all | peer.slots;
    }
    return all;
}

std::uint64_t RedisServer::greatest_epoch() const {
    std::uint64_t greatest = current_epoch_;
    for (const auto& [node, peer] : table_) {
        greatest = std::max(greatest, peer.config_epoch);
    }
    return greatest;
}

std::size_t RedisServer::voters() const {
    return static_cast<std::size_t>(std::ranges::count_if(table_, [](const auto& entry) {
        return entry.second.is_primary && !entry.second.slots.empty();
    }));
}

// clusterDelNode
void RedisServer::remove(const NodeId& id) {
    table_.erase(id);
    for (auto& [node, peer] : table_) {
        peer.failure_reports.erase(id);
        if (peer.primary == id) {
            peer.primary = NodeId{};
        }
    }
}

// clusterBumpConfigEpochWithoutConsensus
bool RedisServer::bump_epoch() {
    if (me().config_epoch != 0 && me().config_epoch == greatest_epoch()) {
        return false;
    }
    me().config_epoch = ++current_epoch_;
    return true;
}

// clusterUpdateState
void RedisServer::update_state() {
    must_update_state_ = false;
    if (!first_update_) {
        first_update_ = now();
    }
    constexpr milliseconds writable_delay{2'000};
    if (self().is_primary && !state_ok_ && now() - *first_update_ < writable_delay) {
        return;
    }
    SlotSet served;
    std::size_t reachable = 0;
    for (const auto& [node, peer] : table_) {
        served = peer.failed ? served : served | peer.slots;
        if (peer.is_primary && !peer.slots.empty() && !peer.failed && !peer.suspected) {
            ++reachable;
        }
    }
    size_ = voters();
    bool well = served.size() == slot_count;
    if (reachable < size_ / 2 + 1) {
        well = false;
        minority_at_ = now();
    }
    const milliseconds rejoin_delay =
        std::clamp(node_timeout_, milliseconds{500}, milliseconds{5'000});
    if (well && !state_ok_ && self().is_primary && now() - minority_at_ < rejoin_delay) {
        return;
    }
    state_ok_ = well;
}

void RedisServer::die() {
    alive_ = false;
    while (!clients_.empty()) {
        close_client(clients_.begin()->first);
    }
}

void RedisServer::close_client(std::int64_t client) {
    const auto closed = clients_.extract(client);
    if (closed && closed.mapped().on_closed) {
        closed.mapped().on_closed();
    }
}

void RedisServer::drop_keys(const std::set<Key>& keys, const std::string& why) {
    if (keys.empty()) {
        return;
    }
    for (const Key key : keys) {
        keys_.erase(key);
    }
    if (fleet_.observer() != nullptr) {
        fleet_.observer()->keys_dropped(*this, keys, why);
    }
}

bool RedisServer::write_key(Key key) {
    const bool mine = !options_.cluster_enabled ||
                      (state_ok_ && self().is_primary && self().slots.contains(slot_of(key)));
    if (!alive_ || loading() || !mine || fleet_.hangs(id_)) {
        return false;
    }
    keys_.insert(key);
    offset_ += 40;
    for (RedisServer* other : fleet_.living()) {
        if (other->replicates_from() == id_) {
            fleet_.clock().after(fleet_.bus_latency(), [this, other, key] {
                fleet_.across(id_, other->id(),
                              [this, other, key] { other->apply_replicated(id_, key); });
            });
        }
    }
    return true;
}

}  // namespace rop::simulation
