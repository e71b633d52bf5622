#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/endpoint.hpp"

namespace rop::ports {

/// index 0: answer at once. Otherwise block until the index moves or `wait` is over (<= 25 s:
/// some Consul versions and proxies cut longer polls).
struct BlockingQuery {
    std::uint64_t index = 0;
    std::chrono::milliseconds wait{25'000};
    bool consistent = false;  // Verified by a quorum; for decisions that destroy. Never blocks.
};

/// One answer and the index to wait from next. A connection that ends in the middle of a long
/// poll is reported as an unchanged answer where the port can tell, else as `unavailable`.
template <class T>
struct Page {
    T value;
    std::uint64_t index = 0;
};

struct KvEntry {
    std::string key;
    std::string value;
    std::uint64_t create_index = 0;
    std::uint64_t modify_index = 0;
    std::string session;  // Holder of the lock; empty: none.

    friend bool operator==(const KvEntry&, const KvEntry&) = default;
};

/// One instance of a service with its health, as /v1/health/service answers.
struct ServiceEntry {
    std::string node;
    std::string node_address;
    std::string datacenter;
    std::map<std::string, std::string> node_meta;
    std::string service_id;
    std::string address;  // The service's own, or the node's when it has none.
    std::uint16_t port = 0;
    std::map<std::string, std::string> meta;
    std::string status;  // The worst of its checks: passing | warning | critical
    std::uint64_t modify_index = 0;

    friend bool operator==(const ServiceEntry&, const ServiceEntry&) = default;
};

// Operations of one transaction, applied together or not at all.
struct KvSet {
    std::string key;
    std::string value;
};
struct KvCas {
    std::string key;
    std::string value;
    std::uint64_t index = 0;  // 0: create only.
};
struct KvDelete {
    std::string key;
};
struct KvDeleteCas {
    std::string key;
    std::uint64_t index = 0;
};
struct KvLock {
    std::string key;
    std::string value;
    std::string session;
};
struct KvUnlock {
    std::string key;
    std::string value;
    std::string session;
};
struct KvCheckSession {
    std::string key;
    std::string session;
};
/// The key is still the one that had this ModifyIndex.
struct KvCheckIndex {
    std::string key;
    std::uint64_t index = 0;
};
using TxnOp = std::variant<KvSet, KvCas, KvDelete, KvDeleteCas, KvLock, KvUnlock, KvCheckSession,
                           KvCheckIndex>;

/// applied: `entries` are the keys written, with their new indexes. Not applied: `errors` say
/// which operation failed and why ("Permission denied" also arrives here, not as 403).
struct TxnAnswer {
    bool applied = false;
    std::vector<KvEntry> entries;
    std::vector<std::string> errors;
};

struct SessionRequest {
    std::string name;
    std::chrono::seconds ttl{10};  // Consul doubles it before it expires a session.
    std::chrono::seconds lock_delay{0};
    std::vector<std::string> node_checks;     // "serfHealth"
    std::vector<std::string> service_checks;  // Check ids of the local agent.
};

struct TtlService {
    std::string id;
    std::string name;
    Endpoint address;
    std::map<std::string, std::string> meta;
    std::string check_id;
    std::chrono::milliseconds ttl{2'000};
    std::chrono::seconds deregister_after{60};
};

/// A service of the local agent, with the worst status of its checks.
struct AgentService {
    std::string id;
    std::string name;
    std::string status;
    std::map<std::string, std::string> meta;
};

/// What we need of Consul, typed. Errors: unavailable (no leader, cut, late), denied (403),
/// malformed, rejected (Consul understood and refused; `what` has its text), cancelled.
class ConsulPort {
  public:
    virtual ~ConsulPort() = default;
    template <class T>
    using Answer = boost::asio::awaitable<Result<T>>;

    virtual Answer<Page<std::vector<KvEntry>>> kv_list(std::string prefix, BlockingQuery query) = 0;
    /// Absent key: nullopt in the page.
    virtual Answer<Page<std::optional<KvEntry>>> kv_get(std::string key, BlockingQuery query) = 0;
    virtual Answer<Page<std::vector<ServiceEntry>>> health(std::string service,
                                                           BlockingQuery query) = 0;
    virtual Answer<TxnAnswer> txn(std::vector<TxnOp> operations) = 0;

    virtual Answer<std::string> session_create(SessionRequest request) = 0;
    /// false: the session does not exist any more.
    virtual Answer<bool> session_renew(std::string session) = 0;
    virtual Answer<void> session_destroy(std::string session) = 0;

    virtual Answer<void> register_service(TtlService service) = 0;
    virtual Answer<void> pass_check(std::string check_id) = 0;
    virtual Answer<void> deregister_service(std::string service_id) = 0;
    virtual Answer<std::vector<AgentService>> agent_services(std::string name) = 0;
    /// The name of the node whose agent we talk to.
    virtual Answer<std::string> agent_node() = 0;
};

}  // namespace rop::ports
