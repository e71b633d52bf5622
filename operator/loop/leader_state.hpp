#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ids.hpp"
#include "api/snapshot.hpp"
#include "operator/loop/leadership.hpp"
#include "operator/loop/lease_clock.hpp"
#include "operator/loop/lock_value.hpp"
#include "operator/ports/consul.hpp"

namespace rop::loop {

/// Why a hold of the lock ended.
enum class Loss {
    taken_over,     // The lock shows another session, or none.
    deleted,        // The lock key is gone, by two consistent reads.
    session_gone,   // Consul does not know our session any more.
    denied,         // Our token may not read the lock, twice in a row.
    greater_epoch,  // Someone acts under a greater epoch.
    gave_up,        // No proof for long after the lease had ended.
    stopped,        // We were asked to stop.
};
[[nodiscard]] std::string_view to_string(Loss loss);

/// The lock may be taken again with the session that lost it.
[[nodiscard]] bool session_survives(Loss loss);

using LockEntry = std::optional<ports::KvEntry>;
using LockAnswer = Result<ports::Page<LockEntry>>;

/// What is read, consistently, before the lock is taken.
struct Ground {
    LockEntry lock;
    LockEntry epoch;
    LockEntry installation;
    /// The greatest epoch in records and statuses. They need to be read only where the first two
    /// do not agree: see is_counted().
    Epoch written{};
};

/// One try to take the lock: the transaction to send, and what holds once it was applied.
struct Attempt {
    std::vector<ports::TxnOp> operations;
    std::string value;  // Of the lock key.
    Epoch epoch;
    InstallationId installation;
    bool released = false;  // What was found says that its writer had stopped acting.
};

/// Everything that leadership decides, without asking or waiting: Leadership is the shell around
/// it. Pure; moments and chance are passed in.
class LeaderState {
  public:
    /// `self`: what our lock value says, but for the epoch.
    LeaderState(LeadershipOptions options, LockValue self);

    // --- Sessions

    [[nodiscard]] const std::string& session() const { return session_; }
    void session_opened(std::string session) { session_ = std::move(session); }
    /// Consul does not know this session; news about an older one is ignored.
    std::optional<Loss> session_gone(const std::string& session);
    /// One that lost the lock and must be destroyed before another one is opened; else empty.
    [[nodiscard]] const std::string& discarded() const { return discarded_; }
    void discarded_destroyed() { discarded_.clear(); }
    /// Our check may pass. Not as long as a discarded session might live and hold the lock: its
    /// end is what frees it for others, and a passing check keeps it.
    [[nodiscard]] bool may_beat() const { return discarded_.empty(); }

    // --- Taking the lock

    [[nodiscard]] bool wants_lock() const { return !session_.empty() && !holds_lock(); }
    /// The lock is ours already, by a transaction whose answer was lost: take note of it with
    /// adopted().
    [[nodiscard]] bool is_ours(const LockEntry& lock) const;
    [[nodiscard]] static bool is_free(const LockEntry& lock);
    /// Lock and epoch are as one leader wrote them, together. Else somebody deleted or changed
    /// one of them, or nobody led yet.
    [[nodiscard]] static bool is_counted(const Ground& ground);
    /// For a lock that is free, or ours under an epoch that is too small. Remembers the attempt
    /// for adopted(). `chance` names an installation that has no name yet.
    [[nodiscard]] const Attempt& attempt(const Ground& ground, std::uint64_t chance);
    /// The attempt was applied. False: it is outdated, by a greater epoch seen meanwhile; the
    /// lock must be taken again.
    [[nodiscard]] bool taken(Moment sent, Moment answered);
    /// `lock` was read, sent and answered then, and is_ours().
    void adopted(const LockEntry& lock, Moment sent, Moment answered);

    // --- Keeping it

    enum class Verdict { proven, ask_again, nothing, lost };

    [[nodiscard]] bool holds_lock() const { return clock_.has_value(); }
    /// Numbers the holds, so that an answer that outlived its hold can be told.
    [[nodiscard]] std::uint64_t hold() const { return holds_; }
    /// What a consistent read of the lock, sent then during hold number `hold`, means.
    Verdict judge(const LockAnswer& answer, Moment sent, std::uint64_t hold);
    std::optional<Loss> greater_epoch_seen(Epoch seen);
    /// Whether to give up now.
    std::optional<Loss> tick(Moment now);
    void lose(Loss loss);
    [[nodiscard]] std::optional<Loss> loss() const { return loss_; }  // The newest.

    // --- What is so

    /// By a watch of the lock: who leads, for followers.
    void saw_lock(const LockEntry& lock);
    void saw_installation(const LockEntry& entry);
    [[nodiscard]] bool held(Moment now) const { return clock_ && clock_->held(now); }
    [[nodiscard]] Moment lease_ends() const { return clock_ ? clock_->ends() : Moment{}; }
    /// When something changes next without any news; nullopt: never.
    [[nodiscard]] std::optional<Moment> next_change(Moment now) const;
    [[nodiscard]] Epoch epoch() const { return epoch_; }
    [[nodiscard]] const InstallationId& installation() const { return installation_; }
    [[nodiscard]] Standing standing(Moment now) const;
    /// What a clean unlock leaves in the lock key.
    [[nodiscard]] std::string released_value() const;

    [[nodiscard]] std::string lock_key() const { return options_.kv_prefix + "leader"; }
    [[nodiscard]] std::string epoch_key() const { return options_.kv_prefix + "epoch"; }
    /// Below it are the clusters' keys, which name epochs, too.
    [[nodiscard]] std::string clusters_key() const { return options_.kv_prefix + "clusters/"; }
    [[nodiscard]] std::string installation_key() const {
        return options_.kv_prefix + "installation";
    }

  private:
    void hold_from(Epoch epoch, Moment sent, Moment answered, bool released);
    [[nodiscard]] LockValue value_at(Epoch epoch) const;

    LeadershipOptions options_;
    LockValue self_;
    std::string session_;
    std::string discarded_;
    std::optional<Attempt> attempt_;
    std::optional<LeaseClock> clock_;  // While the lock is ours.
    std::uint64_t holds_ = 0;
    Epoch epoch_;          // Of the newest hold.
    Epoch greatest_seen_;  // Anywhere but in the keys that taking the lock reads anyway.
    Epoch greatest_led_;   // Of all leaders that were seen in the lock, by whoever.
    bool absent_ = false;  // The newest proof did not find the key.
    bool denied_ = false;  // The newest proof was denied.
    std::optional<Loss> loss_;
    std::string leader_;
    Epoch leader_epoch_;
    InstallationId installation_;
};

}  // namespace rop::loop
