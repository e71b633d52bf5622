#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

// CLUSTER FAILOVER: a replica takes over while its primary lives.
namespace rop::simulation {

using ports::Words;

ports::Reply RedisServer::failover(const Words& words) {
    const std::string how = words.size() == 3 ? lower(words[2]) : "";
    if (words.size() > 3) {
        return error("ERR unknown subcommand or wrong number of arguments for '" + words[1] +
                     "'. Try CLUSTER HELP.");
    }
    if (words.size() == 3 && how != "force" && how != "takeover") {
        return error("ERR syntax error");
    }
    if (self().is_primary) {
        return error("ERR You should send CLUSTER FAILOVER to a replica");
    }
    const Peer* primary = find(self().primary);
    if (primary == nullptr) {
        return error("ERR I'm a replica but my master is unknown to me");
    }
    if ((primary->failed || !primary->link) && how.empty()) {
        return error("ERR Master is down or failed, please use CLUSTER FAILOVER FORCE");
    }
    reset_manual_failover();
    constexpr std::chrono::seconds limit{5};
    manual_.until = now() + limit;
    if (how == "takeover") {
        bump_epoch();
        replace_my_primary();
    } else if (how == "force") {
        manual_.may_start = true;
    } else if (primary->link->up) {
        fleet_.send(id_, primary->link->to, primary->link->id, true,
                    header(Packet::Type::manual_start));
    }
    return status("OK");
}

// Type MFSTART
void RedisServer::manual_failover_asked(const Peer& by) {
    if (!self().is_primary || by.primary != my_id_) {
        return;
    }
    reset_manual_failover();
    constexpr std::chrono::seconds limit{5};
    manual_.until = now() + limit;
    manual_.replica = by.id;
}

void RedisServer::reset_manual_failover() {
    manual_ = ManualFailover{};
}

// manualFailoverCheckTimeout, clusterHandleManualFailover, and the primary's part of clusterCron.
void RedisServer::manual_failover_cron() {
    if (manual_.until && *manual_.until < now()) {
        reset_manual_failover();
    }
    Peer* replica = manual_.until ? find(manual_.replica) : nullptr;
    if (self().is_primary && replica != nullptr && replica->link && replica->link->up) {
        send_ping(*replica, Packet::Type::ping);
    }
    if (manual_.until && manual_.primary_offset == offset_) {
        manual_.may_start = true;
    }
}

}  // namespace rop::simulation
