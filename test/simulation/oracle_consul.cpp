#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "api/json/record_json.hpp"
#include "api/json/status_json.hpp"
#include "operator/loop/lock_value.hpp"
#include "test/simulation/oracle.hpp"
#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

// What operators write into Consul: the lock, the epoch, the record, and what they tell people.
namespace rop::simulation {

namespace {

/// Longer than it takes from the first reading before the lock is taken to the taking.
constexpr std::chrono::seconds reading_time{10};

/// What a transaction writes, and whether it can only be applied for the holder of a lock.
struct Writing {
    bool guarded = false;
    std::map<std::string, std::string> values;
};

Writing writing_of(const std::vector<ports::TxnOp>& ops) {
    Writing writing;
    for (const ports::TxnOp& op : ops) {
        if (const auto* set = std::get_if<ports::KvSet>(&op)) {
            writing.values[set->key] = set->value;
        } else if (const auto* cas = std::get_if<ports::KvCas>(&op)) {
            writing.values[cas->key] = cas->value;
        } else if (const auto* unlock = std::get_if<ports::KvUnlock>(&op)) {
            writing.guarded = true;
            writing.values[unlock->key] = unlock->value;
        } else if (const auto* lock = std::get_if<ports::KvLock>(&op)) {
            writing.guarded = true;
            writing.values[lock->key] = lock->value;
        } else if (std::holds_alternative<ports::KvCheckSession>(op)) {
            writing.guarded = true;
        }
    }
    return writing;
}

/// A document as a person would like to read it in a story.
std::string gist(const std::string& key, const std::string& text) {
    if (key.ends_with("/status")) {
        const auto status = json::parse_status(text);
        return status ? ": " + std::string(to_string(status.value().phase)) + "/" +
                            status.value().reason + " (" + status.value().message + ")"
                      : ", which cannot be read";
    }
    if (key.ends_with("/events")) {
        const auto events = json::parse_events(text);
        return events && !events.value().empty() ? ", the newest: " + events.value().back().reason
                                                 : "";
    }
    return "";
}

}  // namespace

void Oracle::session_created(const std::string& process, const std::string& session) {
    sessions_[process].insert(session);
}

void Oracle::lock_proved(const std::string& process, const std::string& key,
                         const std::string& session, Moment sent) {
    if (key == prefix_ + "leader" && sessions_[process].contains(session)) {
        Moment& proof = proofs_[process];
        proof = std::max(proof, sent);
    }
}

void Oracle::kv_written(const std::string& process, const std::vector<ports::TxnOp>& ops) {
    for (const ports::TxnOp& op : ops) {
        if (const auto* unlock = std::get_if<ports::KvUnlock>(&op)) {
            trace_.add(process + " gives the lock back");
            proofs_.erase(process);
            // Proofs that are still on their way to it prove nothing any more: it gave up.
            sessions_[process].erase(unlock->session);
        } else if (std::holds_alternative<ports::KvLock>(op)) {
            trace_.add(process + " takes the lock");
            taken_[process] = ++takings_;
        }
    }
    const Writing writing = writing_of(ops);
    if (const auto epoch = writing.values.find(prefix_ + "epoch"); epoch != writing.values.end()) {
        check_epoch_key(epoch->second);
    }
    for (const auto& [key, value] : writing.values) {
        note_trace(key, value);
        if (!writing.guarded) {
            violated(process + " writes " + key + " without check-session");
        }
        if (key.starts_with(prefix_ + "clusters/")) {
            count_change();
            trace_.add(process + " writes " + key.substr(prefix_.size()) + gist(key, value));
        }
        if (key == record_key_) {
            check_record(process, value);
        }
    }
}

/// Asked before what is written now can be read.
void Oracle::check_epoch_key(const std::string& text) {
    std::int64_t epoch = 0;
    const bool is_number = number(text, epoch);
    const auto fresh = static_cast<std::uint64_t>(epoch);
    // A leader to be may have read the record before somebody put it back.
    const bool is_record_old = !record_put_ || clock_.now() - *record_put_ > reading_time;
    for (const auto& [key, named] : traces_) {
        if (!is_number || (fresh <= named && (key != record_key_ || is_record_old))) {
            violated("epoch key '" + text + "', and " + key + " names " + std::to_string(named));
            return;
        }
    }
    if (fresh <= acted_ && !record_put_) {
        violated("epoch key '" + text + "' after acts in epoch " + std::to_string(acted_));
        return;
    }
    if (fresh <= acted_) {
        go_back_to(fresh);
    }
    epoch_key_ = fresh;
}

/// Somebody took away everything that named the epochs from this one on: they begin anew.
void Oracle::go_back_to(std::uint64_t epoch) {
    acted_ = epoch - 1;
    signed_ = 0;
    owners_.clear();
    for (auto& [server, newest] : newest_epoch_) {
        newest = std::min(newest, epoch);
    }
}

void Oracle::note_trace(const std::string& key, const std::string& value) {
    std::optional<std::uint64_t> named;
    if (std::int64_t number_of = 0; key == prefix_ + "epoch" && number(value, number_of)) {
        named = static_cast<std::uint64_t>(number_of);
    } else if (key == prefix_ + "leader") {
        if (const auto lock = loop::parse_lock_value(value)) {
            named = lock->epoch.value();
        }
    } else if (key == record_key_) {
        if (const auto record = json::parse_record(value)) {
            named = record.value().epoch.value();
        }
    } else if (key.starts_with(prefix_ + "clusters/") && key.ends_with("/status")) {
        if (const auto status = json::parse_status(value)) {
            named = status.value().epoch;
        }
    }
    if (named) {
        traces_[key] = *named;
    } else {
        traces_.erase(key);
    }
}

void Oracle::key_put(const std::string& key, const std::optional<std::string>& value) {
    note_trace(key, value.value_or(""));
    if (key == record_key_) {
        record_put_ = clock_.now();
        record_.reset();  // Whatever was promised in it: nobody may act without.
        if (auto parsed = json::parse_record(value.value_or("")); parsed) {
            record_ = std::move(parsed).value();
        }
    }
}

void Oracle::check_record(const std::string& process, const std::string& text) {
    auto parsed = json::parse_record(text);
    if (!parsed) {
        violated(process + " writes a record that cannot be read: " + parsed.error().what);
        return;
    }
    Record fresh = std::move(parsed).value();
    if (record_ && fresh.state < record_->state) {
        violated("the record goes back to " + std::string(to_string(fresh.state)));
    }
    if (record_) {
        check_retired(*record_, fresh);
    }
    if (const auto asked = asked_without_nomad_.find({process, text});
        asked != asked_without_nomad_.end()) {
        check_nomad(fresh, asked->second);
    }
    if (fresh.state == RecordState::forming && (!record_ || record_->state != fresh.state)) {
        check_layout(fresh);
    }
    trace_.add("record: " + std::string(to_string(fresh.state)) + ", " +
               std::to_string(fresh.members.size()) + " members, " +
               std::to_string(fresh.former.size()) + " former");
    was_formed_ = was_formed_ || fresh.state == RecordState::formed;
    signed_ = std::max(signed_, fresh.epoch.value());
    record_ = std::move(fresh);
    record_put_.reset();
}

/// No replica beside its primary without need. When no host has more than half of the members,
/// there is a layout with every pair on two hosts.
void Oracle::check_layout(const Record& record) {
    std::map<std::string, std::size_t> members_on;
    std::map<InstanceId, std::string> host_of;
    for (const auto& [id, member] : record.members) {
        for (const RedisServer* server : ours()) {
            if (server->node() == member.node) {
                host_of[id] = server->options().at.host;
                ++members_on[server->options().at.host];
            }
        }
    }
    if (host_of.size() < record.members.size()) {
        return;  // Some died since they were looked at: nobody knows where they were.
    }
    const bool avoidable = std::ranges::all_of(
        members_on, [&](const auto& entry) { return entry.second * 2 <= record.members.size(); });
    for (const ShardLayout& shard : record.layout) {
        for (const InstanceId& replica : shard.replicas) {
            if (avoidable && shard.replicas.size() == 1 &&
                host_of[replica] == host_of[shard.primary]) {
                violated("the layout has a replica beside its primary");
            }
        }
    }
}

void Oracle::check_retired(const Record& before, const Record& after) {
    const auto living = ours();
    for (const auto& [instance, member] : before.members) {
        const bool kept = std::ranges::any_of(
            after.members, [&](const auto& other) { return other.second.node == member.node; });
        const bool lives = std::ranges::any_of(living, [&](const RedisServer* server) {
            return server->node() == member.node && can_be_known(*server);
        });
        if (!kept && lives) {
            violated("member " + instance.value() + " is retired, and lives");
        }
    }
}

}  // namespace rop::simulation
