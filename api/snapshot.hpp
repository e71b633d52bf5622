#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "api/endpoint.hpp"
#include "api/ids.hpp"
#include "api/record.hpp"
#include "api/slot.hpp"
#include "api/spec.hpp"
#include "api/time.hpp"

namespace rop {

/// What Nomad says about one allocation.
struct NomadFacts {
    std::string job;
    std::string group;
    std::string name;               // "job.group[index]"
    HostId host;                    // Nomad node id.
    std::string client_status;      // pending running complete failed lost unknown
    std::string desired_status;     // run stop evict
    bool client_connected = false;  // Its node is `ready`: what it says of a task is first-hand.
    Timestamp terminated_at{};      // Newest `Terminated` task event; epoch (0) if none.
    Timestamp started_at{};         // Start of the newest run; epoch (0) if none.
    std::uint64_t create_index = 0;

    /// The task has ended for good, says a client that is there to know.
    [[nodiscard]] bool terminal() const {
        return client_connected && (client_status == "complete" || client_status == "failed");
    }
    friend bool operator==(const NomadFacts&, const NomadFacts&) = default;
};

/// What Consul's catalog says about one service instance, in any health.
struct ConsulFacts {
    std::string node;  // Consul node name.
    std::string service_id;
    std::string status;  // passing | warning | critical, the worst of its checks.
    std::map<std::string, std::string> meta;
};

/// One line of CLUSTER NODES, as one instance sees one node.
struct TableRow {
    NodeId id;
    Endpoint address;  // Port 0 when unknown.
    std::uint16_t bus_port = 0;
    bool is_self = false;
    bool is_primary = false;
    bool is_replica = false;
    bool suspected = false;     // fail? : this instance's opinion
    bool failed = false;        // fail : agreed by a majority
    bool in_handshake = false;  // Not a member yet; the id is a placeholder.
    bool has_address = true;    // false: noaddr
    NodeId primary;             // Of a replica; empty otherwise.
    std::uint64_t config_epoch = 0;
    bool link_connected = false;  // This instance's outgoing bus link.
    std::vector<SlotRange> slots;
    bool has_open_slots = false;  // Own line only: a slot is migrating or importing.
};

/// A connection that names itself redis-operator:<installation>:<epoch>.
struct OperatorConnection {
    std::int64_t client_id = 0;
    InstallationId installation;
    Epoch epoch;

    friend bool operator==(const OperatorConnection&, const OperatorConnection&) = default;
};

/// One replica as its primary sees it: a line "slaveN" of INFO.
struct StreamedReplica {
    Endpoint at;              // Where it says that it listens.
    bool online = false;      // The copy was sent, writes follow.
    std::int64_t offset = 0;  // What it acknowledged last; 0: nothing yet.
};

/// What one instance says of itself and of the others. Only what an authenticated connection to
/// exactly that process answered.
struct InstanceReport {
    NodeId node;
    std::string engine;   // "redis" | "valkey"
    std::string version;  // "7.0.15"
    std::string run_id;   // New with every start of the process.
    std::chrono::seconds uptime{0};
    bool cluster_enabled = true;
    bool state_ok = false;  // cluster_state, as this instance sees it.
    std::uint64_t keys = 0;
    std::uint64_t known_nodes = 1;  // Itself and nodes in handshake included.
    std::uint64_t current_epoch = 0;
    std::uint64_t my_epoch = 0;
    bool is_replica = false;
    bool link_up = false;  // Of a replica: master_link_status.
    Endpoint follows;      // Of a replica: where it replicates from.
    bool sync_in_progress = false;
    std::int64_t repl_offset = 0;  // Primary: master_repl_offset; replica: slave_repl_offset.
    std::string replid;
    std::vector<StreamedReplica> streams_to;
    std::uint16_t bus_port = 0;  // From its own line: what it announces to the others.
    std::uint16_t bus_port_bound =
        0;               // Where it listens: CONFIG GET cluster-port, or port + 10000.
    Endpoint announced;  // From its own line: what it tells the others.
    std::chrono::milliseconds node_timeout{0};
    bool replica_migration_allowed = true;                     // cluster-allow-replica-migration
    std::vector<TableRow> table;                               // Its own line included.
    std::optional<std::vector<OperatorConnection>> operators;  // Only when it was asked (sweep).
    /// Slots whose keys were counted in this round, and those of them that hold any. Asked for only
    /// when slots have no owner.
    std::vector<SlotRange> counted;
    std::map<std::uint16_t, std::uint64_t> keys_in;

    [[nodiscard]] const TableRow* self() const {
        for (const auto& row : table) {
            if (row.is_self) {
                return &row;
            }
        }
        return nullptr;
    }
    /// Whether it knows nobody, owns nothing and holds nothing.
    [[nodiscard]] bool is_blank() const {
        const TableRow* own = self();
        return keys == 0 && known_nodes <= 1 && !is_replica && own != nullptr &&
               own->slots.empty() && table.size() <= 1;
    }
};

/// How the last attempt to ask an instance ended.
enum class Contact {
    unasked,  // No address known, or not asked yet.
    answered,
    loading,      // -LOADING: alive, and cannot be judged yet.
    refused,      // Connection refused: nobody listens there.
    timed_out,    // Silence. Says nothing about the process (design, rule 2).
    auth_failed,  // -NOAUTH, -WRONGPASS, -NOPERM.
    untrusted,    // TLS with it could not be had: a certificate, or one of us speaks no TLS.
    garbled,      // An answer that is not Redis, is oversized or contradicts itself.
};

/// One Redis process, by identity, with everything that anyone said about it.
struct Instance {
    InstanceId id;
    std::optional<NomadFacts> nomad;
    std::optional<ConsulFacts> consul;
    std::optional<Endpoint> address;  // From Consul's service entry.
    HostId host;
    std::string host_name;  // For people; the host\'s id where no name is known.
    std::string datacenter;
    std::map<std::string, std::string> host_meta;  // For placement.spread "meta.<key>".
    Contact contact = Contact::unasked;
    std::string contact_detail;            // The sentence behind `contact`.
    std::optional<InstanceReport> report;  // Of this round: absent unless contact == answered.
    std::string last_run_id;               // Folded: survives rounds without an answer.
    NodeId last_node;                      // Folded likewise.
    std::optional<Epoch> swept;            // Folded: no older operator's connection at this epoch.

    [[nodiscard]] bool answered() const { return contact == Contact::answered && report; }
};

/// How far a source of facts can be believed.
struct View {
    bool configured = false;  // We have such a source at all.
    bool seen = false;        // It answered at least once.
    bool certain = false;     // Its newest answer stands: not stale, not gone backwards, readable.
    std::string why;          // Why not certain.
    Moment at{};              // When it was last known to be current.
};

/// The Nomad group behind the cluster.
struct GroupFacts {
    bool job_exists = false;
    bool stopped = false;     // `nomad job stop`: leave it alone.
    std::uint32_t count = 0;  // What Nomad was told to run.
    std::uint64_t job_modify_index = 0;
    bool deployment_active = false;  // A deployment is running: scaling may be refused.

    friend bool operator==(const GroupFacts&, const GroupFacts&) = default;
};

/// What the spec key holds now; not necessarily what is in force (that is the record's).
struct SpecOffer {
    std::uint64_t modify_index = 0;
    std::uint64_t create_index = 0;
    std::optional<ClusterSpec> spec;  // Absent when it has problems.
    std::vector<Problem> problems;    // Includes conflicts with other specs.
    std::string conflict;  // Another cluster has this service or group: we may not act at all.
};

/// An identity that the record knows and no source shows any more.
struct Absence {
    Moment since{};
    bool confirmed = false;  // A second, consistent read did not show it either.
};

/// What went wrong for a concern lately; it proposes findings instead of steps until retry_at.
struct Setback {
    std::uint32_t failures = 0;
    std::string what;
    Moment retry_at{};
};

/// Who we are while we look.
struct Standing {
    bool leading = false;
    Epoch epoch;
    InstallationId installation;
    std::string leader;  // Instance id of the leader as the lock says; empty: nobody.

    friend bool operator==(const Standing&, const Standing&) = default;
};

/// Everything observed about one cluster at one moment. Immutable once built; the only memory
/// between rounds. Time enters the judgement here and nowhere else.
struct Snapshot {
    Revision revision;
    ClusterName cluster;
    Moment now{};
    Timestamp wall{};
    Standing standing;
    std::optional<SpecOffer> offer;  // Absent: the spec key does not exist (deleted: unmanaged).
    std::optional<Record> record;
    std::uint64_t record_index = 0;         // ModifyIndex of the record key; 0: does not exist.
    std::map<NodeId, ClusterName> claimed;  // Members of other clusters' records.
    View consul;
    View nomad;
    std::optional<GroupFacts> group;
    std::map<InstanceId, Instance> instances;  // Ordered, so that plans are reproducible.
    std::map<InstanceId, Absence> absences;
    std::map<std::string, Setback> setbacks;  // By concern.
    Moment last_changed{};                    // When what the instances say was last different.
    bool records_known = false;  // The KV view that holds the records was read at least once.
};
using SnapshotPtr = std::shared_ptr<const Snapshot>;

}  // namespace rop
