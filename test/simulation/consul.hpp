#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "operator/ports/consul.hpp"
#include "test/simulation/clock.hpp"
#include "test/simulation/dice.hpp"

namespace rop::simulation {

/// Told about every transaction that changed something, at the moment at which it did.
class ConsulObserver {
  public:
    virtual ~ConsulObserver() = default;
    virtual void kv_written(const std::string& process, const std::vector<ports::TxnOp>& ops) = 0;
};

/// Who reads, and how: from which host, and whether a quorum confirms it.
struct ConsulReader {
    std::string node;
    bool consistent = true;
};

/// One Consul: servers that agree with each other, and an agent on every host. Key-value store,
/// sessions, catalog and health with the index rules of Consul 1.8 to 1.22.
class Consul {
  public:
    template <class T>
    using Page = ports::Page<T>;

    Consul(Clock& clock, Dice dice) : clock_(clock), dice_(dice) {}

    void set_observer(ConsulObserver* observer) { observer_ = observer; }

    // The world's side.
    void add_node(const std::string& name, const std::string& address,
                  std::map<std::string, std::string> meta);
    void register_instance(const std::string& node, const std::string& service_id,
                           const std::string& name, const Endpoint& at,
                           std::map<std::string, std::string> meta, bool passing);
    void set_health(const std::string& service_id, bool passing);
    void remove_instance(const std::string& service_id);
    /// As when the host's serfHealth fails for a moment: its sessions end, whatever they do.
    void lose_sessions(const std::string& node);
    /// What a user writes, by the command line: no session, no check. A lock stays with its holder.
    void put(const std::string& key, const std::string& value);
    /// Likewise; a lock is free afterwards.
    void remove(const std::string& key);
    /// From now on plain reads of this host are answered from what is there now, until catch_up().
    void lag(const std::string& node);
    void catch_up();
    /// What every request to the servers is answered with; nothing: they work.
    void refuse(std::optional<Error> why);
    /// Likewise what agents answer themselves: services, checks, who they are.
    void refuse_by_agents(std::optional<Error> why) { agent_refusal_ = std::move(why); }
    /// Gossip says that the host is gone, or there again: its checks, and its sessions end.
    void node_failed(const std::string& node);
    void node_returned(const std::string& node);
    /// Whether an agent's reports come to the servers; asked for each.
    void set_reached(std::function<bool(const std::string&)> reached) {
        reached_ = std::move(reached);
    }
    /// The agent tells the servers what it could not tell them before.
    void agent_syncs(const std::string& node);
    /// No leader, so no answers and no new state; agents go on beating their checks.
    void fail();
    /// `amnesia`: the next plain read of each caller is answered as if the store were empty
    /// (seen on 1.8.7 after a restart).
    void heal(bool amnesia);
    [[nodiscard]] bool up() const { return up_; }
    /// Why servers do not answer now.
    [[nodiscard]] std::optional<Error> refusal() const;
    /// Why agents do not; they need no leader for it.
    [[nodiscard]] const std::optional<Error>& agent_refusal() const { return agent_refusal_; }

    // Reads, and the index from which a blocking query for the same would wait.
    [[nodiscard]] Page<std::vector<ports::KvEntry>> list(const std::string& prefix,
                                                         const ConsulReader& reader = {}) const;
    [[nodiscard]] std::uint64_t list_index(const std::string& prefix,
                                           const ConsulReader& reader = {}) const;
    [[nodiscard]] Page<std::optional<ports::KvEntry>> get(const std::string& key,
                                                          const ConsulReader& reader = {}) const;
    [[nodiscard]] std::uint64_t get_index(const std::string& key,
                                          const ConsulReader& reader = {}) const;
    [[nodiscard]] Page<std::vector<ports::ServiceEntry>> health(
        const std::string& service, const ConsulReader& reader = {}) const;
    [[nodiscard]] std::uint64_t health_index(const std::string& service,
                                             const ConsulReader& reader = {}) const;
    /// True once after heal(amnesia) for each caller.
    bool forgot(const std::string& caller);

    Result<ports::TxnAnswer> txn(const std::string& process,
                                 const std::vector<ports::TxnOp>& operations);
    Result<std::string> create_session(const std::string& node,
                                       const ports::SessionRequest& request);
    bool renew_session(const std::string& id);
    void destroy_session(const std::string& id);
    [[nodiscard]] bool session_exists(const std::string& id) const {
        return sessions_.contains(id);
    }

    // The agent of one host.
    void register_service(const std::string& node, const ports::TtlService& service);
    Result<void> pass_check(const std::string& node, const std::string& check);
    void deregister_service(const std::string& node, const std::string& service_id);
    [[nodiscard]] std::vector<ports::AgentService> agent_services(const std::string& node,
                                                                  const std::string& name) const;

    /// Called after every change, and when the servers fail; a waiter that returns false goes.
    using Waiter = std::function<bool()>;
    void wait(Waiter waiter) { waiters_.push_back(std::move(waiter)); }

  private:
    struct Entry {
        std::string value;
        std::uint64_t created = 0;
        std::uint64_t modified = 0;
        std::string session;
    };
    struct Node {
        std::string address;
        std::map<std::string, std::string> meta;
    };
    struct Service {
        std::string node;
        std::string name;
        Endpoint at;
        std::map<std::string, std::string> meta;
        std::uint64_t modified = 0;
        std::string check;     // Empty: none of its own.
        bool passing = false;  // As the agent knows it.
        bool passing_in_catalog = false;
        std::chrono::milliseconds ttl{0};  // 0: not a TTL check.
        Moment beaten{};
        std::chrono::seconds deregister_after{0};
        Moment critical_since{};
    };
    /// What plain reads may show an old state of.
    struct Store {
        std::uint64_t kv_index = 1;       // Newest change of the whole table.
        std::uint64_t catalog_index = 1;  // Newest registration of any service.
        std::map<std::string, Entry> kv;
        std::map<std::string, std::uint64_t> tombstones;
        std::map<std::string, Service> services;  // By service id, unique in a world.
        std::map<std::string, std::uint64_t> service_index;
    };
    struct Session {
        std::string node;
        std::vector<std::string> checks;
        std::chrono::seconds ttl{0};
        std::chrono::seconds lock_delay{0};
        Moment renewed{};
    };

    std::uint64_t advance() { return ++index_; }
    void changed();
    [[nodiscard]] const Store& seen_by(const ConsulReader& reader) const {
        const bool old = earlier_ && !reader.consistent && lagging_.contains(reader.node);
        return old ? *earlier_ : now_;
    }
    void touch_service(Service& service);
    void touch_services_of(const std::string& node);
    void sync(Service& service);
    void expect_beat(const std::string& service_id);
    void expect_renewal(const std::string& id);
    void end_session(const std::string& id);
    void erase_service(const std::string& service_id);
    std::optional<std::string> refusal(const ports::TxnOp& operation) const;
    std::optional<std::string> lock_refusal(const ports::KvLock& lock) const;
    void apply(const ports::TxnOp& operation, std::uint64_t index,
               std::vector<ports::KvEntry>& written);
    bool write(const std::string& key, const std::string& value, const std::string& session,
               std::uint64_t index);
    void erase(const std::string& key, std::uint64_t index);
    [[nodiscard]] static ports::KvEntry entry(const std::string& key, const Entry& found);

    Clock& clock_;
    Dice dice_;
    ConsulObserver* observer_ = nullptr;
    bool up_ = true;
    std::uint64_t index_ = 10;
    Store now_;
    std::optional<Store> earlier_;  // What a server that lags behind still shows.
    std::set<std::string> lagging_;
    std::set<std::string> failed_nodes_;
    std::function<bool(const std::string&)> reached_;
    std::optional<Error> refusal_;
    std::optional<Error> agent_refusal_;
    std::map<std::string, Node> nodes_;
    std::map<std::string, Session> sessions_;
    std::map<std::string, Moment> delayed_locks_;
    std::map<std::string, bool> told_the_truth_;
    bool amnesia_ = false;
    std::vector<Waiter> waiters_;
};

}  // namespace rop::simulation
