#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "api/json/status_json.hpp"
#include "test/simulation/redis_server.hpp"
#include "test/simulation/world.hpp"

// What a healthy end looks like.
namespace rop::simulation {

namespace {

std::string short_name(const RedisServer& server) {
    return server.node().value().substr(0, 8);
}

/// Whether `server` sees the cluster as it is: everybody, nobody else, nobody failed.
std::string disagreement(const RedisServer& server, const std::vector<const RedisServer*>& all) {
    if (server.table().size() != all.size()) {
        return "knows " + std::to_string(server.table().size()) + " nodes of " +
               std::to_string(all.size());
    }
    for (const RedisServer* other : all) {
        const auto it = server.table().find(other->node());
        if (it == server.table().end()) {
            return "does not know " + short_name(*other);
        }
        const Peer& peer = it->second;
        if (peer.failed || peer.suspected || peer.handshake || peer.no_address) {
            const std::string why = peer.failed      ? "failed"
                                    : peer.suspected ? "suspected"
                                    : peer.handshake ? "in handshake"
                                                     : "without an address";
            return "sees " + short_name(*other) + " as " + why;
        }
        if (peer.slots != other->self().slots || peer.is_primary != other->self().is_primary ||
            peer.primary != other->self().primary) {
            return "disagrees with " + short_name(*other);
        }
        if (!peer.slots.empty() && peer.config_epoch != other->self().config_epoch) {
            return "knows " + short_name(*other) + " under config epoch " +
                   std::to_string(peer.config_epoch) + ", which has " +
                   std::to_string(other->self().config_epoch);
        }
    }
    return "";
}

/// Of two owners with one epoch neither wins where their claims meet.
std::string doubled_epoch(const std::vector<const RedisServer*>& all) {
    std::map<std::uint64_t, const RedisServer*> owner_in;
    for (const RedisServer* server : all) {
        if (server->self().slots.empty()) {
            continue;
        }
        const std::uint64_t epoch = server->self().config_epoch;
        const auto [it, is_new] = owner_in.try_emplace(epoch, server);
        if (!is_new) {
            return short_name(*it->second) + " and " + short_name(*server) +
                   " have one config epoch, " + std::to_string(epoch);
        }
    }
    return "";
}

}  // namespace

std::string World::unfinished() const {
    const auto all = oracle_.ours();
    if (all.size() < options_.wanted()) {
        return "only " + std::to_string(all.size()) + " instances run";
    }
    if (std::string why = doubled_epoch(all); !why.empty()) {
        return why;
    }
    SlotSet served;
    std::size_t primaries = 0;
    std::map<NodeId, std::size_t> replicas;
    for (const RedisServer* server : all) {
        if (const std::string why = disagreement(*server, all); !why.empty()) {
            return short_name(*server) + " " + why;
        }
        if (!server->state_ok()) {
            return short_name(*server) + " does not serve";
        }
        if (server->node_timeout() != options_.node_timeout) {
            return short_name(*server) + " has a node timeout of " +
                   std::to_string(server->node_timeout().count()) + " ms";
        }
        if (server->self().is_primary) {
            primaries += server->self().slots.empty() ? 0 : 1;
            replicas[server->node()];
            served = served | server->self().slots;
        } else if (!server->link_up()) {
            return short_name(*server) + " has no link to its primary";
        } else {
            ++replicas[server->self().primary];
        }
    }
    if (served.size() != slot_count || primaries != options_.primaries) {
        return std::to_string(served.size()) + " slots on " + std::to_string(primaries) +
               " primaries";
    }
    for (const auto& [primary, count] : replicas) {
        if (count < options_.replicas_per_primary) {
            return primary.value().substr(0, 8) + " has " + std::to_string(count) + " replicas";
        }
    }
    if (!oracle_.record() || oracle_.record()->state != RecordState::formed ||
        oracle_.record()->members.size() != all.size()) {
        return "the record is not that of a formed cluster of " + std::to_string(all.size());
    }
    const auto views = leaders_view();
    const auto view = views.find(cluster());
    if (view == views.end() || view->second.status == nullptr) {
        return "no leader has a status";
    }
    // Whoever does not belong here is named, which keeps the phase from Ready.
    const Phase phase = view->second.status->phase;
    if (phase != Phase::ready && !(phase == Phase::degraded && oracle_.knows_strangers())) {
        return "the status is " + std::string(to_string(view->second.status->phase)) + ": " +
               view->second.status->message;
    }
    const auto shown = consul_.get("redis-operator/clusters/" + cluster().value() + "/status");
    const auto status = json::parse_status(shown.value ? shown.value->value : "");
    if (!status || status.value().phase != phase) {
        return "the status in KV is not the leader's";
    }
    return "";
}

}  // namespace rop::simulation
