#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>

#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

// The texts that an operator reads, in the form of redis-server 7.0.15.
namespace rop::simulation {

using ports::Words;

namespace {

void add(std::string& text, std::string_view key, std::string_view value) {
    text.append(key).append(":").append(value).append("\r\n");
}

void add_number(std::string& text, std::uint64_t value) {
    std::array<char, 20> digits{};
    const auto [end, code] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    text.append(digits.data(), end);
}

void add(std::string& text, std::string_view key, std::uint64_t value) {
    text.append(key).append(":");
    add_number(text, value);
    text.append("\r\n");
}

std::int64_t milliseconds_of(Moment moment) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(moment.time_since_epoch()).count();
}

}  // namespace

std::string RedisServer::info(const Words& words) const {
    const auto asks_for = [&](std::string_view name) {
        return std::any_of(words.begin() + 1, words.end(),
                           [&](const std::string& word) { return same(word, name); });
    };
    const bool everything =
        words.size() == 1 || asks_for("all") || asks_for("default") || asks_for("everything");
    std::string all;
    const auto begin = [&](std::string_view name, std::string_view title) {
        const bool wanted = everything || asks_for(name);
        if (wanted) {
            all.append(all.empty() ? "" : "\r\n").append(title).append("\r\n");
        }
        return wanted;
    };
    if (begin("server", "# Server")) {
        add_server_section(all);
    }
    if (begin("clients", "# Clients")) {
        add(all, "connected_clients", clients_.size());
    }
    if (begin("persistence", "# Persistence")) {
        add(all, "loading", std::uint64_t{loading() ? 1U : 0U});
        add(all, "async_loading", std::uint64_t{0});
    }
    if (begin("replication", "# Replication")) {
        add_replication_section(all);
    }
    if (begin("cluster", "# Cluster")) {
        add(all, "cluster_enabled", std::uint64_t{options_.cluster_enabled ? 1U : 0U});
    }
    if (begin("keyspace", "# Keyspace") && !keys_.empty()) {
        add(all, "db0", "keys=" + std::to_string(keys_.size()) + ",expires=0,avg_ttl=0");
    }
    return all;
}

void RedisServer::add_server_section(std::string& text) const {
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(now() - started_);
    add(text, "redis_version", "7.0.15");
    add(text, "redis_mode", options_.cluster_enabled ? "cluster" : "standalone");
    add(text, "run_id", run_id_);
    add(text, "tcp_port", std::uint64_t{options_.at.port});
    add(text, "uptime_in_seconds", static_cast<std::uint64_t>(uptime.count()));
}

void RedisServer::add_replication_section(std::string& text) const {
    const bool follows = sync_ != Sync::none;
    add(text, "role", follows ? "slave" : "master");
    if (follows) {
        const auto down =
            std::chrono::duration_cast<std::chrono::seconds>(now() - link_down_since_);
        add(text, "master_host", source_at_.host);
        add(text, "master_port", std::uint64_t{source_at_.port});
        add(text, "master_link_status", link_up() ? "up" : "down");
        add(text, "master_last_io_seconds_ago", link_up() ? "0" : "-1");
        add(text, "master_sync_in_progress", std::uint64_t{sync_ == Sync::transfer ? 1U : 0U});
        add(text, "slave_read_repl_offset", std::to_string(offset_));
        add(text, "slave_repl_offset", std::to_string(offset_));
        if (!link_up()) {
            add(text, "master_link_down_since_seconds", std::to_string(down.count()));
        }
        text.append("slave_priority:100\r\nslave_read_only:1\r\nreplica_announced:1\r\n");
    }
    std::string replicas;
    std::size_t count = 0;
    for (const RedisServer* other : fleet_.living()) {
        if (other->replicates_from() == id_) {
            add(replicas, "slave" + std::to_string(count),
                "ip=" + other->options().at.host +
                    ",port=" + std::to_string(other->options().at.port) +
                    ",state=" + (other->link_up() ? "online" : "wait_bgsave") +
                    ",offset=" + std::to_string(other->offset_) + ",lag=0");
            ++count;
        }
    }
    add(text, "connected_slaves", count);
    text.append(replicas);
    add(text, "master_failover_state", "no-failover");
    add(text, "master_replid", replid_);
    add(text, "master_replid2", "0000000000000000000000000000000000000000");
    add(text, "master_repl_offset", std::to_string(offset_));
    add(text, "second_repl_offset", "-1");
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
    std::string all;
    all.reserve(512);
    add(all, "cluster_state", state_ok_ ? "ok" : "fail");
    add(all, "cluster_slots_assigned", well + suspected + failed);
    add(all, "cluster_slots_ok", well);
    add(all, "cluster_slots_pfail", suspected);
    add(all, "cluster_slots_fail", failed);
    add(all, "cluster_known_nodes", table_.size());
    add(all, "cluster_size", size_);
    add(all, "cluster_current_epoch", current_epoch_);
    add(all, "cluster_my_epoch", my_epoch);
    all.append("cluster_stats_messages_sent:0\r\ncluster_stats_messages_received:0\r\n");
    all.append("total_cluster_links_buffer_limit_exceeded:0\r\n");
    return all;
}

std::string RedisServer::cluster_nodes() const {
    std::string all;
    all.reserve(table_.size() * 160);
    for (const auto& [node, peer] : table_) {
        add_node_line(all, peer);
    }
    return all;
}

// clusterGenNodeDescription
void RedisServer::add_node_line(std::string& text, const Peer& peer) const {
    const bool mine = peer.id == my_id_;
    text.append(peer.id.value()).append(" ").append(peer.at.host).append(":");
    add_number(text, peer.at.port);
    text.append("@");
    add_number(text, peer.bus_port);
    text.append(" ");
    const std::size_t flags = text.size();
    const auto flag = [&](bool set, std::string_view name) {
        if (set) {
            text.append(text.size() == flags ? "" : ",").append(name);
        }
    };
    flag(mine, "myself");
    flag(peer.is_primary, "master");
    flag(peer.is_replica, "slave");
    flag(peer.suspected, "fail?");
    flag(peer.failed, "fail");
    flag(peer.handshake, "handshake");
    flag(peer.no_address, "noaddr");
    flag(text.size() == flags, "noflags");
    const Peer* primary = peer.is_replica ? find(peer.primary) : nullptr;
    text.append(" ").append(peer.primary.value().empty() ? "-" : peer.primary.value()).append(" ");
    add_number(text,
               static_cast<std::uint64_t>(peer.ping_sent ? milliseconds_of(*peer.ping_sent) : 0));
    text.append(" ");
    add_number(text, static_cast<std::uint64_t>(milliseconds_of(peer.pong_received)));
    text.append(" ");
    add_number(text, primary != nullptr ? primary->config_epoch : peer.config_epoch);
    text.append(peer.link || mine ? " connected" : " disconnected");
    for (const SlotRange& range : peer.slots.ranges()) {
        text.append(" ");
        add_number(text, range.first.value());
        if (range.first != range.last) {
            text.append("-");
            add_number(text, range.last.value());
        }
    }
    text.append("\n");
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
