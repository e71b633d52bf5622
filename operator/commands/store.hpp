#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/record.hpp"
#include "api/spec.hpp"
#include "api/status.hpp"
#include "operator/ports/consul.hpp"

namespace rop::commands {

/// Everything that KV holds about one cluster, read for people: what cannot be read is named in
/// `damaged`, not fatal.
struct Stored {
    ClusterName name;
    bool declared = false;  // There is a spec key.
    std::uint64_t spec_index = 0;
    std::uint64_t spec_created = 0;
    std::optional<ClusterSpec> spec;
    std::vector<Problem> problems;
    std::optional<Record> record;
    std::uint64_t record_index = 0;  // 0: there is no record.
    std::optional<ClusterStatus> status;
    std::vector<Event> events;  // Oldest first.
    std::vector<std::string> damaged;

    /// Instances are, or may be, a cluster on the word of the record. One that cannot be read
    /// counts.
    [[nodiscard]] bool may_be_formed() const {
        return record_index != 0 && (!record || record->state != RecordState::accepted);
    }

    /// The status is about the spec that is declared now, not about the one before.
    [[nodiscard]] bool status_is_current() const {
        return declared && status && status->spec_index >= spec_index;
    }
};

/// Who holds the lock, as the reader sees it: a status alone never proves a living leader.
struct LeaderSeen {
    bool alive = false;
    std::string name;
    /// When nobody leads: the hosts of the operators that beat their check in Consul. Empty also
    /// for a token that may not read services.
    std::vector<std::string> standing_by;
};

struct StoredCluster {
    Stored cluster;
    std::uint64_t index = 0;  // To wait from.
};

/// What commands read and write in Consul KV. Errors say what was asked where, and what to do.
class Store {
  public:
    template <class T>
    using Answer = boost::asio::awaitable<Result<T>>;

    /// `address` is for messages: the Consul that is asked. `service` is that of the operators.
    Store(ports::ConsulPort* consul, std::string kv_prefix, std::string address,
          std::string service = "redis-operator")
        : consul_(consul),
          prefix_(std::move(kv_prefix)),
          address_(std::move(address)),
          service_(std::move(service)) {}

    Answer<std::map<ClusterName, Stored>> all() const;
    /// A cluster that is not there at all is one that is not declared.
    Answer<StoredCluster> one(ClusterName name, ports::BlockingQuery query) const;
    Answer<Stored> one(ClusterName name) const;
    Answer<LeaderSeen> leader() const;
    Answer<ports::TxnAnswer> change(std::vector<ports::TxnOp> operations) const;
    /// Whether `answer` is a refusal for want of a right: then what was refused and, as its next
    /// step, which right it needs.
    [[nodiscard]] std::optional<Error> missing_right(const ports::TxnAnswer& answer) const;

    [[nodiscard]] std::string key(const ClusterName& name, std::string_view part) const;

  private:
    [[nodiscard]] Error explained(const Error& error) const;

    ports::ConsulPort* consul_;
    std::string prefix_;
    std::string address_;
    std::string service_;
};

/// What loop::is_cluster_name() asks for, in words.
inline constexpr std::string_view name_rule = "1 to 63 of a-z, 0-9 and '-', not beginning with '-'";

}  // namespace rop::commands
