#include "operator/loop/leader_state.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace rop::loop {
namespace {

/// It becomes part of a connection's name (CLIENT SETNAME), which allows no spaces.
bool is_installation_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::uint64_t index_of(const LockEntry& entry) {
    return entry ? entry->modify_index : 0;
}

std::optional<LockValue> value_in(const LockEntry& lock) {
    return lock ? parse_lock_value(lock->value) : std::nullopt;
}

std::optional<Epoch> epoch_in(const LockEntry& epoch) {
    return epoch ? parse_epoch(epoch->value) : std::nullopt;
}

}  // namespace

std::string_view to_string(Loss loss) {
    switch (loss) {
        case Loss::taken_over:
            return "the lock is not ours any more";
        case Loss::deleted:
            return "the lock key was deleted";
        case Loss::session_gone:
            return "our session is gone";
        case Loss::denied:
            return "our token may not read the lock";
        case Loss::greater_epoch:
            return "someone acts under a greater epoch";
        case Loss::gave_up:
            return "Consul did not confirm the lock for too long";
        case Loss::stopped:
            return "stopped";
    }
    return "";
}

bool session_survives(Loss loss) {
    return loss == Loss::deleted || loss == Loss::greater_epoch || loss == Loss::stopped;
}

LeaderState::LeaderState(LeadershipOptions options, LockValue self)
    : options_(std::move(options)), self_(std::move(self)) {}

std::optional<Loss> LeaderState::session_gone(const std::string& session) {
    if (session.empty() || session != session_) {
        return std::nullopt;
    }
    session_.clear();
    if (!holds_lock()) {
        return std::nullopt;
    }
    lose(Loss::session_gone);
    return Loss::session_gone;
}

bool LeaderState::is_free(const LockEntry& lock) {
    return !lock || lock->session.empty();
}

bool LeaderState::is_ours(const LockEntry& lock) const {
    if (is_free(lock) || lock->session != session_) {
        return false;
    }
    const std::optional<LockValue> value = parse_lock_value(lock->value);
    return value && value->instance == self_.instance && value->epoch > greatest_seen_;
}

bool LeaderState::is_counted(const Ground& ground) {
    const std::optional<LockValue> found = value_in(ground.lock);
    return found && found->epoch == epoch_in(ground.epoch);
}

const Attempt& LeaderState::attempt(const Ground& ground, std::uint64_t chance) {
    const std::optional<LockValue> found = value_in(ground.lock);
    // Whatever else names one stands in for an epoch key that was deleted or spoilt.
    const Epoch greatest =
        std::max({epoch_in(ground.epoch).value_or(Epoch{}), found ? found->epoch : Epoch{},
                  ground.written, greatest_seen_, greatest_led_, epoch_});
    Attempt attempt;
    attempt.epoch = Epoch(greatest.value() + 1);
    attempt.value = write_lock_value(value_at(attempt.epoch));
    // Whatever names a greater epoch tells of somebody who led after that: it may still act.
    attempt.released = found && found->released && is_free(ground.lock) && greatest <= found->epoch;
    attempt.operations.emplace_back(ports::KvLock{lock_key(), attempt.value, session_});
    attempt.operations.emplace_back(
        ports::KvCas{epoch_key(), std::to_string(attempt.epoch.value()), index_of(ground.epoch)});
    if (ground.installation && is_installation_id(ground.installation->value)) {
        attempt.installation = InstallationId(ground.installation->value);
    } else {
        attempt.installation =
            installation_.value().empty() ? InstallationId(hex16(chance)) : installation_;
        attempt.operations.emplace_back(ports::KvCas{
            installation_key(), attempt.installation.value(), index_of(ground.installation)});
    }
    return attempt_.emplace(std::move(attempt));
}

bool LeaderState::taken(Moment sent, Moment answered) {
    if (!attempt_ || attempt_->epoch <= greatest_seen_) {
        return false;
    }
    installation_ = attempt_->installation;
    hold_from(attempt_->epoch, sent, answered, attempt_->released);
    return true;
}

void LeaderState::adopted(const LockEntry& lock, Moment sent, Moment answered) {
    const std::optional<LockValue> value = parse_lock_value(lock->value);
    const bool newest = attempt_ && attempt_->value == lock->value;
    if (newest) {
        installation_ = attempt_->installation;
    }
    hold_from(value->epoch, sent, answered, newest && attempt_->released);
}

void LeaderState::hold_from(Epoch epoch, Moment sent, Moment answered, bool released) {
    clock_.emplace(options_.times.lease, options_.times.give_up);
    clock_->taken(sent, answered, released);
    epoch_ = epoch;
    absent_ = false;
    denied_ = false;
    attempt_.reset();
    ++holds_;
}

LeaderState::Verdict LeaderState::judge(const LockAnswer& answer, Moment sent, std::uint64_t hold) {
    if (!holds_lock() || hold != holds_) {
        return Verdict::nothing;
    }
    if (answer.has_error()) {
        const bool denied = answer.error().kind == ErrorKind::denied;
        if (denied && std::exchange(denied_, denied)) {
            lose(Loss::denied);
            return Verdict::lost;
        }
        denied_ = denied;
        return Verdict::nothing;
    }
    denied_ = false;
    const LockEntry& lock = answer.value().value;
    if (!lock) {
        if (!std::exchange(absent_, true)) {
            return Verdict::ask_again;
        }
        lose(Loss::deleted);
        return Verdict::lost;
    }
    absent_ = false;
    if (lock->session != session_) {
        lose(Loss::taken_over);
        return Verdict::lost;
    }
    clock_->proven(sent);
    return Verdict::proven;
}

std::optional<Loss> LeaderState::greater_epoch_seen(Epoch seen) {
    if (seen >= greatest_epoch) {
        return std::nullopt;
    }
    greatest_seen_ = std::max(greatest_seen_, seen);
    if (!holds_lock() || seen <= epoch_) {
        return std::nullopt;
    }
    lose(Loss::greater_epoch);
    return Loss::greater_epoch;
}

std::optional<Loss> LeaderState::tick(Moment now) {
    if (!clock_ || now < clock_->gives_up_at()) {
        return std::nullopt;
    }
    lose(Loss::gave_up);
    return Loss::gave_up;
}

void LeaderState::lose(Loss loss) {
    clock_.reset();
    attempt_.reset();
    loss_ = loss;
    if (!session_survives(loss)) {
        discarded_ = std::exchange(session_, "");  // Empty already when it is gone.
    }
}

void LeaderState::saw_lock(const LockEntry& lock) {
    const std::optional<LockValue> value = value_in(lock);
    leader_ = value && !is_free(lock) ? value->instance : std::string();
    leader_epoch_ = value ? value->epoch : Epoch{};
    greatest_led_ = std::max(greatest_led_, leader_epoch_);
}

void LeaderState::saw_installation(const LockEntry& entry) {
    if (entry && is_installation_id(entry->value)) {
        installation_ = InstallationId(entry->value);
    }
}

std::optional<Moment> LeaderState::next_change(Moment now) const {
    return clock_ ? std::optional(clock_->next_change(now)) : std::nullopt;
}

Standing LeaderState::standing(Moment now) const {
    Standing standing;
    standing.leading = held(now);
    standing.epoch = holds_lock() ? epoch_ : leader_epoch_;
    standing.installation = installation_;
    standing.leader = holds_lock() ? self_.instance : leader_;
    return standing;
}

LockValue LeaderState::value_at(Epoch epoch) const {
    LockValue value = self_;
    value.epoch = epoch;
    value.released = false;
    return value;
}

std::string LeaderState::released_value() const {
    LockValue value = value_at(epoch_);
    value.released = true;
    return write_lock_value(value);
}

}  // namespace rop::loop
