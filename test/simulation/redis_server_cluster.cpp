#include <utility>

#include <arpa/inet.h>

#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

// CLUSTER ...
namespace rop::simulation {

using ports::Words;

namespace {

bool is_address(const std::string& text) {
    in6_addr parsed{};
    return inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
           inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

ports::Reply wrong_arity(const std::string& subcommand) {
    return error("ERR wrong number of arguments for 'cluster|" + subcommand + "' command");
}

}  // namespace

ports::Reply RedisServer::cluster(const Words& words) {
    if (!options_.cluster_enabled) {
        return error("ERR This instance has cluster support disabled");
    }
    const std::string name = lower(words[1]);
    const std::size_t count = words.size();
    if (name == "nodes" && count == 2) {
        return text(cluster_nodes());
    }
    if (name == "info" && count == 2) {
        return text(cluster_info());
    }
    if (name == "myid" && count == 2) {
        return text(my_id_.value());
    }
    if (name == "meet" && (count == 4 || count == 5)) {
        return meet(words);
    }
    if (name == "addslots" || name == "delslots") {
        return change_slots(words, false, name == "delslots");
    }
    if (name == "addslotsrange" || name == "delslotsrange") {
        return count % 2 != 0 ? wrong_arity(name)
                              : change_slots(words, true, name == "delslotsrange");
    }
    if (name == "set-config-epoch" && count == 3) {
        return set_config_epoch(words);
    }
    if (name == "bumpepoch" && count == 2) {
        const bool bumped = bump_epoch();
        return status((bumped ? "BUMPED " : "STILL ") + std::to_string(self().config_epoch));
    }
    if (name == "replicate" && count == 3) {
        return replicate(words);
    }
    if (name == "failover") {
        return failover(words);
    }
    if (name == "forget" && count == 3) {
        return forget(words);
    }
    if (name == "count-failure-reports" && count == 3) {
        Peer* peer = find(NodeId{words[2]});
        return peer == nullptr ? error("ERR Unknown node " + words[2])
                               : integer(static_cast<std::int64_t>(failure_reports(*peer)));
    }
    if (name == "countkeysinslot" && count == 3) {
        std::int64_t slot = 0;
        if (!number(words[2], slot)) {
            return error("ERR value is not an integer or out of range");
        }
        if (slot < 0 || slot >= static_cast<std::int64_t>(slot_count)) {
            return error("ERR Invalid slot");
        }
        std::int64_t keys = 0;
        for (const Key key : keys_) {
            keys += slot_of(key).value() == slot ? 1 : 0;
        }
        return integer(keys);
    }
    return error("ERR unknown subcommand or wrong number of arguments for '" + words[1] +
                 "'. Try CLUSTER HELP.");
}

ports::Reply RedisServer::meet(const Words& words) {
    std::int64_t port = 0;
    if (!number(words[3], port)) {
        return error("ERR Invalid TCP base port specified: " + words[3]);
    }
    std::int64_t bus_port = port + 10'000;
    if (words.size() == 5 && !number(words[4], bus_port)) {
        return error("ERR Invalid TCP bus port specified: " + words[4]);
    }
    const bool ports_valid = port > 0 && port <= 65'535 && bus_port > 0 && bus_port <= 65'535;
    if (!ports_valid || !is_address(words[2])) {
        return error("ERR Invalid node address specified: " + words[2] + ":" + words[3]);
    }
    const Endpoint at{words[2], static_cast<std::uint16_t>(port)};
    for (const auto& [node, peer] : table_) {
        if (peer.handshake && peer.at == at && peer.bus_port == bus_port) {
            return status("OK");  // In progress already.
        }
    }
    start_handshake(at, static_cast<std::uint16_t>(bus_port), true);
    return status("OK");
}

ports::Reply RedisServer::change_slots(const Words& words, bool ranges, bool remove) {
    const SlotSet taken = assigned();
    SlotSet wanted;
    const std::size_t step = ranges ? 2 : 1;
    for (std::size_t i = 2; i < words.size(); i += step) {
        std::int64_t first = 0;
        std::int64_t last = 0;
        constexpr auto limit = static_cast<std::int64_t>(slot_count);
        if (!number(words[i], first) || !number(words[i + step - 1], last) || first < 0 ||
            last < 0 || first >= limit || last >= limit) {
            return error("ERR Invalid or out of range slot");
        }
        if (first > last) {
            return error("ERR start slot number " + std::to_string(first) +
                         " is greater than end slot number " + std::to_string(last));
        }
        for (std::int64_t number = first; number <= last; ++number) {
            const Slot slot{static_cast<std::uint16_t>(number)};
            if (taken.contains(slot) != remove) {
                return error("ERR Slot " + std::to_string(number) +
                             (remove ? " is already unassigned" : " is already busy"));
            }
            if (wanted.contains(slot)) {
                return error("ERR Slot " + std::to_string(number) + " specified multiple times");
            }
        }
        wanted = wanted | SlotSet{SlotRange{Slot{static_cast<std::uint16_t>(first)},
                                            Slot{static_cast<std::uint16_t>(last)}}};
    }
    for (auto& [node, peer] : table_) {
        peer.slots = remove ? peer.slots - wanted : peer.slots;
    }
    me().slots = remove ? self().slots : self().slots | wanted;
    must_update_state_ = true;
    return status("OK");
}

ports::Reply RedisServer::set_config_epoch(const Words& words) {
    std::int64_t epoch = 0;
    if (!number(words[2], epoch)) {
        return error("ERR value is not an integer or out of range");
    }
    if (epoch < 0) {
        return error("ERR Invalid config epoch specified: " + std::to_string(epoch));
    }
    if (table_.size() > 1) {
        return error(
            "ERR The user can assign a config epoch only when the node does not know any other "
            "node.");
    }
    if (self().config_epoch != 0) {
        return error("ERR Node config epoch is already non-zero");
    }
    me().config_epoch = static_cast<std::uint64_t>(epoch);
    current_epoch_ = std::max(current_epoch_, self().config_epoch);
    must_update_state_ = true;
    return status("OK");
}

ports::Reply RedisServer::replicate(const Words& words) {
    const Peer* primary = find(NodeId{words[2]});
    if (primary == nullptr) {
        return error("ERR Unknown node " + words[2]);
    }
    if (primary->id == my_id_) {
        return error("ERR Can't replicate myself");
    }
    if (primary->is_replica) {
        return error("ERR I can only replicate a master, not a replica.");
    }
    if (self().is_primary && (!self().slots.empty() || !keys_.empty())) {
        return error("ERR To set a master the node must be empty and without assigned slots.");
    }
    set_primary(primary->id);
    return status("OK");
}

ports::Reply RedisServer::forget(const Words& words) {
    const NodeId node{words[2]};
    if (find(node) == nullptr) {
        return error("ERR Unknown node " + words[2]);
    }
    if (node == my_id_) {
        return error("ERR I tried hard but I can't forget myself...");
    }
    if (!self().is_primary && self().primary == node) {
        return error("ERR Can't forget my master!");
    }
    blacklist_[node] = now();
    remove(node);
    must_update_state_ = true;
    return status("OK");
}

}  // namespace rop::simulation
