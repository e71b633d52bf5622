#pragma once

#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "operator/ports/consul.hpp"
#include "operator/ports/time.hpp"

namespace rop::testing {

/// A store with sessions, locks and TTL checks, as far as leadership and the commands need them:
/// what every client of it sees. One agent, as for several operators on one host. Keys that go
/// away leave no tombstone, so a list is not woken by them.
class FakeConsul {
  public:
    explicit FakeConsul(ports::TimePort* time) : time_(time) {}

    /// Lets checks and sessions run out. Until stopped.
    boost::asio::awaitable<void> run();

    // What anyone with the rights could do.
    [[nodiscard]] std::optional<ports::KvEntry> get(const std::string& key) const;
    [[nodiscard]] std::vector<ports::KvEntry> list(const std::string& prefix) const;
    void put(const std::string& key, const std::string& value);
    void erase(const std::string& key);
    void destroy_session(const std::string& id);
    /// Forgets services and checks, like an agent that lost its data folder.
    void forget_services();
    /// A service that nobody beats any more.
    void add_dead_service(const std::string& id, const std::string& name);

    [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }
    [[nodiscard]] std::vector<std::string> service_ids() const;

  private:
    friend class FakeConsulClient;
    struct Session {
        ports::SessionRequest request;
        Moment renewed{};
    };
    struct Service {
        ports::TtlService service;
        Moment passed{};
        bool passing = false;
    };
    using Store = std::map<std::string, ports::KvEntry>;

    [[nodiscard]] std::string apply(Store& store, const ports::TxnOp& operation) const;
    [[nodiscard]] ports::TxnAnswer transact(const std::vector<ports::TxnOp>& operations);
    [[nodiscard]] bool passes(const std::string& check) const;
    void check_fails(const std::string& check);
    void touch();

    ports::TimePort* time_;
    std::uint64_t index_ = 100;
    std::uint64_t sessions_made_ = 0;
    Store store_;
    std::map<std::string, Session> sessions_;
    std::map<std::string, Service> services_;
    std::list<ports::Timer*> blocked_;
};

/// One operator's way to it, which can be disturbed.
class FakeConsulClient : public ports::ConsulPort {
  public:
    FakeConsulClient(FakeConsul* consul, ports::TimePort* time) : consul_(consul), time_(time) {}

    enum class Line { fine, refused, silent, denied };
    Line line = Line::fine;
    std::chrono::milliseconds latency{1};
    bool lose_next_txn_answer = false;  // Applied, but the answer never comes.
    bool refuse_beats = false;          // Checks cannot be passed; all else works.
    std::size_t calls = 0;

    Answer<ports::Page<std::vector<ports::KvEntry>>> kv_list(std::string prefix,
                                                             ports::BlockingQuery query) override;
    Answer<ports::Page<std::optional<ports::KvEntry>>> kv_get(std::string key,
                                                              ports::BlockingQuery query) override;
    Answer<ports::Page<std::vector<ports::ServiceEntry>>> health(
        std::string service, ports::BlockingQuery query) override;
    Answer<ports::TxnAnswer> txn(std::vector<ports::TxnOp> operations) override;
    Answer<std::string> session_create(ports::SessionRequest request) override;
    Answer<bool> session_renew(std::string session) override;
    Answer<void> session_destroy(std::string session) override;
    Answer<void> register_service(ports::TtlService service) override;
    Answer<void> pass_check(std::string check_id) override;
    Answer<void> deregister_service(std::string service_id) override;
    Answer<std::vector<ports::AgentService>> agent_services(std::string name) override;
    Answer<std::string> agent_node() override;

  private:
    boost::asio::awaitable<Result<void>> cross();
    boost::asio::awaitable<void> wait_for_change(Moment until);

    FakeConsul* consul_;
    ports::TimePort* time_;
};

}  // namespace rop::testing
