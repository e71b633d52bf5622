#pragma once

#include <set>
#include <string>
#include <vector>

#include "api/snapshot.hpp"

namespace rop::reconcilers {

/// What one instance is, judged by what it and the others say, before the record is asked.
enum class Kind {
    starting,    // No address yet, or never asked: wait for it.
    loading,     // Wait for it.
    silent,      // No answer in time: may be anything, so nothing is done around it.
    refused,     // Nobody listens at its address.
    locked_out,  // Our credentials are refused.
    untrusted,   // TLS with it could not be had.
    garbled,
    not_ours,  // In the catalog under our service name, but Nomad does not run it for us.
    ending,    // Nomad is stopping it, or it has ended.
    cluster_off,
    duplicate,        // Another live instance reports the same node id, or the same bus address.
    bus_port_mapped,  // Announces a bus port that it does not listen on.
    claimed,          // A member of another cluster's record.
    holds_keys,       // Keys, but neither slots nor peers: someone's data.
    belongs,          // Owns slots, knows peers or replicates: part of some cluster.
    blank,            // Empty, alone, sound: can become a member.
};

struct Verdict {
    Kind kind = Kind::starting;
    std::string reason;  // CamelCase, for a Finding; empty for blank and belongs.
    std::string what;    // The sentence.
};

[[nodiscard]] Verdict judge(const Snapshot& seen, const Instance& instance);

/// Proven dead in the sense of design rule 2 (a) or (b). Silence, `lost` and `critical` never are.
[[nodiscard]] bool is_dead(const Snapshot& seen, const InstanceId& id);

/// `node` runs nowhere any more as `id`: dead, answering under another node id, or not shown by
/// a second consistent read of a certain source.
[[nodiscard]] bool is_gone(const Snapshot& seen, const InstanceId& id, const NodeId& node);

/// Will never again be `node` as `id`: its allocation has ended, it answers under another node id,
/// or a second consistent read did not show it. A process that is merely dead may be on its way
/// back, with its data.
[[nodiscard]] bool is_gone_for_good(const Snapshot& seen, const InstanceId& id, const NodeId& node);

/// Where it must not meet its own replica: the value of placement.spread for this instance.
[[nodiscard]] std::string place_of(const ClusterSpec& spec, const Instance& instance);

/// The one instance that reports the node id of an entry of the record, under another identity:
/// the same process' data, started again elsewhere. Null when nobody does, when several do, and
/// when it cannot be believed.
[[nodiscard]] const Instance* moved_to(const Snapshot& seen, const Record& record,
                                       const InstanceId& entry);

/// Makes an instance a member. Who was a former node and is there again is none any more: it must
/// not be forgotten as one.
void enter(Record& record, const InstanceId& id, const NodeId& node);

/// So many former nodes a record names (a fifth of Consul's limit of 512 KiB for a value), and
/// beyond only those that are still in somebody's table: where instances end as soon as they are
/// started, what all have forgotten makes room.
inline constexpr std::size_t former_max = 1'000;

/// Notes that a node is a former one. The caller takes its member away, or replaces it.
void give_up(const Snapshot& seen, Record& record, const NodeId& node);

/// "a1b2c3d4" for UUIDs, everything else whole: for sentences.
[[nodiscard]] std::string short_name(const InstanceId& id);

/// "a, b and 3 more"
[[nodiscard]] std::string list_names(const std::vector<InstanceId>& ids);

}  // namespace rop::reconcilers
