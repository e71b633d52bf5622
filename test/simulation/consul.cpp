#include "test/simulation/consul.hpp"

#include <algorithm>
#include <utility>

// Servers and their store. The catalog and the agents are in consul_catalog.cpp.
namespace rop::simulation {

using ports::KvEntry;
using ports::TxnAnswer;
using ports::TxnOp;

void Consul::put(const std::string& key, const std::string& value) {
    const auto it = now_.kv.find(key);
    write(key, value, it == now_.kv.end() ? "" : it->second.session, advance());
    changed();
}

void Consul::remove(const std::string& key) {
    erase(key, advance());
    changed();
}

void Consul::lag(const std::string& node) {
    if (!earlier_) {
        earlier_ = now_;
    }
    lagging_.insert(node);
}

void Consul::catch_up() {
    earlier_.reset();
    lagging_.clear();
    changed();
}

void Consul::refuse(std::optional<Error> why) {
    refusal_ = std::move(why);
    changed();
}

std::optional<Error> Consul::refusal() const {
    return up_ ? refusal_ : Error{ErrorKind::unavailable, "500 No cluster leader"};
}

void Consul::fail() {
    up_ = false;
    changed();
}

void Consul::heal(bool amnesia) {
    up_ = true;
    amnesia_ = amnesia;
    told_the_truth_.clear();
    for (auto& [id, session] : sessions_) {
        session.renewed = clock_.now();  // A new leader restarts every timer.
        expect_renewal(id);
    }
    for (auto& [id, service] : now_.services) {
        sync(service);
    }
    changed();
}

bool Consul::forgot(const std::string& caller) {
    return amnesia_ && !std::exchange(told_the_truth_[caller], true);
}

void Consul::changed() {
    // A waiter may bring about the next change: only those that wait now are asked.
    std::vector<Waiter> asked = std::exchange(waiters_, {});
    std::erase_if(asked, [](const Waiter& waiter) { return !waiter(); });
    std::ranges::move(waiters_, std::back_inserter(asked));
    waiters_ = std::move(asked);
}

KvEntry Consul::entry(const std::string& key, const Entry& found) {
    return KvEntry{key, found.value, found.created, found.modified, found.session};
}

ports::Page<std::vector<KvEntry>> Consul::list(const std::string& prefix,
                                               const ConsulReader& reader) const {
    const Store& store = seen_by(reader);
    Page<std::vector<KvEntry>> page;
    for (auto it = store.kv.lower_bound(prefix);
         it != store.kv.end() && it->first.starts_with(prefix); ++it) {
        page.value.push_back(entry(it->first, it->second));
    }
    page.index = list_index(prefix, reader);
    return page;
}

std::uint64_t Consul::list_index(const std::string& prefix, const ConsulReader& reader) const {
    const Store& store = seen_by(reader);
    std::uint64_t index = 0;
    for (auto it = store.kv.lower_bound(prefix);
         it != store.kv.end() && it->first.starts_with(prefix); ++it) {
        index = std::max(index, it->second.modified);
    }
    for (auto it = store.tombstones.lower_bound(prefix);
         it != store.tombstones.end() && it->first.starts_with(prefix); ++it) {
        index = std::max(index, it->second);
    }
    return index == 0 ? store.kv_index : index;  // Who watches nothing is woken by every write.
}

ports::Page<std::optional<KvEntry>> Consul::get(const std::string& key,
                                                const ConsulReader& reader) const {
    const Store& store = seen_by(reader);
    const auto it = store.kv.find(key);
    if (it == store.kv.end()) {
        return {std::nullopt, store.kv_index};
    }
    return {entry(key, it->second), it->second.modified};
}

std::uint64_t Consul::get_index(const std::string& key, const ConsulReader& reader) const {
    const Store& store = seen_by(reader);
    const auto it = store.kv.find(key);
    return it == store.kv.end() ? store.kv_index : it->second.modified;
}

bool Consul::write(const std::string& key, const std::string& value, const std::string& session,
                   std::uint64_t index) {
    const auto it = now_.kv.find(key);
    if (it != now_.kv.end() && it->second.value == value && it->second.session == session) {
        return false;  // Writing the same is no change, and moves no index.
    }
    Entry& entry = now_.kv[key];
    entry.created = entry.created == 0 ? index : entry.created;
    entry.value = value;
    entry.session = session;
    entry.modified = index;
    now_.kv_index = index;
    return true;
}

void Consul::erase(const std::string& key, std::uint64_t index) {
    if (now_.kv.erase(key) > 0) {
        now_.tombstones[key] = index;
        now_.kv_index = index;
    }
}

std::optional<std::string> Consul::lock_refusal(const ports::KvLock& lock) const {
    if (!sessions_.contains(lock.session)) {
        return "invalid session \"" + lock.session + "\"";
    }
    const auto delay = delayed_locks_.find(lock.key);
    const auto it = now_.kv.find(lock.key);
    const bool held =
        it != now_.kv.end() && !it->second.session.empty() && it->second.session != lock.session;
    if (held || (delay != delayed_locks_.end() && clock_.now() < delay->second)) {
        return "failed to lock key \"" + lock.key + "\", lock is already held";
    }
    return std::nullopt;
}

std::optional<std::string> Consul::refusal(const TxnOp& operation) const {
    const auto index_of = [this](const std::string& key) {
        const auto it = now_.kv.find(key);
        return it == now_.kv.end() ? 0 : it->second.modified;
    };
    const auto session_of = [this](const std::string& key) {
        const auto it = now_.kv.find(key);
        return it == now_.kv.end() ? std::string{} : it->second.session;
    };
    if (const auto* cas = std::get_if<ports::KvCas>(&operation)) {
        if (index_of(cas->key) != cas->index) {
            return "failed to set key \"" + cas->key + "\", index is stale";
        }
    } else if (const auto* gone = std::get_if<ports::KvDeleteCas>(&operation)) {
        if (gone->index == 0 || index_of(gone->key) != gone->index) {
            return "failed to delete key \"" + gone->key + "\", index is stale";
        }
    } else if (const auto* lock = std::get_if<ports::KvLock>(&operation)) {
        return lock_refusal(*lock);
    } else if (const auto* unlock = std::get_if<ports::KvUnlock>(&operation)) {
        if (session_of(unlock->key) != unlock->session || unlock->session.empty()) {
            return "failed to unlock key \"" + unlock->key +
                   "\", lock isn't held, or is held by another session";
        }
    } else if (const auto* check = std::get_if<ports::KvCheckSession>(&operation)) {
        if (!now_.kv.contains(check->key)) {
            return "failed to check session of key \"" + check->key + "\", doesn't exist";
        }
        if (session_of(check->key) != check->session) {
            return "failed session check for key \"" + check->key + "\", current session \"" +
                   session_of(check->key) + "\" != \"" + check->session + "\"";
        }
    } else if (const auto* still = std::get_if<ports::KvCheckIndex>(&operation)) {
        if (!now_.kv.contains(still->key)) {
            return "failed to check index of key \"" + still->key + "\", doesn't exist";
        }
        if (index_of(still->key) != still->index) {
            return "failed index check for key \"" + still->key + "\"";
        }
    }
    return std::nullopt;
}

void Consul::apply(const TxnOp& operation, std::uint64_t index, std::vector<KvEntry>& written) {
    const auto keep_session = [this](const std::string& key) {
        const auto it = now_.kv.find(key);
        return it == now_.kv.end() ? std::string{} : it->second.session;
    };
    const auto set = [&](const std::string& key, const std::string& value,
                         const std::string& session) {
        write(key, value, session, index);
        written.push_back(entry(key, now_.kv.at(key)));
    };
    if (const auto* plain = std::get_if<ports::KvSet>(&operation)) {
        set(plain->key, plain->value, keep_session(plain->key));
    } else if (const auto* cas = std::get_if<ports::KvCas>(&operation)) {
        set(cas->key, cas->value, keep_session(cas->key));
    } else if (const auto* lock = std::get_if<ports::KvLock>(&operation)) {
        set(lock->key, lock->value, lock->session);
    } else if (const auto* unlock = std::get_if<ports::KvUnlock>(&operation)) {
        set(unlock->key, unlock->value, {});
    } else if (const auto* gone = std::get_if<ports::KvDelete>(&operation)) {
        erase(gone->key, index);
    } else if (const auto* gone_if = std::get_if<ports::KvDeleteCas>(&operation)) {
        erase(gone_if->key, index);
    }
}

Result<TxnAnswer> Consul::txn(const std::string& process, const std::vector<TxnOp>& operations) {
    constexpr std::size_t operations_max = 64;
    if (operations.size() > operations_max) {
        return Error{ErrorKind::rejected, "Transaction contains too many operations"};
    }
    TxnAnswer answer;
    const auto before_kv = now_.kv;
    const auto before_tombstones = now_.tombstones;
    const std::uint64_t before_index = now_.kv_index;
    const std::uint64_t index = index_ + 1;
    for (const TxnOp& operation : operations) {
        if (const auto why = refusal(operation)) {
            answer.errors.push_back(*why);
        } else if (answer.errors.empty()) {
            apply(operation, index, answer.entries);
        }
    }
    if (!answer.errors.empty()) {
        now_.kv = before_kv;
        now_.tombstones = before_tombstones;
        now_.kv_index = before_index;
        answer.entries.clear();
        return answer;
    }
    answer.applied = true;
    index_ = index;
    if (observer_ != nullptr) {
        observer_->kv_written(process, operations);
    }
    changed();
    return answer;
}

}  // namespace rop::simulation
