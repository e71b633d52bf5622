#include "test/simulation/redis_server.hpp"

// Who owns which slots, as this server believes: the greater config epoch wins.
namespace rop::simulation {

// clusterSetNodeAsMaster
void RedisServer::become_primary(Peer& peer) {
    if (!peer.is_primary) {
        peer.is_primary = true;
        peer.is_replica = false;
        peer.primary = NodeId{};
        must_update_state_ = true;
    }
}

void RedisServer::learn_role(Peer& sender, const Packet& packet) {
    if (packet.primary.value().empty()) {
        become_primary(sender);
        return;
    }
    if (sender.is_primary) {
        sender.slots = SlotSet{};
        sender.is_primary = false;
        must_update_state_ = true;
    }
    sender.is_replica = true;
    if (find(packet.primary) != nullptr) {
        sender.primary = packet.primary;
    }
}

void RedisServer::learn_slots(Peer& sender, const Packet& packet) {
    const Peer* owner = sender.is_primary ? &sender : find(sender.primary);
    if (owner == nullptr || owner->slots == packet.slots) {
        return;
    }
    if (sender.is_primary) {
        update_slots(sender.id, packet.config_epoch, packet.slots);
    }
    // It claims slots that are known to belong to somebody with a greater epoch: tell it.
    for (const auto& [node, peer] : table_) {
        const SlotSet disputed = (peer.slots & packet.slots) - unclaimed_;
        if (node == sender.id || disputed.empty() || peer.config_epoch <= packet.config_epoch) {
            continue;
        }
        if (sender.link && sender.link->up) {
            Packet update = header(Packet::Type::update);
            update.about = peer.id;
            update.about_epoch = peer.config_epoch;
            update.about_slots = peer.slots;
            fleet_.send(id_, sender.link->to, sender.link->id, true, std::move(update));
        }
        break;
    }
}

// clusterUpdateSlotsConfigWith
void RedisServer::update_slots(const NodeId& owner, std::uint64_t epoch, const SlotSet& claimed) {
    if (owner == my_id_) {
        return;
    }
    Peer& sender = *find(owner);
    const Peer* current = my_primary();
    const NodeId current_id = current == nullptr ? NodeId{} : current->id;
    std::size_t taken_from_us = 0;
    std::set<Key> dirty;
    unclaimed_ = unclaimed_ - (claimed & sender.slots);
    for (auto& [node, peer] : table_) {
        const SlotSet common = node == owner ? SlotSet{} : peer.slots & claimed;
        if (common.empty()) {
            continue;
        }
        const SlotSet taken = peer.config_epoch < epoch ? common : common & unclaimed_;
        if (taken.empty()) {
            continue;
        }
        for (const Key key : keys_) {
            if (node == my_id_ && taken.contains(slot_of(key))) {
                dirty.insert(key);
            }
        }
        taken_from_us += node == current_id ? taken.size() : 0;
        peer.slots = peer.slots - taken;
        sender.slots = sender.slots | taken;
        unclaimed_ = unclaimed_ - taken;
        must_update_state_ = true;
    }
    const SlotSet free = claimed - assigned();
    must_update_state_ = must_update_state_ || !free.empty();
    sender.slots = sender.slots | free;
    unclaimed_ = unclaimed_ | (sender.slots - claimed);

    current = find(current_id);
    const Peer* mine = find(self().primary);
    if (taken_from_us > 0 && current != nullptr && current->slots.empty() &&
        (replica_migration_ || claimed.size() == taken_from_us)) {
        set_primary(owner);
    } else if (mine != nullptr && !mine->primary.value().empty() && mine->primary != my_id_) {
        set_primary(mine->primary);  // A replica of a replica follows the primary itself.
    } else {
        drop_keys(dirty, "another node owns their slots");
    }
}

// clusterHandleConfigEpochCollision
void RedisServer::settle_collision(const Peer& sender) {
    if (sender.config_epoch == self().config_epoch && my_id_ < sender.id) {
        me().config_epoch = ++current_epoch_;
    }
}

// clusterSetMaster
void RedisServer::set_primary(const NodeId& primary) {
    Peer& mine = me();
    mine.is_primary = false;
    mine.is_replica = true;
    mine.primary = primary;
    must_update_state_ = true;
    follow(find(primary)->at);
}

}  // namespace rop::simulation
