#include <algorithm>
#include <string>

#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

// The texts that an operator reads, in the form of redis-server 7.0.15.
namespace rop::simulation {

using ports::Words;

namespace {

std::string line(const std::string& key, const std::string& value) {
    return key + ":" + value + "\r\n";
}

std::string line(const std::string& key, std::uint64_t value) {
    return line(key, std::to_string(value));
}

std::int64_t milliseconds_of(Moment moment) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(moment.time_since_epoch()).count();
}

}  // namespace

std::string RedisServer::info(const Words& words) const {
    std::set<std::string> wanted;
    for (std::size_t i = 1; i < words.size(); ++i) {
        wanted.insert(lower(words[i]));
    }
    const bool everything = wanted.empty() || wanted.contains("all") ||
                            wanted.contains("default") || wanted.contains("everything");
    std::string all;
    const auto add = [&](const std::string& name, const std::string& section) {
        if (everything || wanted.contains(name)) {
            all += all.empty() ? "" : "\r\n";
            all += section;
        }
    };
    add("server", server_section());
    add("clients", "# Clients\r\n" + line("connected_clients", clients_.size()));
    add("persistence", "# Persistence\r\n" + line("loading", loading() ? 1 : 0) +
                           line("async_loading", std::uint64_t{0}));
    add("replication", replication_section());
    add("cluster", "# Cluster\r\n" + line("cluster_enabled", options_.cluster_enabled ? 1 : 0));
    add("keyspace",
        "# Keyspace\r\n" + (keys_.empty() ? ""
                                          : line("db0", "keys=" + std::to_string(keys_.size()) +
                                                            ",expires=0,avg_ttl=0")));
    return all;
}

std::string RedisServer::server_section() const {
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now() - started_);
    return "# Server\r\n" + line("redis_version", "7.0.15") +
           line("redis_mode", options_.cluster_enabled ? "cluster" : "standalone") +
           line("run_id", run_id_) + line("tcp_port", options_.at.port) +
           line("uptime_in_seconds", static_cast<std::uint64_t>(uptime.count()));
}

std::string RedisServer::replication_section() const {
    std::string section = "# Replication\r\n";
    const bool follows = sync_ != Sync::none;
    section += line("role", follows ? "slave" : "master");
    if (follows) {
        const auto down =
            std::chrono::duration_cast<std::chrono::seconds>(now() - link_down_since_);
        section += line("master_host", source_at_.host) + line("master_port", source_at_.port) +
                   line("master_link_status", link_up() ? "up" : "down") +
                   line("master_last_io_seconds_ago", link_up() ? "0" : "-1") +
                   line("master_sync_in_progress", sync_ == Sync::transfer ? 1 : 0) +
                   line("slave_read_repl_offset", std::to_string(offset_)) +
                   line("slave_repl_offset", std::to_string(offset_));
        if (!link_up()) {
            section += line("master_link_down_since_seconds", std::to_string(down.count()));
        }
        section +=
            line("slave_priority", 100) + line("slave_read_only", 1) + line("replica_announced", 1);
    }
    std::string replicas;
    std::size_t count = 0;
    for (const RedisServer* other : fleet_.alive()) {
        if (other->replicates_from() == id_) {
            replicas += line("slave" + std::to_string(count),
                             "ip=" + other->options().at.host +
                                 ",port=" + std::to_string(other->options().at.port) +
                                 ",state=" + (other->link_up() ? "online" : "wait_bgsave") +
                                 ",offset=" + std::to_string(other->offset_) + ",lag=0");
            ++count;
        }
    }
    return section + line("connected_slaves", count) + replicas +
           line("master_failover_state", "no-failover") + line("master_replid", replid_) +
           line("master_replid2", std::string(40, '0')) +
           line("master_repl_offset", std::to_string(offset_)) + line("second_repl_offset", "-1");
}

std::string RedisServer::cluster_info() const {
    std::size_t well = 0;
    std::size_t suspected = 0;
    std::size_t failed = 0;
    for (const auto& [node, peer] : table_) {
        std::size_t& kind = peer.failed ? failed : peer.suspected ? suspected : well;
        kind += peer.slots.size();
    }
    const Peer* owner = my_primary();
    const std::uint64_t my_epoch = owner == nullptr ? self().config_epoch : owner->config_epoch;
    return line("cluster_state", state_ok_ ? "ok" : "fail") +
           line("cluster_slots_assigned", well + suspected + failed) +
           line("cluster_slots_ok", well) + line("cluster_slots_pfail", suspected) +
           line("cluster_slots_fail", failed) + line("cluster_known_nodes", table_.size()) +
           line("cluster_size", size_) + line("cluster_current_epoch", current_epoch_) +
           line("cluster_my_epoch", my_epoch) + line("cluster_stats_messages_sent", 0) +
           line("cluster_stats_messages_received", 0) +
           line("total_cluster_links_buffer_limit_exceeded", 0);
}

std::string RedisServer::cluster_nodes() const {
    std::string all;
    for (const auto& [node, peer] : table_) {
        all += node_line(peer) + "\n";
    }
    return all;
}

// clusterGenNodeDescription
std::string RedisServer::node_line(const Peer& peer) const {
    const bool mine = peer.id == my_id_;
    std::string flags;
    const auto add = [&](bool set, const char* name) {
        flags += !set ? "" : flags.empty() ? name : std::string(",") + name;
    };
    add(mine, "myself");
    add(peer.is_primary, "master");
    add(peer.is_replica, "slave");
    add(peer.suspected, "fail?");
    add(peer.failed, "fail");
    add(peer.handshake, "handshake");
    add(peer.no_address, "noaddr");
    const Peer* primary = peer.is_replica ? find(peer.primary) : nullptr;
    const std::int64_t pinged = peer.ping_sent ? milliseconds_of(*peer.ping_sent) : 0;
    std::string all =
        peer.id.value() + " " + peer.at.host + ":" + std::to_string(peer.at.port) + "@" +
        std::to_string(peer.bus_port) + " " + (flags.empty() ? "noflags" : flags) + " " +
        (peer.primary.value().empty() ? "-" : peer.primary.value()) + " " + std::to_string(pinged) +
        " " + std::to_string(milliseconds_of(peer.pong_received)) + " " +
        std::to_string(primary != nullptr ? primary->config_epoch : peer.config_epoch) + " " +
        (peer.link || mine ? "connected" : "disconnected");
    const std::string slots = peer.slots.to_string();
    return slots.empty() ? all : all + " " + slots;
}

std::string RedisServer::client_list() const {
    std::string all;
    for (const auto& [id, client] : clients_) {
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now() - client.since);
        all += "id=" + std::to_string(id) + " addr=127.0.0.1:" + std::to_string(40'000 + id) +
               " laddr=" + to_string(options_.at) + " fd=8 name=" + client.name +
               " age=" + std::to_string(age.count()) +
               " idle=0 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=26 qbuf-free=20448 "
               "argv-mem=10 multi-mem=0 rbs=16384 rbp=16384 obl=0 oll=0 omem=0 tot-mem=37658 "
               "events=r cmd=client|list user=default redir=-1 resp=2\n";
    }
    return all;
}

}  // namespace rop::simulation
