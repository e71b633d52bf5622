#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/endpoint.hpp"
#include "api/ids.hpp"
#include "api/slot.hpp"
#include "api/time.hpp"

// What a simulated redis-server is made of. The names of Redis 7.0.15's cluster.c are kept in
// comments where they differ, because the model is read beside it.
namespace rop::simulation {

/// One life of one redis-server. Never reused.
using ServerId = std::uint32_t;

/// A key that some client wrote; what is stored under it does not matter.
using Key = std::uint32_t;
[[nodiscard]] Slot slot_of(Key key);

/// An outgoing bus connection.
struct Link {
    std::uint64_t id = 0;
    ServerId to = 0;  // Who accepted it.
    Moment since{};
    bool up = false;  // Connected, and its first packet was sent.
};

/// One line of one server's table of nodes (clusterNode).
struct Peer {
    NodeId id;
    Endpoint at;  // Empty host: unknown.
    std::uint16_t bus_port = 0;
    bool is_primary = false;
    bool is_replica = false;
    bool suspected = false;  // PFAIL
    bool failed = false;     // FAIL
    bool handshake = false;
    bool meet = false;  // The first packet on the link is to be a MEET.
    bool no_address = false;
    NodeId primary;  // slaveof; empty: none.
    std::uint64_t config_epoch = 0;
    SlotSet slots;
    std::int64_t repl_offset = 0;
    std::optional<Moment> ping_sent;
    Moment pong_received{};
    Moment data_received{};
    Moment created{};
    Moment failed_at{};
    Moment voted_at{};
    std::map<NodeId, Moment> failure_reports;
    std::optional<Link> link;
};

/// What a packet says about a third node.
struct Gossip {
    NodeId id;
    Endpoint at;
    std::uint16_t bus_port = 0;
    bool is_primary = false;
    bool is_replica = false;
    bool suspected = false;
    bool failed = false;
    Moment pong_received{};
};

struct Packet {
    enum class Type { ping, pong, meet, fail, update, vote_request, vote, manual_start };
    Type type = Type::ping;
    NodeId sender;
    Endpoint at;  // Empty host: take it from the connection.
    std::uint16_t bus_port = 0;
    bool is_primary = true;
    NodeId primary;
    SlotSet slots;  // Of the sender, or of its primary.
    std::uint64_t current_epoch = 0;
    std::uint64_t config_epoch = 0;
    std::int64_t offset = 0;
    bool paused = false;     // The sender pauses its clients for a manual failover.
    bool force_ack = false;  // A manual failover asks for the vote.
    std::vector<Gossip> gossip;
    NodeId about;  // FAIL, UPDATE
    std::uint64_t about_epoch = 0;
    SlotSet about_slots;
};

/// A packet that has come in over one connection.
struct Arrival {
    ServerId from = 0;
    std::uint64_t link = 0;
    bool inbound = false;  // The sender opened the connection.
    std::shared_ptr<const Packet> packet;
};

/// What a server keeps over a restart when it has a disk: nodes.conf and its data.
struct Disk {
    NodeId id;
    std::map<NodeId, Peer> table;
    std::uint64_t current_epoch = 0;
    std::uint64_t last_vote_epoch = 0;
    std::set<Key> keys;
};

struct RedisOptions {
    Endpoint at;
    std::uint16_t bus_port = 0;
    bool announces_ip = true;  // cluster-announce-ip
    bool cluster_enabled = true;
    bool has_config_file = false;  // Started by arguments alone, as the shipped job does.
    std::optional<std::string> password;
    std::chrono::milliseconds node_timeout{15'000};
    std::chrono::milliseconds loading{0};      // How long it answers -LOADING.
    std::chrono::milliseconds sync_delay{50};  // How long a full synchronisation takes.
    std::optional<Disk> disk;
    std::set<Key> keys;
    std::vector<SlotRange> slots;  // Owned from the start: a part of an earlier cluster.
};

/// A connection from a client, as the server sees it.
struct ClientConnection {
    std::int64_t id = 0;
    std::string name;
    bool authenticated = false;
    std::string owner;  // Which operator process it belongs to; for the oracle and the trace.
    Moment since{};
    std::function<void()> on_closed;  // The server closed it.
};

}  // namespace rop::simulation
