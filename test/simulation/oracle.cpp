#include "test/simulation/oracle.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "test/simulation/redis_reply.hpp"
#include "test/simulation/redis_server.hpp"

namespace rop::simulation {

using ports::Words;

namespace {

constexpr std::chrono::milliseconds lease_time{1'500};

/// The first two words, which is what most commands are known by.
std::string name_of(const Words& words) {
    std::string name = words.empty() ? "" : lower(words[0]);
    const bool has_subcommand = name == "cluster" || name == "config" || name == "client";
    return has_subcommand && words.size() > 1 ? name + " " + lower(words[1]) : name;
}

std::optional<std::uint64_t> epoch_in(const std::string& connection_name) {
    constexpr std::string_view ours = "redis-operator:";
    const auto colon = connection_name.rfind(':');
    std::int64_t epoch = 0;
    if (!connection_name.starts_with(ours) || colon < ours.size() ||
        !number(std::string_view(connection_name).substr(colon + 1), epoch)) {
        return std::nullopt;
    }
    return static_cast<std::uint64_t>(epoch);
}

}  // namespace

bool changes_something(const Words& words) {
    using Question = std::pair<std::string_view, std::string_view>;
    static constexpr std::array<Question, 19> questions{{
        {"cluster", "nodes"},
        {"cluster", "info"},
        {"info", ""},
        {"config", "get"},
        {"dbsize", ""},
        {"client", "list"},
        {"client", "setname"},
        {"auth", ""},
        {"ping", ""},
        {"role", ""},
        {"hello", ""},
        {"client", "getname"},
        {"client", "id"},
        {"client", "setinfo"},
        {"cluster", "myid"},
        {"cluster", "countkeysinslot"},
        {"cluster", "shards"},
        {"cluster", "slots"},
        {"cluster", "count-failure-reports"},
    }};
    return std::ranges::none_of(questions, [&](const Question& question) {
        const auto& [first, second] = question;
        return !words.empty() && same(words[0], first) &&
               (second.empty() || (words.size() > 1 && same(words[1], second)));
    });
}

Oracle::Oracle(Clock& clock, Fleet& fleet, Trace& trace, std::string cluster)
    : clock_(clock),
      fleet_(fleet),
      trace_(trace),
      record_key_("redis-operator/clusters/" + std::move(cluster) + "/record") {}

void Oracle::violated(const std::string& what) {
    if (!violation_) {  // What follows from it is no news.
        trace_.add("VIOLATION: " + what);
        violation_ = what;
    }
}

std::vector<const RedisServer*> Oracle::ours() const {
    std::vector<const RedisServer*> found;
    for (const RedisServer* server : fleet_.living()) {
        if (!is_stranger(server->id())) {
            found.push_back(server);
        }
    }
    return found;
}

SlotSet Oracle::owned_slots() const {
    SlotSet owned;
    for (const RedisServer* server : ours()) {
        owned = owned | server->self().slots;
    }
    return owned;
}

bool Oracle::in_record(const RedisServer& server) const {
    return record_ && std::ranges::any_of(record_->members, [&](const auto& member) {
               return member.second.node == server.node();
           });
}

/// A lease's time lies between a survey and the last write that it leads to, a survey's before.
bool Oracle::can_be_known(const RedisServer& server) const {
    return clock_.now() - server.started() > std::chrono::seconds{3};
}

bool Oracle::is_stranger(ServerId id) const {
    return strangers_.contains(id) || (replaced_.contains(id) && !in_record(*fleet_.find(id)));
}

bool Oracle::knows_strangers() const {
    return !strangers_.empty() ||
           std::ranges::any_of(replaced_, [this](ServerId id) { return is_stranger(id); });
}

void Oracle::about_to_die(const RedisServer& victim) {
    for (const Key key : victim.keys()) {
        const auto& living = fleet_.living();
        const bool elsewhere = std::ranges::any_of(living, [&](const RedisServer* server) {
            return server->id() != victim.id() && server->keys().contains(key);
        });
        if (!elsewhere) {
            excused_.insert(key);
        }
    }
}

void Oracle::keys_dropped(const RedisServer& server, const std::set<Key>& keys,
                          const std::string& why) {
    trace_.add(server.node().value().substr(0, 8) + " drops " + std::to_string(keys.size()) +
               " keys: " + why);
    for (const Key key : keys) {
        const auto& living = fleet_.living();
        const bool elsewhere = std::ranges::any_of(
            living, [key](const RedisServer* other) { return other->keys().contains(key); });
        if (acknowledged_.contains(key) && !excused_.contains(key) && !elsewhere) {
            violated("key " + std::to_string(key) + " is lost: " + why);
        }
    }
}

// --- The lease ---------------------------------------------------------------------------------

void Oracle::check_lease(const std::string& process, const Words& words) {
    const auto mine = proofs_.find(process);
    if (mine == proofs_.end() || clock_.now() - mine->second > lease_time) {
        violated(process + " writes '" + shown(words) + "' without a lease");
    }
    // Who took the lock later has to wait, also when it was deleted under whoever had it.
    for (const auto& [other, proof] : proofs_) {
        if (other != process && taken_[other] < taken_[process] &&
            clock_.now() - proof <= lease_time) {
            violated(process + " writes '" + shown(words) + "' while " + other +
                     " may still write");
        }
    }
}

void Oracle::commands_written(const std::string& process, const Endpoint& to,
                              const std::string& connection_name,
                              const std::vector<Words>& commands) {
    for (const Words& words : commands) {
        if (!changes_something(words)) {
            looked_[process] = clock_.now();
            continue;
        }
        count_change();
        commands_ += name_of(words) == "client kill" ? 0 : 1;  // Of an operator's own.
        trace_.add(process + " -> " + to_string(to) + ": " + shown(words));
        check_lease(process, words);
        check_committed(words);
        if (name_of(words) == "cluster forget" && record_) {
            if (const std::string why = without_nomad(process, record_->spec.nomad); !why.empty()) {
                violated("'" + shown(words) + "' although " + why);
            }
        }
        const std::uint64_t epoch = epoch_in(connection_name).value_or(epoch_key_ + 1);
        if (epoch > epoch_key_) {
            violated(process + " writes under the name " + connection_name + " in epoch " +
                     std::to_string(epoch_key_));
        }
        if (name_of(words) != "client kill" && epoch > signed_) {
            violated(process + " writes under the name " + connection_name +
                     ", and the record is signed with " + std::to_string(signed_));
        }
    }
}

void Oracle::check_committed(const Words& words) {
    const bool begun = record_ && record_->state != RecordState::accepted;
    if (name_of(words) != "client kill" && !begun) {
        violated("'" + shown(words) + "' before the record says forming");
    }
}

// --- Redis -------------------------------------------------------------------------------------

void Oracle::command_applied(const RedisServer& server, const ClientConnection& client,
                             const Words& words, const ports::Reply& reply) {
    if (!changes_something(words) || client.owner == "test") {
        return;
    }
    const std::string name = name_of(words);
    trace_.add("  " + server.node().value().substr(0, 8) + " (" + to_string(server.options().at) +
               ") " + shown(words) + " => " + shown(reply));
    if (name == "client kill") {
        return;
    }
    static const std::set<std::string> needed{
        "cluster meet",      "cluster addslotsrange", "cluster set-config-epoch",
        "cluster bumpepoch", "cluster replicate",     "cluster forget",
        "config set",        "config rewrite"};
    if (!needed.contains(name)) {
        violated("'" + shown(words) + "' is never needed");
    }
    if (is_stranger(server.id())) {
        violated("'" + shown(words) + "' to a stranger");
    }
    check_epoch(server, client);
    if (reply.is_error()) {
        return;
    }
    if (name == "cluster meet") {
        check_meet(server, words);
    } else if (name == "cluster addslotsrange") {
        check_slots(server, words);
    } else if (name == "cluster forget") {
        check_forget(server, words);
    }
}

void Oracle::check_epoch(const RedisServer& server, const ClientConnection& client) {
    const std::uint64_t epoch = epoch_in(client.name).value_or(0);
    std::uint64_t& newest = newest_epoch_[server.id()];
    if (epoch < newest) {
        violated("a command of epoch " + std::to_string(epoch) + " after one of epoch " +
                 std::to_string(newest));
    }
    newest = std::max(newest, epoch);
    acted_ = std::max(acted_, epoch);
    const std::string& owner = owners_.try_emplace(client.name, client.owner).first->second;
    if (owner != client.owner) {
        violated(client.owner + " acts as " + client.name + ", which " + owner + " was");
    }
}

void Oracle::check_meet(const RedisServer& server, const Words& words) {
    std::int64_t bus_port = 0;
    if (words.size() != 5 || !number(words[4], bus_port)) {
        violated("MEET without a bus port");
        return;
    }
    if (!in_record(server)) {
        violated("MEET at an instance that the record does not name");
    }
    const RedisServer* met = fleet_.at_bus(words[2], static_cast<std::uint16_t>(bus_port));
    const auto is_alone = [](const RedisServer& one) { return one.table().size() <= 1; };
    const bool formed = record_ && record_->state == RecordState::formed;
    if (formed && met != nullptr && is_alone(*met) && !is_alone(server)) {
        violated("MEET at a member toward a newcomer");
    }
    if (met != nullptr && (is_stranger(met->id()) || !in_record(*met))) {
        violated("MEET toward an instance that the record does not prove");
    }
}

void Oracle::check_slots(const RedisServer& server, const Words& words) {
    SlotSet given;
    for (std::size_t i = 2; i + 1 < words.size(); i += 2) {
        std::int64_t first = 0;
        std::int64_t last = 0;
        if (!number(words[i], first) || !number(words[i + 1], last)) {
            violated("'" + shown(words) + "' was accepted");
            return;
        }
        given = given | SlotSet{SlotRange{Slot{static_cast<std::uint16_t>(first)},
                                          Slot{static_cast<std::uint16_t>(last)}}};
    }
    if (record_ && record_->state == RecordState::formed && owned_slots() == given) {
        violated("slots are assigned although everything was lost");
    }
    for (const RedisServer* other : ours()) {
        if (other->id() == server.id()) {
            continue;
        }
        if (!(other->self().slots & given).empty()) {
            violated("slots of " + other->node().value().substr(0, 8) + " get a second owner");
        }
        if (std::ranges::any_of(other->keys(),
                                [&](Key key) { return given.contains(slot_of(key)); })) {
            violated("slots are given away from the keys that " +
                     other->node().value().substr(0, 8) + " holds");
        }
    }
}

void Oracle::check_forget(const RedisServer& server, const Words& words) {
    const NodeId node{words[2]};
    for (const RedisServer* other : fleet_.living()) {
        if (other->node() == node && can_be_known(*other)) {
            violated("FORGET of " + node.value().substr(0, 8) + ", which lives");
        }
    }
    // The dead one's slots, as far as nobody living owns them now.
    SlotSet orphaned = fleet_.last_slots_of(node);
    bool held_keys = false;
    for (const RedisServer* other : ours()) {
        orphaned = orphaned - other->self().slots;
        held_keys = held_keys || !other->keys().empty();
    }
    const bool forming = record_ && record_->state == RecordState::forming;
    if (!orphaned.empty() && (!forming || held_keys)) {
        violated("FORGET at " + server.node().value().substr(0, 8) + " of the owner of " +
                 std::to_string(orphaned.size()) + " slots");
    }
}

}  // namespace rop::simulation
