#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/ids.hpp"
#include "api/record.hpp"
#include "api/slot.hpp"
#include "api/status.hpp"

namespace rop {

// One struct per thing we know how to do. Adding one breaks every visitor that must handle it.
// Lists, because what concerns many instances is done on all of them at once.

/// Commits to something in Consul before it is done.
struct WriteRecord {
    Record record;
    std::string what;  // "accept spec 812", "commit to forming 3 shards"
};

/// Ends connections of earlier leaders of our installation, with whatever is in their buffers.
struct EndOlderConnections {
    std::map<InstanceId, std::vector<std::int64_t>> client_ids;
};

/// Readies blank instances for a formation: settings, a config epoch of its own, slots.
struct PrepareNodes {
    struct Node {
        InstanceId at;
        std::optional<std::uint64_t> config_epoch;  // Only while it knows nobody (Redis refuses).
        std::vector<SlotRange> slots;
    };
    std::vector<Node> nodes;
    std::chrono::milliseconds node_timeout{500};
};

/// Each `from` is told to meet `to`, at the address at which `to` itself answered us and the bus
/// port that `to` itself reported. A newcomer meets a member, never the other way round: sent
/// otherwise it has merged clusters and erased keys (tried on 7.0.15).
struct Meet {
    struct Pair {
        InstanceId from;
        InstanceId to;
    };
    std::vector<Pair> pairs;
};

struct Follow {
    struct Pair {
        InstanceId replica;
        NodeId primary;
    };
    std::vector<Pair> pairs;
};

struct AssignSlots {
    struct Share {
        InstanceId owner;
        std::vector<SlotRange> slots;
        bool raise_epoch = false;  // BUMPEPOCH after: ADDSLOTS alone raises none.
    };
    std::vector<Share> shares;
};

struct SetNodeTimeout {
    std::vector<InstanceId> at;
    std::chrono::milliseconds timeout;
};

/// Replicas move where the operator says, not where Redis would have them.
struct ForbidReplicaMigration {
    std::vector<InstanceId> at;
};

/// Every one of `at` forgets `nodes`, in parallel: gossip brings back what one still knows.
struct Forget {
    std::vector<NodeId> nodes;
    std::vector<InstanceId> at;
};

struct RaiseCount {
    NomadTarget target;
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    std::uint64_t job_modify_index = 0;
};

using Action =
    std::variant<WriteRecord, EndOlderConnections, PrepareNodes, Meet, Follow, AssignSlots,
                 SetNodeTimeout, ForbidReplicaMigration, Forget, RaiseCount>;

/// What is done, in one line for people: "let 5 instances meet".
[[nodiscard]] std::string to_string(const Action& action);

/// A word for metric labels and events: "write-record", "meet", ...
[[nodiscard]] std::string_view kind_of(const Action& action);

/// Every word that kind_of can return, so that metrics exist before the first action.
[[nodiscard]] const std::vector<std::string_view>& action_kinds();

struct Step {
    Action action;
    std::string reason;  // Shown by `plan`, in logs and events.
};

/// Something a person should know that no action can fix this round. Becomes a condition.
struct Finding {
    ConditionType about = ConditionType::observed;
    std::string reason;  // CamelCase, documented in docs/reference/conditions.md
    std::string what;
    std::optional<InstanceId> instance;

    friend bool operator==(const Finding&, const Finding&) = default;
};

/// What one concern makes of one snapshot.
struct Proposal {
    std::vector<Step> steps;
    std::vector<Finding> findings;
    bool holds = false;  // No concern below may act this round, although there are no steps.
    std::optional<std::chrono::milliseconds> look_again;  // Waiting for Redis: look this soon.
};

/// At most one concern acts per round, so two concerns never fight over one snapshot.
struct Plan {
    Revision based_on;
    std::string concern;  // Empty when there is nothing to do.
    std::vector<Step> steps;
    std::vector<Finding> findings;
    std::optional<std::chrono::milliseconds> look_again;
};

/// Every step and finding on a line of its own; "nothing to do\n" for an empty plan.
[[nodiscard]] std::string to_string(const Plan& plan);

}  // namespace rop
