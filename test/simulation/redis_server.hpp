#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/ports/redis.hpp"
#include "test/simulation/fleet.hpp"
#include "test/simulation/redis_types.hpp"

namespace rop::simulation {

/// A model of one redis-server 7.0 in cluster mode: its own table of nodes, its bus, its failure
/// detection and elections, its replication, and the commands by which an operator sees and
/// changes it. Left out: moving slots (SETSLOT, MIGRATE), the migration of replicas to orphaned
/// primaries.
class RedisServer {
  public:
    RedisServer(Fleet& fleet, ServerId id, RedisOptions options);

    [[nodiscard]] ServerId id() const { return id_; }
    [[nodiscard]] const NodeId& node() const { return my_id_; }
    [[nodiscard]] const RedisOptions& options() const { return options_; }
    [[nodiscard]] bool alive() const { return alive_; }
    [[nodiscard]] Moment started() const { return started_; }
    [[nodiscard]] bool loading() const;
    [[nodiscard]] const std::set<Key>& keys() const { return keys_; }
    [[nodiscard]] const std::map<NodeId, Peer>& table() const { return table_; }
    [[nodiscard]] const Peer& self() const { return *self_; }
    [[nodiscard]] bool state_ok() const { return state_ok_; }
    [[nodiscard]] bool link_up() const { return sync_ == Sync::connected; }
    [[nodiscard]] std::chrono::milliseconds node_timeout() const { return node_timeout_; }
    [[nodiscard]] bool replica_migration() const { return replica_migration_; }
    [[nodiscard]] ServerId replicates_from() const { return source_; }
    [[nodiscard]] const std::map<std::int64_t, ClientConnection>& clients() const {
        return clients_;
    }
    /// What a restart with the same disk begins with.
    [[nodiscard]] Disk disk() const;

    // Clients.
    std::int64_t accept(const std::string& owner, std::function<void()> on_closed);
    void disconnected(std::int64_t client) { clients_.erase(client); }
    [[nodiscard]] bool connected(std::int64_t client) const { return clients_.contains(client); }
    ports::Reply execute(std::int64_t client, const ports::Words& words);
    /// A client of the user's writes a key; false: not served here (MOVED, CLUSTERDOWN, ...).
    bool write_key(Key key);

    // The world around it.
    void die();
    void receive(const Arrival& arrival);
    void bus_closed(ServerId by);
    void link_cut(std::uint64_t link);
    /// The connection to its primary ends; it will come again.
    void cut_replication() { source_lost(); }
    void apply_replicated(ServerId from, Key key);

  private:
    enum class Sync { none, connecting, transfer, connected };
    using Reply = ports::Reply;
    using Words = ports::Words;

    // redis_server.cpp
    Peer& me() { return *self_; }
    Peer* find(const NodeId& id);
    [[nodiscard]] const Peer* find(const NodeId& id) const;
    [[nodiscard]] const Peer* my_primary() const;
    [[nodiscard]] SlotSet assigned() const;
    [[nodiscard]] std::uint64_t greatest_epoch() const;
    [[nodiscard]] std::size_t voters() const;
    [[nodiscard]] Moment now() const;
    void remove(const NodeId& id);
    void update_state();
    bool bump_epoch();
    void close_client(std::int64_t client);
    void drop_keys(const std::set<Key>& keys, const std::string& why);

    // redis_server_cron.cpp
    void start_cron();
    void cron();
    void connect(Peer& peer);
    void connected_to(std::uint64_t link, const Endpoint& target);
    void ping_someone();
    void watch(Peer& peer);

    // redis_server_bus.cpp
    [[nodiscard]] Packet header(Packet::Type type) const;
    void add_gossip(Packet& packet) const;
    void send_ping(Peer& peer, Packet::Type type);
    void broadcast(const Packet& packet);
    void broadcast_pong();
    void start_handshake(const Endpoint& at, std::uint16_t bus_port, bool meet);
    void process_ping(const Arrival& arrival, Peer* link_peer, Peer* sender);
    void process_config(const Arrival& arrival, const NodeId& link_peer_id, Peer* sender);
    bool finish_handshake(const Arrival& arrival, Peer& link_peer, Peer* sender);
    void process_gossip(const Packet& packet, Peer* sender);
    void process_update(const Packet& packet);
    bool update_address(Peer& peer, const Arrival& arrival);
    void pong_came(Peer& peer);

    // redis_server_slots.cpp
    void learn_role(Peer& sender, const Packet& packet);
    void learn_slots(Peer& sender, const Packet& packet);
    void become_primary(Peer& peer);
    void update_slots(const NodeId& owner, std::uint64_t epoch, const SlotSet& claimed);
    void settle_collision(const Peer& sender);
    void set_primary(const NodeId& primary);

    // redis_server_failover.cpp
    void mark_failed_if_agreed(Peer& peer);
    void clear_failure(Peer& peer);
    [[nodiscard]] std::size_t failure_reports(Peer& peer) const;
    void handle_failover();
    [[nodiscard]] std::int64_t rank() const;
    void replace_my_primary();
    void vote_if_right(Peer& candidate, const Packet& request);

    // redis_server_sync.cpp
    void follow(const Endpoint& at);
    void stop_following();
    void try_sync();
    void sync_done(std::uint64_t attempt);
    void sync_cron();
    void source_lost();

    // redis_server_commands.cpp, redis_server_cluster.cpp
    Reply dispatch(ClientConnection& client, const Words& words);
    Reply auth(ClientConnection& client, const Words& words);
    Reply client_command(ClientConnection& client, const Words& words);
    Reply client_kill(const Words& words);
    Reply config(const Words& words);
    Reply config_set(const Words& words);
    Reply role() const;
    Reply set_key(const Words& words);
    Reply cluster(const Words& words);
    Reply meet(const Words& words);
    Reply change_slots(const Words& words, bool ranges, bool remove);
    Reply replicate(const Words& words);
    Reply forget(const Words& words);

    // redis_server_manual.cpp
    struct ManualFailover {
        std::optional<Moment> until;                 // mf_end
        bool may_start = false;                      // mf_can_start
        std::optional<std::int64_t> primary_offset;  // mf_master_offset
        NodeId replica;                              // mf_slave
    };
    Reply failover(const Words& words);
    void manual_failover_asked(const Peer& by);
    void manual_failover_cron();
    void reset_manual_failover();

    Reply set_config_epoch(const Words& words);

    // redis_server_text.cpp
    [[nodiscard]] std::string info(const Words& words) const;
    void add_server_section(std::string& text) const;
    void add_replication_section(std::string& text) const;
    [[nodiscard]] std::string cluster_info() const;
    [[nodiscard]] std::string cluster_nodes() const;
    void add_node_line(std::string& text, const Peer& peer) const;
    [[nodiscard]] std::string client_list() const;

    Fleet& fleet_;
    ServerId id_;
    RedisOptions options_;
    bool alive_ = true;
    Moment started_{};
    std::string run_id_;

    // The cluster.
    NodeId my_id_;
    std::map<NodeId, Peer> table_;  // Itself included.
    Peer* self_ = nullptr;          // In the table.
    std::uint64_t current_epoch_ = 0;
    std::uint64_t last_vote_epoch_ = 0;
    SlotSet unclaimed_;  // owner_not_claiming_slot
    std::map<NodeId, Moment> blacklist_;
    bool state_ok_ = false;
    bool must_update_state_ = false;
    std::size_t size_ = 1;
    Moment minority_at_{};
    std::optional<Moment> first_update_;
    std::uint64_t cron_turns_ = 0;
    std::chrono::milliseconds node_timeout_;
    bool replica_migration_ = true;

    // An election.
    Moment election_at_{};
    bool votes_asked_ = false;
    std::size_t votes_ = 0;
    std::uint64_t election_epoch_ = 0;
    std::int64_t election_rank_ = 0;
    ManualFailover manual_;

    // Data and replication.
    std::set<Key> keys_;
    Sync sync_ = Sync::none;
    Endpoint source_at_;
    ServerId source_ = 0;
    std::uint64_t sync_attempt_ = 0;
    std::string replid_;
    std::int64_t offset_ = 0;
    Moment link_down_since_{};

    // Clients.
    std::map<std::int64_t, ClientConnection> clients_;
    std::int64_t last_client_ = 0;
};

}  // namespace rop::simulation
