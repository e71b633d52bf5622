#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ids.hpp"
#include "api/time.hpp"

namespace rop {

enum class Phase {
    pending,
    forming,
    ready,
    scaling,
    rebalancing,
    rolling,
    degraded,
    down,
    paused,
};

enum class ConditionType {
    spec_valid,
    formed,
    slots_covered,
    replicas_in_sync,
    balanced,
    spread,
    members_known,
    observed,
};

enum class Truth { yes, no, unknown };  // Printed "True", "False", "Unknown".

/// "Pending", "SpecValid", "True": the words of the contract (design, 5.1).
[[nodiscard]] std::string_view to_string(Phase phase);
[[nodiscard]] std::string_view to_string(ConditionType type);
[[nodiscard]] std::string_view to_string(Truth truth);

struct Condition {
    ConditionType type = ConditionType::observed;
    Truth status = Truth::unknown;
    std::string reason;
    std::string message;
    Timestamp since{};  // When `status` last changed.

    friend bool operator==(const Condition&, const Condition&) = default;
};

struct ReplicaStatus {
    InstanceId instance;
    bool in_sync = false;

    friend bool operator==(const ReplicaStatus&, const ReplicaStatus&) = default;
};

struct ShardStatus {
    InstanceId primary;
    std::vector<std::string> slots;  // "0-5460"
    std::vector<ReplicaStatus> replicas;

    friend bool operator==(const ShardStatus&, const ShardStatus&) = default;
};

struct InstanceStatus {
    InstanceId instance;
    NodeId node;
    std::string address;  // "127.0.0.1:21000"; empty when unknown.
    std::uint16_t bus_port = 0;
    std::string host;
    std::string role;   // primary | replica | none
    std::string state;  // ok, or one word: loading, refused, stranger, ...

    friend bool operator==(const InstanceStatus&, const InstanceStatus&) = default;
};

struct OperationStatus {
    std::string kind;  // "form"
    std::uint32_t done = 0;
    std::uint32_t total = 0;
    Timestamp since{};

    friend bool operator==(const OperationStatus&, const OperationStatus&) = default;
};

/// What the leader publishes: KV key clusters/<name>/status, /v1/clusters, `get`, `describe`.
struct ClusterStatus {
    ClusterName name;
    std::string mode = "cluster";
    std::string engine;  // "redis 7.0.15"
    std::uint64_t spec_index = 0;
    std::uint64_t epoch = 0;
    std::string leader;
    Timestamp updated_at{};
    Phase phase = Phase::pending;
    std::string reason;
    std::string message;
    std::uint32_t primaries_wanted = 0;
    std::uint32_t replicas_per_primary_wanted = 0;
    std::uint32_t slots_assigned = 0;
    std::uint32_t slots_served = 0;
    std::vector<Condition> conditions;
    std::vector<ShardStatus> shards;
    std::vector<InstanceStatus> instances;  // Empty above 512 (Consul's value limit).
    std::optional<OperationStatus> current_operation;

    friend bool operator==(const ClusterStatus&, const ClusterStatus&) = default;
};

enum class EventType { normal, warning };

/// "Normal", "Warning".
[[nodiscard]] std::string_view to_string(EventType type);

/// Equal neighbours are counted, not repeated. KV key clusters/<name>/events keeps 100.
struct Event {
    Timestamp time{};
    Timestamp first_time{};
    std::uint32_t count = 1;
    EventType type = EventType::normal;
    std::string reason;
    std::string message;

    friend bool operator==(const Event&, const Event&) = default;
};

}  // namespace rop
