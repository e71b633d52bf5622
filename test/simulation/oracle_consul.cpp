#include <algorithm>
#include <utility>

#include "api/json/record_json.hpp"
#include "api/json/status_json.hpp"
#include "test/simulation/oracle.hpp"
#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

// What operators write into Consul: the lock, the epoch, the record, and what they tell people.
namespace rop::simulation {

namespace {

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
    for (const auto& [key, value] : writing.values) {
        if (!writing.guarded) {
            violated(process + " writes " + key + " without check-session");
        }
        if (key == prefix_ + "epoch") {
            check_epoch_key(value);
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

void Oracle::check_epoch_key(const std::string& text) {
    std::int64_t epoch = 0;
    const bool is_number = number(text, epoch);
    const auto fresh = static_cast<std::uint64_t>(epoch);
    if (!is_number || (fresh <= epoch_key_ && !epoch_spoilt_)) {
        violated("epoch key '" + text + "' after " + std::to_string(epoch_key_));
        return;
    }
    epoch_key_ = std::max(epoch_key_, fresh);
}

void Oracle::key_put(const std::string& key, const std::optional<std::string>& value) {
    if (key == prefix_ + "epoch") {
        epoch_spoilt_ = true;  // Until it counts on, the greatest that was seen is what counts.
    }
    if (key == record_key_) {
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
    if (fresh.state == RecordState::forming && (!record_ || record_->state != fresh.state)) {
        check_layout(fresh);
    }
    trace_.add("record: " + std::string(to_string(fresh.state)) + ", " +
               std::to_string(fresh.members.size()) + " members, " +
               std::to_string(fresh.former.size()) + " former");
    was_formed_ = was_formed_ || fresh.state == RecordState::formed;
    record_ = std::move(fresh);
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
