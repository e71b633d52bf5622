#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/ids.hpp"
#include "api/time.hpp"

namespace rop {

enum class Mode { cluster, replication, sentinel };

/// "cluster", "replication", "sentinel".
[[nodiscard]] std::string_view to_string(Mode mode);

/// May we change the Nomad group's count? `follow`: the group's count decides, not the spec.
enum class ScaleRule { yes, no, follow };

struct NomadTarget {
    std::string job;
    std::string group;
    std::string nomad_namespace = "default";
    ScaleRule scale = ScaleRule::yes;

    friend bool operator==(const NomadTarget&, const NomadTarget&) = default;
};

/// Where a secret is kept. The secret itself is never part of a spec.
struct SecretRef {
    enum class Kind { file, env, nomad_variable, consul_key };
    Kind kind = Kind::file;
    std::string where;

    friend bool operator==(const SecretRef&, const SecretRef&) = default;
};

struct AuthSpec {
    std::string username = "default";
    SecretRef password;

    friend bool operator==(const AuthSpec&, const AuthSpec&) = default;
};

struct TlsSpec {
    bool enabled = false;
    std::string ca;
    std::string cert;
    std::string key;
    std::string server_name;

    friend bool operator==(const TlsSpec&, const TlsSpec&) = default;
};

struct FailoverSpec {
    std::optional<std::chrono::milliseconds> node_timeout;  // Absent: what the servers had.
    std::chrono::milliseconds down_after{5'000};
    std::string on_unreachable = "promote";  // promote | wait
    std::string on_quorum_loss = "wait";     // wait | takeover
    std::string on_shard_loss = "wait";      // wait | recreateEmpty

    friend bool operator==(const FailoverSpec&, const FailoverSpec&) = default;
};

struct BalanceSpec {
    bool enabled = true;
    double threshold = 0.02;  // Share of the slots by which a primary may be off, 0 < x < 1.
    std::map<std::string, double> weights;
    std::uint64_t bytes_per_migrate = 1'048'576;  // 1mb, as redis.conf reads it.
    std::uint32_t parallel_moves_max = 4;

    friend bool operator==(const BalanceSpec&, const BalanceSpec&) = default;
};

struct BackupSpec {
    std::string schedule;  // cron, five fields
    std::string to;        // s3://... or file:///...
    std::uint32_t keep = 7;

    friend bool operator==(const BackupSpec&, const BackupSpec&) = default;
};

/// What the user agrees to although it weakens something.
enum class Consent { few_primaries, no_replicas, tight_memory, adopt };

/// "fewPrimaries", "noReplicas", "tightMemory", "adopt": the words of `allow`.
[[nodiscard]] std::string_view to_string(Consent consent);

/// What the user declared, validated: inside the core every ClusterSpec is a possible one.
/// The JSON form is design "contract: spec (version 1)"; api/json/spec_json.hpp reads it.
struct ClusterSpec {
    ClusterName name;
    Mode mode = Mode::cluster;
    std::uint32_t primaries = 3;             // 1..500
    std::uint32_t replicas_per_primary = 1;  // 0..5
    std::string service;                     // The Consul service whose instances are the nodes.
    std::optional<NomadTarget> nomad;        // Absent: Consul only.
    std::string spread = "host";             // host | datacenter | meta.<key>
    std::optional<AuthSpec> auth;
    TlsSpec tls;
    std::map<std::string, std::string> settings;
    FailoverSpec failover;
    BalanceSpec balance;
    std::optional<BackupSpec> backup;
    std::set<Consent> allow;
    std::optional<Timestamp> paused_until;

    [[nodiscard]] std::uint32_t instances_wanted() const {
        return primaries * (1 + replicas_per_primary);
    }
    friend bool operator==(const ClusterSpec&, const ClusterSpec&) = default;
};

/// One thing wrong with a spec, in the words that the user is shown.
struct Problem {
    std::string path;     // JSON path: "$.failover.nodeTimeout"
    std::string value;    // As written, shortened; "***" under auth and tls.
    std::string rule;     // What is allowed.
    std::string nearest;  // The nearest right spelling, or empty.

    friend bool operator==(const Problem&, const Problem&) = default;
};

/// "$.primaires: 3: unknown field; did you mean primaries?"
[[nodiscard]] std::string to_string(const Problem& problem);

/// Consents that the spec needs and does not give: few primaries cannot elect, no replicas cannot
/// take over. In the order of the document.
[[nodiscard]] std::vector<Problem> problems_of_consent(const ClusterSpec& spec);

/// What may not change between an accepted spec and a new one (mode, name), and consents that
/// the new one lacks. Empty when the change is allowed.
[[nodiscard]] std::vector<Problem> problems_of_change(const ClusterSpec& accepted,
                                                      const ClusterSpec& offered);

}  // namespace rop
