#include "api/duration.hpp"
#include "api/json/spec_json.hpp"
#include "api/json/spec_values.hpp"
#include "api/json/status_json.hpp"
#include "api/json/writer.hpp"

namespace rop::json {
namespace {

/// Opens the object of a field when its first member is written, so that parts that are all
/// default do not appear.
class Part {
  public:
    Part(Writer& writer, std::string_view name) : writer_(writer), name_(name) {}
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    ~Part() {
        if (is_open_) {
            writer_.end();
        }
    }

    template <class T>
    void field(std::string_view name, const T& value, const T& otherwise) {
        if (value != otherwise) {
            open().field(name, value);
        }
    }
    Writer& open() {
        if (!is_open_) {
            writer_.key(name_).object();
            is_open_ = true;
        }
        return writer_;
    }

  private:
    Writer& writer_;
    std::string_view name_;
    bool is_open_ = false;
};

void write_nomad(Writer& writer, const NomadTarget& target) {
    Part part(writer, "nomad");
    part.open().field("job", target.job).field("group", target.group);
    part.field("namespace", target.nomad_namespace, NomadTarget{}.nomad_namespace);
    if (target.scale == ScaleRule::no) {
        part.open().field("scale", false);
    } else if (target.scale == ScaleRule::follow) {
        part.open().field("scale", "follow");
    }
}

std::string_view word_of(SecretRef::Kind kind) {
    switch (kind) {
        case SecretRef::Kind::file:
            return "file";
        case SecretRef::Kind::env:
            return "env";
        case SecretRef::Kind::nomad_variable:
            return "nomadVariable";
        case SecretRef::Kind::consul_key:
            return "consulKey";
    }
    return "file";
}

void write_auth(Writer& writer, const AuthSpec& auth) {
    Part part(writer, "auth");
    part.field("username", auth.username, AuthSpec{}.username);
    part.open().key("password").object();
    writer.field(word_of(auth.password.kind), auth.password.where).end();
}

void write_tls(Writer& writer, const TlsSpec& tls) {
    const TlsSpec usual;
    Part part(writer, "tls");
    part.field("enabled", tls.enabled, usual.enabled);
    part.field("ca", tls.ca, usual.ca);
    part.field("cert", tls.cert, usual.cert);
    part.field("key", tls.key, usual.key);
    part.field("serverName", tls.server_name, usual.server_name);
}

void write_settings(Writer& writer, const ClusterSpec& spec) {
    Part part(writer, "settings");
    for (const auto& [name, value] : spec.settings) {
        part.open().field(name, value);
    }
}

void write_failover(Writer& writer, const FailoverSpec& failover) {
    const FailoverSpec usual;
    Part part(writer, "failover");
    if (failover.node_timeout) {
        part.open().field("nodeTimeout", to_string(*failover.node_timeout));
    }
    part.field("downAfter", to_string(failover.down_after), to_string(usual.down_after));
    part.field("onUnreachable", failover.on_unreachable, usual.on_unreachable);
    part.field("onQuorumLoss", failover.on_quorum_loss, usual.on_quorum_loss);
    part.field("onShardLoss", failover.on_shard_loss, usual.on_shard_loss);
}

void write_balance(Writer& writer, const BalanceSpec& balance) {
    const BalanceSpec usual;
    Part part(writer, "balance");
    part.field("enabled", balance.enabled, usual.enabled);
    part.field("threshold", balance.threshold, usual.threshold);
    if (!balance.weights.empty()) {
        Part weights(part.open(), "weights");
        for (const auto& [name, weight] : balance.weights) {
            weights.open().field(name, weight);
        }
    }
    part.field("bytesPerMigrate", write_size(balance.bytes_per_migrate),
               write_size(usual.bytes_per_migrate));
    part.field("maxParallelMoves", balance.parallel_moves_max, usual.parallel_moves_max);
}

void write_backup(Writer& writer, const BackupSpec& backup) {
    Part part(writer, "backup");
    part.open().field("schedule", backup.schedule).field("to", backup.to);
    part.field("keep", backup.keep, BackupSpec{}.keep);
}

}  // namespace

std::string write_spec(const ClusterSpec& spec) {
    const ClusterSpec usual;
    Writer writer;
    writer.object().field("version", std::uint64_t{1});
    writer.field("name", spec.name.value());
    writer.field("mode", to_string(spec.mode)).field("primaries", spec.primaries);
    if (spec.replicas_per_primary != usual.replicas_per_primary) {
        writer.field("replicasPerPrimary", spec.replicas_per_primary);
    }
    writer.field("service", spec.service);
    if (spec.nomad) {
        write_nomad(writer, *spec.nomad);
    }
    {
        Part placement(writer, "placement");
        placement.field("spread", spec.spread, usual.spread);
    }
    if (spec.auth) {
        write_auth(writer, *spec.auth);
    }
    write_tls(writer, spec.tls);
    write_settings(writer, spec);
    write_failover(writer, spec.failover);
    write_balance(writer, spec.balance);
    if (spec.backup) {
        write_backup(writer, *spec.backup);
    }
    if (!spec.allow.empty()) {
        writer.key("allow").array();
        for (const auto consent : spec.allow) {
            writer.value(to_string(consent));
        }
        writer.end();
    }
    if (spec.paused_until) {
        writer.field("pausedUntil", write_time(*spec.paused_until));
    }
    writer.end();
    return std::move(writer).text();
}

}  // namespace rop::json
