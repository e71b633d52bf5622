#include <utility>

#include "test/simulation/redis_server.hpp"

// clusterCron: ten times a second, connect, ping, notice silence.
namespace rop::simulation {

using std::chrono::milliseconds;

void RedisServer::start_cron() {
    // Servers are not in step with each other.
    const auto first = fleet_.dice().between(milliseconds{1}, milliseconds{100});
    fleet_.later(id_, first, [this] { cron(); });
}

void RedisServer::cron() {
    fleet_.later(id_, milliseconds{100}, [this] { cron(); });
    if (loading()) {
        return;
    }
    ++cron_turns_;
    const milliseconds handshake_limit = std::max(node_timeout_, milliseconds{1'000});
    for (auto it = table_.begin(); it != table_.end();) {
        Peer& peer = it->second;
        ++it;
        if (peer.id == my_id_ || peer.no_address) {
            continue;
        }
        if (peer.handshake && now() - peer.created > handshake_limit) {
            remove(NodeId{peer.id});
        } else if (!peer.link) {
            connect(peer);
        }
    }
    if (cron_turns_ % 10 == 0) {
        ping_someone();
    }
    for (auto& [node, peer] : table_) {
        if (node != my_id_ && !peer.no_address && !peer.handshake) {
            watch(peer);
        }
    }
    sync_cron();
    manual_failover_cron();
    if (!self().is_primary) {
        handle_failover();
    }
    if (must_update_state_ || !state_ok_) {
        update_state();
    }
}

void RedisServer::connect(Peer& peer) {
    const std::uint64_t link = fleet_.new_link();
    peer.link = Link{link, 0, now(), false};
    const Endpoint target{peer.at.host, peer.bus_port};
    fleet_.later(id_, fleet_.bus_latency(), [this, link, target] { connected_to(link, target); });
}

// clusterLinkConnectHandler
void RedisServer::connected_to(std::uint64_t link, const Endpoint& target) {
    Peer* peer = nullptr;  // By its link: a handshake may have given it its real id meanwhile.
    for (auto& [node, candidate] : table_) {
        if (candidate.link && candidate.link->id == link) {
            peer = &candidate;
        }
    }
    if (peer == nullptr) {
        return;
    }
    RedisServer* server = fleet_.at_bus(target.host, target.port);
    if (server != nullptr &&
        !(fleet_.hears(id_, server->id()) && fleet_.hears(server->id(), id_))) {
        // TCP asks again; watch() gives it up only while nothing comes from there either.
        fleet_.later(id_, std::chrono::seconds{1},
                     [this, link, target] { connected_to(link, target); });
        return;
    }
    if (server == nullptr) {
        // Refused. The silence counts from now on, as if a ping had been sent.
        peer->link.reset();
        if (!peer->ping_sent) {
            peer->ping_sent = now();
        }
        return;
    }
    peer->link->to = server->id();
    peer->link->up = true;
    const std::optional<Moment> earlier = peer->ping_sent;
    send_ping(*peer, peer->meet ? Packet::Type::meet : Packet::Type::ping);
    if (earlier || peer->meet) {
        peer->ping_sent = earlier;
    }
    peer->meet = false;
}

void RedisServer::ping_someone() {
    Peer* oldest = nullptr;
    for (int tries = 0; tries < 5; ++tries) {
        auto it = table_.begin();
        std::advance(it, fleet_.dice().between(0, table_.size() - 1));
        Peer& peer = it->second;
        if (!peer.link || !peer.link->up || peer.ping_sent || peer.handshake) {
            continue;
        }
        if (oldest == nullptr || peer.pong_received < oldest->pong_received) {
            oldest = &peer;
        }
    }
    if (oldest != nullptr) {
        send_ping(*oldest, Packet::Type::ping);
    }
}

void RedisServer::watch(Peer& peer) {
    const auto half = node_timeout_ / 2;
    const auto data_delay = now() - peer.data_received;
    if (peer.link && now() - peer.link->since > node_timeout_ && peer.ping_sent &&
        now() - *peer.ping_sent > half && data_delay > half) {
        peer.link.reset();  // Connected anew in the next turn.
    }
    if (peer.link && peer.link->up && !peer.ping_sent && now() - peer.pong_received > half) {
        send_ping(peer, Packet::Type::ping);
        return;
    }
    if (peer.link && !peer.link->up && !peer.ping_sent && now() - peer.pong_received > half) {
        peer.ping_sent = now();  // It waits in the buffer of a connection that is not there yet.
    }
    if (!peer.ping_sent || peer.suspected || peer.failed) {
        return;
    }
    const auto silence = std::min<std::chrono::microseconds>(now() - *peer.ping_sent, data_delay);
    if (silence > node_timeout_) {
        peer.suspected = true;
        must_update_state_ = true;
    }
}

}  // namespace rop::simulation
