#include <algorithm>
#include <iterator>

#include "test/simulation/redis_server.hpp"

// Replication: a replica connects, takes over the primary's data as a whole, then follows.
namespace rop::simulation {

using std::chrono::milliseconds;

// replicationSetMaster
void RedisServer::follow(const Endpoint& at) {
    stop_following();
    source_at_ = at;
    sync_ = Sync::connecting;
    link_down_since_ = now();
    try_sync();
}

void RedisServer::stop_following() {
    source_at_ = Endpoint{};
    source_ = 0;
    sync_ = Sync::none;
    ++sync_attempt_;
}

void RedisServer::source_lost() {
    if (sync_ == Sync::transfer || sync_ == Sync::connected) {
        sync_ = Sync::connecting;
        source_ = 0;
        link_down_since_ = now();
        ++sync_attempt_;
    }
}

// replicationCron runs once a second and tries again.
void RedisServer::sync_cron() {
    const Peer* primary = my_primary();
    if (self().is_primary || cron_turns_ % 10 != 0) {
        return;
    }
    if (sync_ == Sync::none && primary != nullptr && !primary->no_address) {
        follow(primary->at);
    } else if (sync_ == Sync::connecting) {
        try_sync();
    }
}

void RedisServer::try_sync() {
    RedisServer* source = fleet_.at(source_at_);
    const bool serves = source != nullptr && source != this && !source->loading() &&
                        !fleet_.hangs(source->id()) && fleet_.hears(id_, source->id()) &&
                        fleet_.hears(source->id(), id_) &&
                        source->options().password == options_.password &&
                        (source->self().is_primary || source->link_up());
    if (!serves) {
        return;
    }
    source_ = source->id();
    sync_ = Sync::transfer;
    fleet_.later(id_, fleet_.bus_latency() * 4 + options_.sync_delay,
                 [this, attempt = ++sync_attempt_] { sync_done(attempt); });
}

void RedisServer::sync_done(std::uint64_t attempt) {
    if (attempt != sync_attempt_) {
        return;
    }
    const RedisServer* source = fleet_.find(source_);
    if (source == nullptr || !source->alive() || !fleet_.hears(source_, id_)) {
        source_lost();
        return;
    }
    std::set<Key> lost;
    std::ranges::set_difference(keys_, source->keys_, std::inserter(lost, lost.end()));
    drop_keys(lost, "synchronised with " + source->node().value().substr(0, 8));
    keys_ = source->keys_;
    offset_ = source->offset_;
    replid_ = source->replid_;
    sync_ = Sync::connected;
}

void RedisServer::apply_replicated(ServerId from, Key key) {
    if (sync_ == Sync::connected && source_ == from) {
        keys_.insert(key);
        offset_ += 40;
    }
}

}  // namespace rop::simulation
