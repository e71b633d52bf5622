#include <algorithm>
#include <string>
#include <utility>

#include "api/duration.hpp"
#include "operator/commands/commands.hpp"
#include "operator/commands/shown.hpp"

namespace rop::commands {
namespace {

using std::chrono::milliseconds;

/// Without a leader nobody rings: then the lock is looked at this often, else as long as Consul
/// lets a query wait.
constexpr milliseconds without_leader{1'000};
constexpr milliseconds with_leader{10'000};
constexpr milliseconds after_failure{500};

/// What the leader, or without its word the spec itself, says against the newest spec.
std::string why_refused(const Stored& stored) {
    for (const auto& condition : stored.status->conditions) {
        if (condition.type == ConditionType::spec_valid && condition.status == Truth::no) {
            return " (" + condition.reason + "): " + condition.message;
        }
    }
    return stored.problems.empty() ? "" : " (InvalidSpec): " + to_string(stored.problems.front());
}

/// Empty when it is so; else what is missing.
std::string missing(const Stored& stored, const LeaderSeen& leader, WaitRequest::For what,
                    Timestamp now) {
    if (!leader.alive) {
        const Timestamp newest = stored.status ? stored.status->updated_at : Timestamp{};
        const NobodyLeads nobody = nobody_leads(leader, newest, now);
        return nobody.what + std::string(next_mark) + nobody.next;
    }
    if (!stored.status) {
        return "no operator has looked at it yet";
    }
    const ClusterStatus& status = *stored.status;
    if (what == WaitRequest::For::formed) {
        for (const auto& condition : status.conditions) {
            if (condition.type == ConditionType::formed) {
                return condition.status == Truth::yes ? "" : condition.message;
            }
        }
        return "no operator has said yet whether it is formed";
    }
    if (!stored.status_is_current()) {
        return "the leader has not accepted the newest spec" + why_refused(stored);
    }
    if (status.phase == Phase::ready) {
        return "";
    }
    return std::string(to_string(status.phase)) + " (" + status.reason + "): " + status.message;
}

std::string_view word_of(WaitRequest::For what) {
    return what == WaitRequest::For::ready ? "ready" : "formed";
}

}  // namespace

Answering wait(Toolbox tools, WaitRequest request) {
    const Moment deadline = tools.time->now() + request.timeout;
    const std::string& name = request.name.value();
    ports::BlockingQuery query;
    std::string lacks = "Consul has not answered";
    for (;;) {
        auto found = co_await tools.store.one(request.name, query);
        auto leader = co_await tools.store.leader();
        milliseconds pause{0};
        if (found.has_error() || leader.has_error()) {
            // A Consul that restarts is worth waiting for; a refused token is not.
            const Error& error = found.has_error() ? found.error() : leader.error();
            if (error.kind != ErrorKind::unavailable) {
                co_return failure(error, look_at_consul);
            }
            lacks = error.what;
            query.index = 0;
            pause = after_failure;
        } else if (!found.value().cluster.declared) {
            co_return not_declared(found.value().cluster);
        } else {
            const Stored& stored = found.value().cluster;
            lacks = missing(stored, leader.value(), request.what, tools.time->wall());
            if (lacks.empty()) {
                Outcome outcome;
                outcome.out = name + " is " + std::string(word_of(request.what)) + ": " +
                              printable(stored.status->message) + "\n";
                co_return outcome;
            }
            query.index = found.value().index;
        }
        const auto left = std::chrono::duration_cast<milliseconds>(deadline - tools.time->now());
        if (left <= milliseconds(0)) {
            break;
        }
        const bool led = leader.has_value() && leader.value().alive;
        query.wait = std::min(left, led ? with_leader : without_leader);
        if (pause > milliseconds(0)) {
            co_await tools.time->sleep_for(std::min(pause, left));
        }
    }
    // An error brings its own next step.
    const std::size_t next = lacks.find(next_mark);
    Outcome late;
    late.code = ExitCode::not_so;
    late.err = name + " is not " + std::string(word_of(request.what)) + " after " +
               to_string(request.timeout) + ": " + printable(lacks.substr(0, next)) +
               (next == std::string::npos ? "\nnext: redis-operator describe " + name
                                          : lacks.substr(next)) +
               "\n";
    co_return late;
}

}  // namespace rop::commands
