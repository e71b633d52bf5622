#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/ids.hpp"
#include "api/slot.hpp"
#include "api/spec.hpp"

namespace rop {

/// accepted: a spec is in force, no Redis command was sent yet. forming: the layout below is
/// being made true, by whoever leads. formed: every instance served all slots once.
enum class RecordState { accepted, forming, formed };

/// "accepted", "forming", "formed".
[[nodiscard]] std::string_view to_string(RecordState state);

/// What one member of record is known by.
struct Member {
    NodeId node;

    friend bool operator==(const Member&, const Member&) = default;
};

/// One shard as formation commits to it.
struct ShardLayout {
    InstanceId primary;
    std::vector<SlotRange> slots;
    std::vector<InstanceId> replicas;

    friend bool operator==(const ShardLayout&, const ShardLayout&) = default;
};

/// A node id that must not come back: forgotten again wherever it is seen, until it was absent
/// everywhere for 60 s (how long Redis refuses a forgotten id; cluster_legacy.c).
struct FormerNode {
    NodeId node;
    Timestamp since;  // When it was last seen in a table, or retired.

    friend bool operator==(const FormerNode&, const FormerNode&) = default;
};

/// Something that was put right because somebody else had changed it. Whoever changes it again and
/// again is not fought for ever (design, rule 10), and the next leader must know.
struct Correction {
    std::string what;  // "cluster-node-timeout", "cluster-allow-replica-migration", "count"
    Timestamp at;
    /// Of the processes concerned: the first 12 digits of their run ids, for there may be
    /// thousands. Started anew, they begin with what they were given. Empty: it was about no
    /// process.
    std::vector<std::string> runs;

    friend bool operator==(const Correction&, const Correction&) = default;
};

/// What we know and committed to about one cluster: KV key clusters/<name>/record. Written
/// before what it promises is done, so that whoever leads next can finish it.
struct Record {
    RecordState state = RecordState::accepted;
    ClusterSpec spec;                 // The accepted one: in force until a better one is offered.
    std::uint64_t spec_index = 0;     // ModifyIndex of the spec key when it was accepted.
    std::vector<ShardLayout> layout;  // While forming; empty otherwise.
    std::map<InstanceId, Member> members;
    std::vector<FormerNode> former;
    std::optional<std::chrono::milliseconds> node_timeout_found;  // Before forming changed it.
    std::vector<Correction> corrections;  // Oldest first; none is left when a new spec is accepted.
    InstallationId installation;
    Epoch epoch;

    friend bool operator==(const Record&, const Record&) = default;
};

/// As for the accepted spec alone; and where instances are members already, neither may the service
/// or the Nomad group change: the operator would look for its members among strangers.
[[nodiscard]] std::vector<Problem> problems_of_change(const Record& record,
                                                      const ClusterSpec& offered);

}  // namespace rop
