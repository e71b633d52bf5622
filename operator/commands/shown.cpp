#include "operator/commands/shown.hpp"

#include <string>

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

Outcome not_declared(const Stored& stored) {
    const std::string& name = stored.name.value();
    if (stored.record_index != 0) {
        return failure(name +
                       " is not declared any more; its record is kept\n"
                       "next: redis-operator apply FILE --name " +
                       name + " resumes it");
    }
    return failure(name + " is not declared\nnext: redis-operator get lists what is");
}

}  // namespace rop::commands
