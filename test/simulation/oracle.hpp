#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "api/record.hpp"
#include "test/simulation/consul.hpp"
#include "test/simulation/fleet.hpp"
#include "test/simulation/sim_consul.hpp"
#include "test/simulation/sim_nomad.hpp"
#include "test/simulation/sim_redis.hpp"
#include "test/simulation/trace.hpp"

namespace rop::simulation {

/// Judges everything that operators do against the safety rules of the design (section 8), with
/// knowledge that no operator has: who really lives, who really holds which keys and slots.
///
/// What gossip has not spread yet is no violation: servers may disagree about an owner for a
/// while, as Redis lets them. Violations are things that an operator did or let happen:
///  - a command written while its sender could not prove the lock, by the time of its last
///    proof's sending, or while another operator still could;
///  - a command that took effect after a newer leader's first one at the same server, or under a
///    name that another process had; one under an epoch that the record was not signed with;
///  - an epoch that does not go on above every one that can be read in Consul, or under which a
///    command took effect: that only where somebody spoilt the record, too;
///  - a command that is not among the few that forming and mending need, or any to a stranger;
///  - a change before the record committed to it;
///  - MEET of anyone whom the record does not prove, or at a member toward a newcomer; FORGET of
///    one that lives or owns slots;
///  - whoever was told that Nomad cannot be asked, and commits to forming, gives members up, says
///    FORGET or asks for another count, in a round that looked at Redis after that;
///  - a slot given to a second owner, away from keys, or after everything was lost;
///  - a layout with a replica beside its primary without need;
///  - a key that was acknowledged, of which a living server let go, and which nobody holds.
class Oracle : public FleetObserver,
               public ConsulObserver,
               public LeaseObserver,
               public SocketObserver,
               public NomadObserver {
  public:
    Oracle(Clock& clock, Fleet& fleet, Trace& trace, std::string cluster);

    /// Servers that the service lists without being ours to touch.
    void add_stranger(ServerId id) { strangers_.insert(id); }
    /// One of ours whose part went to a successor, and which came back with a table of its own: a
    /// stranger, unless the record takes it back.
    void add_replaced(ServerId id) { replaced_.insert(id); }
    [[nodiscard]] bool knows_strangers() const;
    [[nodiscard]] bool is_stranger(ServerId id) const;
    /// The process will never write again.
    void process_ended(const std::string& process) { proofs_.erase(process); }
    /// Somebody who is no operator wrote or deleted this key; nothing: deleted.
    void key_put(const std::string& key, const std::optional<std::string>& value);
    /// A client was told that its key is stored.
    void key_acknowledged(Key key) { acknowledged_.insert(key); }
    /// `victim` is about to die: keys that only it holds die of that, not of us.
    void about_to_die(const RedisServer& victim);

    [[nodiscard]] const std::optional<std::string>& violation() const { return violation_; }
    void violated(const std::string& what);

    [[nodiscard]] const std::optional<Record>& record() const { return record_; }
    /// Also when somebody spoilt the record since.
    [[nodiscard]] bool was_formed() const { return was_formed_; }
    [[nodiscard]] bool has_keys() const { return !acknowledged_.empty(); }
    /// Commands, scalings and KV writes of operators so far, except keeping the lock.
    [[nodiscard]] std::uint64_t changes() const { return changes_; }
    [[nodiscard]] std::uint64_t commands() const { return commands_; }
    void count_change() {
        ++changes_;
        if (on_change_) {
            on_change_();
        }
    }
    void on_change(std::function<void()> callback) { on_change_ = std::move(callback); }
    /// Living servers of the declared service that are not strangers.
    [[nodiscard]] std::vector<const RedisServer*> ours() const;

    /// By the word of the living themselves.
    [[nodiscard]] SlotSet owned_slots() const;

    // FleetObserver
    void command_applied(const RedisServer& server, const ClientConnection& client,
                         const ports::Words& words, const ports::Reply& reply) override;
    void keys_dropped(const RedisServer& server, const std::set<Key>& keys,
                      const std::string& why) override;
    // ConsulObserver
    void kv_written(const std::string& process, const std::vector<ports::TxnOp>& ops) override;
    // LeaseObserver
    void session_created(const std::string& process, const std::string& session) override;
    void lock_proved(const std::string& process, const std::string& key, const std::string& session,
                     Moment sent) override;
    void kv_asked(const std::string& process, const std::vector<ports::TxnOp>& ops) override;
    // NomadObserver
    void nomad_answered(const std::string& process, const std::string& question,
                        bool well) override;
    void scale_asked(const std::string& process, std::uint32_t count) override;
    // SocketObserver
    void commands_written(const std::string& process, const Endpoint& to,
                          const std::string& connection_name,
                          const std::vector<ports::Words>& commands) override;

  private:
    /// Nomad's word to one process.
    struct NomadWord {
        std::set<std::string> heard;            // Questions that were answered once.
        std::map<std::string, Moment> failing;  // Those that are not, and since when.
    };

    void check_lease(const std::string& process, const ports::Words& words);
    void check_committed(const ports::Words& words);
    void check_epoch(const RedisServer& server, const ClientConnection& client);
    void check_meet(const RedisServer& server, const ports::Words& words);
    void check_slots(const RedisServer& server, const ports::Words& words);
    void check_forget(const RedisServer& server, const ports::Words& words);
    void check_record(const std::string& process, const std::string& text);
    void check_layout(const Record& record);
    void check_retired(const Record& before, const Record& after);
    void check_epoch_key(const std::string& text);
    void check_nomad(const Record& fresh, const std::string& why);
    /// Why what this process does now cannot rest on Nomad's word; empty: it can, or need not.
    [[nodiscard]] std::string without_nomad(const std::string& process,
                                            const std::optional<NomadTarget>& declared) const;
    /// What a value of this key says, of the keys that name epochs.
    void note_trace(const std::string& key, const std::string& value);
    void go_back_to(std::uint64_t epoch);
    [[nodiscard]] bool in_record(const RedisServer& server) const;
    /// Whether an operator can have seen that it lives: it may have come back from its disk since.
    [[nodiscard]] bool can_be_known(const RedisServer& server) const;

    Clock& clock_;
    Fleet& fleet_;
    Trace& trace_;
    std::string record_key_;
    std::string prefix_ = "redis-operator/";
    std::optional<std::string> violation_;
    std::set<ServerId> strangers_;
    std::set<ServerId> replaced_;
    std::set<Key> acknowledged_;
    std::set<Key> excused_;
    std::map<std::string, std::set<std::string>> sessions_;  // By process.
    std::map<std::string, NomadWord> nomad_;                 // What processes heard.
    std::map<std::string, Moment> looked_;  // When each last wrote a question to Redis.
    std::map<std::pair<std::string, std::string>, std::string> asked_without_nomad_;
    std::map<std::string, Moment> proofs_;        // Sending of the last proof, by process.
    std::map<std::string, std::uint64_t> taken_;  // Who took the lock last has the greatest.
    std::uint64_t takings_ = 0;
    std::map<ServerId, std::uint64_t> newest_epoch_;
    std::map<std::string, std::string> owners_;    // Of a name under which commands took effect.
    std::uint64_t epoch_key_ = 0;                  // The newest leader's.
    std::map<std::string, std::uint64_t> traces_;  // Epochs that can be read in Consul, by key.
    std::uint64_t acted_ = 0;   // The greatest under which a command took effect.
    std::uint64_t signed_ = 0;  // The greatest that a leader put into the record.
    std::optional<Record> record_;
    std::optional<Moment> record_put_;  // By somebody else, since a leader wrote it.
    bool was_formed_ = false;
    std::function<void()> on_change_;
    std::uint64_t changes_ = 0;
    std::uint64_t commands_ = 0;
};

/// Whether a command changes something, and is therefore a leader's alone.
[[nodiscard]] bool changes_something(const ports::Words& words);

}  // namespace rop::simulation
