#include "operator/commands/shown.hpp"

#include <string>

#include "operator/commands/table.hpp"

namespace rop::commands {
namespace {

std::string_view word_of(Mode mode) {
    switch (mode) {
        case Mode::cluster:
            return "cluster";
        case Mode::replication:
            return "replication";
        case Mode::sentinel:
            return "sentinel";
    }
    return "";
}

}  // namespace

ClusterStatus shown_status(const Stored& stored) {
    if (stored.status) {
        return *stored.status;
    }
    ClusterStatus status;
    status.name = stored.name;
    status.phase = Phase::pending;
    if (!stored.spec) {
        status.mode = "";
        status.reason = "InvalidSpec";
        status.message = "the spec is not valid, and no operator has looked at it yet";
        return status;
    }
    status.mode = word_of(stored.spec->mode);
    status.reason = "NotSeenYet";
    status.message = "no operator has looked at it yet";
    status.primaries_wanted = stored.spec->primaries;
    status.replicas_per_primary_wanted = stored.spec->replicas_per_primary;
    return status;
}

Timestamp formed_since(const ClusterStatus& status) {
    for (const auto& condition : status.conditions) {
        if (condition.type == ConditionType::formed) {
            return condition.since;
        }
    }
    return Timestamp{};
}

NobodyLeads nobody_leads(const LeaderSeen& seen, Timestamp newest, Timestamp now) {
    NobodyLeads text{"nobody leads", ""};
    if (newest != Timestamp{}) {
        text.what += "; the newest word of a leader is " + age(newest, now) + " old";
    }
    if (seen.standing_by.empty()) {
        text.next =
            "is a redis-operator running? Consul shows none: start one with redis-operator run";
        return text;
    }
    std::string hosts;
    for (const auto& host : seen.standing_by) {
        hosts += (hosts.empty() ? "" : ", ") + host;
    }
    text.next =
        counted(seen.standing_by.size(), "operator") + " on " + printable(hosts) +
        ": one leads within seconds; if none does, look at its log, and whether its --kv-prefix "
        "is this one";
    return text;
}

std::string no_plan_next(const ClusterName& name) {
    return "plan looks at everything itself: it needs Consul, with a token that may read services "
           "(manifests/policies/consul-user.hcl); redis-operator describe " +
           name.value() + " shows what the leader saw";
}

Outcome not_declared(const Stored& stored) {
    const std::string& name = stored.name.value();
    if (stored.record_index != 0) {
        return failure(name + " is not declared any more; its record is kept",
                       "redis-operator apply FILE --name " + name + " resumes it");
    }
    return failure(name + " is not declared", "redis-operator get lists what is");
}

}  // namespace rop::commands
