#include <algorithm>

#include "test/simulation/redis_server.hpp"

// Agreeing that a node has failed, and electing a replica of it.
namespace rop::simulation {

using std::chrono::milliseconds;

std::size_t RedisServer::failure_reports(Peer& peer) const {
    std::erase_if(peer.failure_reports,
                  [this](const auto& report) { return now() - report.second > node_timeout_ * 2; });
    return peer.failure_reports.size();
}

void RedisServer::mark_failed_if_agreed(Peer& peer) {
    if (!peer.suspected || peer.failed) {
        return;
    }
    const std::size_t agreeing = failure_reports(peer) + (self().is_primary ? 1 : 0);
    if (agreeing < size_ / 2 + 1) {
        return;
    }
    peer.suspected = false;
    peer.failed = true;
    peer.failed_at = now();
    must_update_state_ = true;
    Packet packet = header(Packet::Type::fail);
    packet.about = peer.id;
    broadcast(packet);
}

// clearNodeFailureIfNeeded
void RedisServer::clear_failure(Peer& peer) {
    const bool harmless = peer.is_replica || peer.slots.empty();
    const bool unclaimed = peer.is_primary && now() - peer.failed_at > node_timeout_ * 2;
    if (harmless || unclaimed) {
        peer.failed = false;
        must_update_state_ = true;
    }
}

std::int64_t RedisServer::rank() const {
    return std::ranges::count_if(table_, [this](const auto& entry) {
        return entry.first != my_id_ && entry.second.primary == self().primary &&
               entry.second.repl_offset > offset_;
    });
}

// clusterHandleSlaveFailover. The age of the data is not looked at: validity-factor 10 allows
// more time than any story here takes.
void RedisServer::handle_failover() {
    const Peer* primary = find(self().primary);
    const bool manual = manual_.until && manual_.may_start;
    if (self().is_primary || primary == nullptr || (!primary->failed && !manual) ||
        primary->slots.empty()) {
        return;
    }
    const milliseconds timeout = std::max(node_timeout_ * 2, milliseconds{2'000});
    const auto age = now() - election_at_;
    if (age > timeout * 2) {
        election_rank_ = rank();
        election_at_ = now() + milliseconds{500} +
                       fleet_.dice().between(milliseconds{0}, milliseconds{499}) +
                       milliseconds{1'000} * election_rank_;
        votes_ = 0;
        votes_asked_ = false;
        if (manual) {
            election_rank_ = 0;
            election_at_ = now();
        }
        return;
    }
    if (!votes_asked_ && !manual && rank() > election_rank_) {
        election_at_ += milliseconds{1'000} * (rank() - election_rank_);
        election_rank_ = rank();
    }
    if (now() < election_at_ || age > timeout) {
        return;
    }
    if (!votes_asked_) {
        election_epoch_ = ++current_epoch_;
        votes_asked_ = true;
        broadcast(header(Packet::Type::vote_request));
        return;
    }
    if (votes_ >= size_ / 2 + 1) {
        me().config_epoch = std::max(self().config_epoch, election_epoch_);
        replace_my_primary();
    }
}

// clusterFailoverReplaceYourMaster
void RedisServer::replace_my_primary() {
    Peer* old = find(self().primary);
    become_primary(me());
    stop_following();
    if (old != nullptr) {
        me().slots = me().slots | old->slots;
        old->slots = SlotSet{};
    }
    update_state();
    broadcast_pong();
    reset_manual_failover();
}

// clusterSendFailoverAuthIfNeeded
void RedisServer::vote_if_right(Peer& candidate, const Packet& request) {
    Peer* primary = find(candidate.primary);
    if (!self().is_primary || self().slots.empty() || request.current_epoch < current_epoch_ ||
        last_vote_epoch_ == current_epoch_ || candidate.is_primary || primary == nullptr ||
        (!primary->failed && !request.force_ack) || now() - primary->voted_at < node_timeout_ * 2) {
        return;
    }
    for (const auto& [node, peer] : table_) {
        const SlotSet disputed = (peer.slots & request.slots) - unclaimed_;
        if (!disputed.empty() && peer.config_epoch > request.config_epoch) {
            return;
        }
    }
    last_vote_epoch_ = current_epoch_;
    primary->voted_at = now();
    if (candidate.link && candidate.link->up) {
        fleet_.send(id_, candidate.link->to, candidate.link->id, true, header(Packet::Type::vote));
    }
}

}  // namespace rop::simulation
