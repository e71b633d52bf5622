#include <algorithm>
#include <utility>

#include "test/simulation/redis_server.hpp"

// Packets of the cluster bus: what is sent, and what is learnt from what comes in
// (clusterSendPing, clusterProcessPacket).
namespace rop::simulation {

Packet RedisServer::header(Packet::Type type) const {
    const Peer& mine = self();
    const Peer* owner = my_primary();
    Packet packet;
    packet.type = type;
    packet.sender = my_id_;
    packet.at = Endpoint{options_.announces_ip ? options_.at.host : "", options_.at.port};
    packet.bus_port = options_.bus_port;
    packet.is_primary = mine.is_primary;
    packet.primary = mine.primary;
    packet.slots = owner == nullptr ? SlotSet{} : owner->slots;
    packet.config_epoch = owner == nullptr ? mine.config_epoch : owner->config_epoch;
    packet.current_epoch = current_epoch_;
    packet.offset = offset_;
    packet.paused = mine.is_primary && manual_.until.has_value();
    packet.force_ack = manual_.may_start;
    return packet;
}

void RedisServer::add_gossip(Packet& packet) const {
    const auto tell = [&](const Peer& peer) {
        packet.gossip.push_back(Gossip{peer.id, peer.at, peer.bus_port, peer.is_primary,
                                       peer.is_replica, peer.suspected, peer.failed,
                                       peer.pong_received});
    };
    std::vector<const Peer*> worth_telling;
    for (const auto& [node, peer] : table_) {
        const bool lonely = !peer.link && peer.slots.empty();
        if (node != my_id_ && !peer.handshake && !peer.no_address && !peer.suspected && !lonely) {
            worth_telling.push_back(&peer);
        }
    }
    std::size_t wanted = std::max<std::size_t>(3, table_.size() / 10);
    wanted = std::min(wanted, table_.size() < 2 ? 0 : table_.size() - 2);
    while (wanted > 0 && !worth_telling.empty()) {
        const auto index = fleet_.dice().between(0, worth_telling.size() - 1);
        tell(*worth_telling[index]);
        worth_telling.erase(worth_telling.begin() + static_cast<std::ptrdiff_t>(index));
        --wanted;
    }
    for (const auto& [node, peer] : table_) {
        if (peer.suspected && !peer.handshake && !peer.no_address) {
            tell(peer);
        }
    }
}

void RedisServer::send_ping(Peer& peer, Packet::Type type) {
    if (type == Packet::Type::ping) {
        peer.ping_sent = now();
    }
    Packet packet = header(type);
    add_gossip(packet);
    fleet_.send(id_, peer.link->to, peer.link->id, true, std::move(packet));
}

void RedisServer::broadcast(const Packet& packet) {
    for (const auto& [node, peer] : table_) {
        if (node != my_id_ && !peer.handshake && peer.link && peer.link->up) {
            fleet_.send(id_, peer.link->to, peer.link->id, true, packet);
        }
    }
}

void RedisServer::broadcast_pong() {
    Packet packet = header(Packet::Type::pong);
    add_gossip(packet);
    broadcast(packet);
}

void RedisServer::start_handshake(const Endpoint& at, std::uint16_t bus_port, bool meet) {
    Peer peer;
    peer.id = NodeId{fleet_.dice().hex(40)};  // A placeholder until it answers.
    peer.at = at;
    peer.bus_port = bus_port;
    peer.handshake = true;
    peer.meet = meet;
    peer.created = now();
    table_.emplace(peer.id, std::move(peer));
}

void RedisServer::receive(const Arrival& arrival) {
    if (!alive_ || loading()) {
        return;
    }
    Peer* link_peer = nullptr;
    if (!arrival.inbound) {
        for (auto& [node, peer] : table_) {
            if (peer.link && peer.link->id == arrival.link) {
                link_peer = &peer;
            }
        }
        if (link_peer == nullptr) {
            return;  // The connection was closed meanwhile.
        }
    }
    const Packet& packet = *arrival.packet;
    Peer* sender = link_peer != nullptr && !link_peer->handshake ? link_peer : find(packet.sender);
    if (sender != nullptr) {
        sender->data_received = now();
        if (!sender->handshake) {
            current_epoch_ = std::max(current_epoch_, packet.current_epoch);
            sender->config_epoch = std::max(sender->config_epoch, packet.config_epoch);
            sender->repl_offset = packet.offset;
            if (manual_.until && packet.paused && self().primary == sender->id &&
                !manual_.primary_offset) {
                manual_.primary_offset = packet.offset;
            }
        }
    }
    switch (packet.type) {
        case Packet::Type::ping:
        case Packet::Type::meet:
        case Packet::Type::pong:
            process_ping(arrival, link_peer, sender);
            break;
        case Packet::Type::fail:
            if (Peer* failing = find(packet.about);
                sender != nullptr && failing != nullptr && packet.about != my_id_) {
                failing->failed_at = failing->failed ? failing->failed_at : now();
                failing->failed = true;
                failing->suspected = false;
                must_update_state_ = true;
            }
            break;
        case Packet::Type::update:
            if (sender != nullptr) {
                process_update(packet);
            }
            break;
        case Packet::Type::vote_request:
            if (sender != nullptr) {
                vote_if_right(*sender, packet);
            }
            break;
        case Packet::Type::vote:
            if (sender != nullptr && sender->is_primary && !sender->slots.empty() &&
                packet.current_epoch >= election_epoch_) {
                ++votes_;
                handle_failover();
            }
            break;
        case Packet::Type::manual_start:
            if (sender != nullptr) {
                manual_failover_asked(*sender);
            }
            break;
    }
    if (must_update_state_) {
        update_state();
    }
}

void RedisServer::process_ping(const Arrival& arrival, Peer* link_peer, Peer* sender) {
    const Packet& packet = *arrival.packet;
    const bool asks = packet.type != Packet::Type::pong;
    if (asks) {
        if ((packet.type == Packet::Type::meet || self().at.host.empty()) &&
            !options_.announces_ip) {
            me().at.host = options_.at.host;  // Our end of the connection.
        }
        if (sender == nullptr && packet.type == Packet::Type::meet) {
            const RedisServer* from = fleet_.find(arrival.from);
            const std::string host = packet.at.host.empty() && from != nullptr
                                         ? from->options().at.host
                                         : packet.at.host;
            start_handshake(Endpoint{host, packet.at.port}, packet.bus_port, false);
        }
        Packet pong = header(Packet::Type::pong);
        add_gossip(pong);
        fleet_.send(id_, arrival.from, arrival.link, !arrival.inbound, std::move(pong));
    }
    // By name from here on: a handshake that ends gives its entry another name.
    process_config(arrival, link_peer == nullptr ? NodeId{} : link_peer->id, sender);
}

void RedisServer::process_config(const Arrival& arrival, const NodeId& link_peer_id, Peer* sender) {
    const Packet& packet = *arrival.packet;
    Peer* link_peer = link_peer_id.value().empty() ? nullptr : find(link_peer_id);
    if (link_peer != nullptr) {
        if (link_peer->handshake) {
            if (!finish_handshake(arrival, *link_peer, sender)) {
                return;
            }
            link_peer = find(packet.sender);
        } else if (link_peer->id != packet.sender) {
            link_peer->no_address = true;  // Somebody else lives at that address now.
            link_peer->at = Endpoint{};
            link_peer->bus_port = 0;
            link_peer->link.reset();
            return;
        }
    }
    if (sender != nullptr && packet.type == Packet::Type::ping && !sender->handshake &&
        update_address(*sender, arrival)) {
        must_update_state_ = true;
    }
    if (link_peer != nullptr && packet.type == Packet::Type::pong) {
        pong_came(*link_peer);
    }
    if (sender == nullptr) {
        return;
    }
    if (sender->id == my_id_) {  // Met itself: what it gossips counts as if another had said it.
        process_gossip(packet, sender);
        return;
    }
    learn_role(*sender, packet);
    learn_slots(*sender, packet);
    if (self().is_primary && sender->is_primary && packet.config_epoch == self().config_epoch) {
        settle_collision(*sender);
    }
    process_gossip(packet, sender);
}

bool RedisServer::finish_handshake(const Arrival& arrival, Peer& link_peer, Peer* sender) {
    const Packet& packet = *arrival.packet;
    if (sender != nullptr) {  // Known already: at most its address is new.
        must_update_state_ = update_address(*sender, arrival) || must_update_state_;
        remove(NodeId{link_peer.id});
        return false;
    }
    auto entry = table_.extract(link_peer.id);
    entry.key() = packet.sender;
    Peer& peer = entry.mapped();
    peer.id = packet.sender;
    peer.handshake = false;
    peer.is_primary = packet.is_primary;
    peer.is_replica = !packet.is_primary;
    table_.insert(std::move(entry));
    return true;
}

void RedisServer::pong_came(Peer& peer) {
    peer.pong_received = now();
    peer.ping_sent.reset();
    if (peer.suspected) {
        peer.suspected = false;
        must_update_state_ = true;
    } else if (peer.failed) {
        clear_failure(peer);
    }
}

// nodeUpdateAddressIfNeeded
bool RedisServer::update_address(Peer& peer, const Arrival& arrival) {
    if (peer.link && peer.link->id == arrival.link) {
        return false;
    }
    const RedisServer* from = fleet_.find(arrival.from);
    if (from == nullptr || peer.id == my_id_) {
        return false;
    }
    const Packet& packet = *arrival.packet;
    const Endpoint at{packet.at.host.empty() ? from->options().at.host : packet.at.host,
                      packet.at.port};
    if (peer.at == at && peer.bus_port == packet.bus_port) {
        return false;
    }
    peer.at = at;
    peer.bus_port = packet.bus_port;
    peer.no_address = false;
    peer.link.reset();
    if (!self().is_primary && self().primary == peer.id) {
        follow(at);
    }
    return true;
}

// clusterProcessGossipSection
void RedisServer::process_gossip(const Packet& packet, Peer* sender) {
    constexpr std::chrono::seconds blacklist_ttl{60};
    for (const Gossip& item : packet.gossip) {
        Peer* peer = find(item.id);
        const bool bad = item.suspected || item.failed;
        if (peer == nullptr) {
            const auto forgotten = blacklist_.find(item.id);
            if (forgotten != blacklist_.end() && now() - forgotten->second < blacklist_ttl) {
                continue;
            }
            Peer fresh;
            fresh.id = item.id;
            fresh.at = item.at;
            fresh.bus_port = item.bus_port;
            fresh.is_primary = item.is_primary;
            fresh.is_replica = item.is_replica;
            fresh.suspected = item.suspected;
            fresh.failed = item.failed;
            fresh.created = now();
            table_.emplace(item.id, std::move(fresh));
            continue;
        }
        if (item.id == my_id_) {
            continue;
        }
        if (sender->is_primary) {
            if (bad) {
                peer->failure_reports[sender->id] = now();
                mark_failed_if_agreed(*peer);
            } else {
                peer->failure_reports.erase(sender->id);
            }
        }
        if (!bad && !peer->ping_sent && failure_reports(*peer) == 0 &&
            item.pong_received <= now() + std::chrono::milliseconds{500}) {
            peer->pong_received = std::max(peer->pong_received, item.pong_received);
        }
        if ((peer->failed || peer->suspected) && !bad &&
            (peer->at != item.at || peer->bus_port != item.bus_port)) {
            peer->link.reset();
            peer->at = item.at;
            peer->bus_port = item.bus_port;
            peer->no_address = false;
        }
    }
}

void RedisServer::process_update(const Packet& packet) {
    Peer* about = find(packet.about);
    if (about == nullptr || packet.about == my_id_ || about->config_epoch >= packet.about_epoch) {
        return;
    }
    become_primary(*about);
    about->config_epoch = packet.about_epoch;
    update_slots(packet.about, packet.about_epoch, packet.about_slots);
}

void RedisServer::link_cut(std::uint64_t link) {
    for (auto& [node, peer] : table_) {
        if (peer.link && peer.link->id == link) {
            peer.link.reset();
        }
    }
}

void RedisServer::bus_closed(ServerId by) {
    for (auto& [node, peer] : table_) {
        if (peer.link && peer.link->up && peer.link->to == by) {
            peer.link.reset();
        }
    }
    if (source_ == by) {
        source_lost();
    }
}

}  // namespace rop::simulation
