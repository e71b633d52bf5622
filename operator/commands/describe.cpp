#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "api/json/spec_json.hpp"
#include "api/json/status_json.hpp"
#include "api/json/writer.hpp"
#include "operator/commands/commands.hpp"
#include "operator/commands/reasons.hpp"
#include "operator/commands/shown.hpp"
#include "operator/commands/spec_file.hpp"

namespace rop::commands {
namespace {

constexpr std::size_t events_shown = 10;
using Rows = std::vector<std::vector<Cell>>;

std::string line(std::string_view name, const std::string& value) {
    std::string text(name);
    text.append(11 - std::min<std::size_t>(10, name.size()), ' ');
    return text + printable(value) + "\n";
}

std::string head(const Stored& stored, const ClusterStatus& status, const LeaderSeen& leader,
                 Style style, Timestamp now) {
    std::string text = line("Name", stored.name.value());
    text += line("Mode", status.mode + (status.engine.empty() ? "" : ", " + status.engine));
    text += "Phase      " + style(paint_of(status.phase), to_string(status.phase)) +
            printable(" (" + status.reason + "): " + status.message) + "\n";
    if (stored.spec) {
        text += line("Declared", summary(*stored.spec));
        for (const auto& note : not_served_yet(*stored.spec)) {
            text += line("Note", note);
        }
    } else {
        text += line("Declared", "a spec that is not valid (" +
                                     counted(stored.problems.size(), "problem") + ")");
    }
    if (stored.record && stored.record->spec_index < stored.spec_index) {
        text += line("In force", "the spec before: " + summary(stored.record->spec));
    }
    text += line("Slots", std::to_string(status.slots_assigned) + " assigned, " +
                              std::to_string(status.slots_served) + " served");
    if (status.current_operation) {
        const auto& doing = *status.current_operation;
        text += line("Doing", doing.kind + ", " + std::to_string(doing.done) + " of " +
                                  std::to_string(doing.total) + ", for " + age(doing.since, now));
    }
    const std::string written =
        stored.status ? "; status written " + age(status.updated_at, now) + " ago" : "";
    text += line("Leader", (leader.alive ? leader.name + ", epoch " + std::to_string(status.epoch)
                                         : std::string("nobody")) +
                               written);
    if (!leader.alive && !leader.standing_by.empty()) {
        std::string hosts;
        for (const auto& host : leader.standing_by) {
            hosts += (hosts.empty() ? "" : ", ") + host;
        }
        text += line("Stand by", hosts);
    }
    return text;
}

std::string problems(const Stored& stored) {
    std::string text;
    for (const auto& problem : stored.problems) {
        text += "  " + printable(to_string(problem)) + "\n";
    }
    for (const auto& what : stored.damaged) {
        text += "  " + printable("cannot be read: " + what) + "\n";
    }
    return text.empty() ? "" : "\nProblems\n" + text;
}

std::string conditions(const ClusterStatus& status, Style style, Timestamp now) {
    if (status.conditions.empty()) {
        return "";
    }
    Rows rows{{"TYPE", "STATUS", "SINCE", "REASON", "MESSAGE"}};
    for (const auto& one : status.conditions) {
        rows.push_back({Cell(to_string(one.type)),
                        Cell(to_string(one.status), paint_of(one.status)),
                        Cell(age(one.since, now)), Cell(one.reason), Cell(one.message)});
    }
    return "\nConditions\n" + draw_table(rows, style, "  ");
}

/// A reason that somebody should understand, and where it stands.
struct OpenReason {
    std::string where;  // "ReplicasInSync", or "Degraded" where only the phase has it.
    const Explanation* explanation;
    std::string next;
};

/// One for each condition that is not True, and the phase's own.
std::vector<OpenReason> open_reasons(const Stored& stored, const ClusterStatus& status) {
    const ClusterSpec* spec = stored.spec ? &*stored.spec : nullptr;
    std::vector<OpenReason> list;
    const auto add = [&](std::string_view where, const std::string& reason) {
        if (const Explanation* found = explain(reason)) {
            list.push_back({std::string(where), found, next_step_of(*found, stored.name, spec)});
        }
    };
    bool phase_is_told = status.phase == Phase::ready;
    for (const auto& one : status.conditions) {
        if (one.status != Truth::yes) {
            add(to_string(one.type), one.reason);
            phase_is_told = phase_is_told || one.reason == status.reason;
        }
    }
    if (!phase_is_told) {
        add(to_string(status.phase), status.reason);
    }
    return list;
}

std::string meanings(const std::vector<OpenReason>& reasons) {
    std::string text;
    for (const auto& one : reasons) {
        text += "  " + one.where + " (" + std::string(one.explanation->reason) +
                "): " + std::string(one.explanation->meaning) +
                "\n    next: " + printable(one.next) + "\n";
    }
    return text.empty() ? "" : "\nWhat it means\n" + text;
}

std::string shards(const ClusterStatus& status, Style style) {
    if (status.shards.empty()) {
        return "";
    }
    Rows rows{{"PRIMARY", "SLOTS", "REPLICAS"}};
    for (const auto& shard : status.shards) {
        std::string slots;
        for (const auto& range : shard.slots) {
            slots += (slots.empty() ? "" : " ") + range;
        }
        std::string replicas;
        for (const auto& replica : shard.replicas) {
            replicas += replicas.empty() ? "" : ", ";
            replicas += short_id(replica.instance) + (replica.in_sync ? "" : " (not in sync)");
        }
        rows.push_back({Cell(short_id(shard.primary)), Cell(slots), Cell(replicas)});
    }
    return "\nShards\n" + draw_table(rows, style, "  ");
}

std::string instances(const ClusterStatus& status, Style style) {
    if (status.instances.empty()) {
        return "";
    }
    Rows rows{{"INSTANCE", "ROLE", "STATE", "ADDRESS", "BUS", "HOST", "NODE"}};
    for (const auto& one : status.instances) {
        const Paint paint = one.state == "ok" ? Paint::good : Paint::bad;
        rows.push_back({Cell(short_id(one.instance)), Cell(one.role), Cell(one.state, paint),
                        Cell(one.address),
                        Cell(one.bus_port == 0 ? "" : std::to_string(one.bus_port)), Cell(one.host),
                        Cell(one.node.value().substr(0, 8))});
    }
    return "\nInstances\n" + draw_table(rows, style, "  ");
}

Rows event_rows(const std::vector<Event>& events, std::size_t most, Timestamp now) {
    Rows rows{{"AGE", "TYPE", "COUNT", "REASON", "MESSAGE"}};
    const std::size_t skipped = events.size() > most ? events.size() - most : 0;
    for (std::size_t at = skipped; at < events.size(); ++at) {
        const Event& event = events[at];
        const bool warning = event.type == EventType::warning;
        rows.push_back({Cell(age(event.time, now)),
                        Cell(std::string(warning ? "Warning" : "Normal"),
                             warning ? Paint::busy : Paint::plain),
                        Cell(std::to_string(event.count)), Cell(event.reason),
                        Cell(event.message)});
    }
    return rows;
}

bool is_service_taken(const ClusterStatus& status) {
    return std::any_of(
        status.conditions.begin(), status.conditions.end(), [](const Condition& condition) {
            return condition.type == ConditionType::spec_valid && condition.status == Truth::no &&
                   condition.reason == "ServiceTaken";
        });
}

/// What a person would do now.
std::string next_step(const Stored& stored, const ClusterStatus& status, const LeaderSeen& leader,
                      Timestamp now) {
    const std::string& name = stored.name.value();
    if (!leader.alive) {
        const NobodyLeads nobody = nobody_leads(leader, status.updated_at, now);
        return nobody.what + ": " + nobody.next;
    }
    if (!stored.spec) {
        return stored.record ? "correct the spec and apply it again; the one before stays in force"
                             : "correct the spec and apply it again; nothing happens before that";
    }
    if (is_service_taken(status)) {
        return "another cluster has this service or Nomad group: apply a spec that names others, "
               "or delete one of the two";
    }
    if (!stored.status_is_current()) {
        return "the leader has not looked at the newest spec yet: redis-operator wait " + name;
    }
    switch (status.phase) {
        case Phase::ready:
            for (const auto& one : status.instances) {
                if (one.role == "primary" && one.state == "ok" && !one.address.empty()) {
                    const std::size_t colon = one.address.rfind(':');
                    return "nothing to do; connect with redis-cli -c -h " +
                           one.address.substr(0, colon) + " -p " + one.address.substr(colon + 1);
                }
            }
            return "nothing to do";
        case Phase::forming:
        case Phase::scaling:
        case Phase::rebalancing:
        case Phase::rolling:
            return "under way: redis-operator wait " + name + " --for ready";
        case Phase::paused:
        case Phase::pending:
        case Phase::degraded:
        case Phase::down:
            break;
    }
    if (const Explanation* found = explain(status.reason)) {
        return next_step_of(*found, stored.name, &*stored.spec);
    }
    return "what is missing stands under Conditions; redis-operator plan " + name +
           " shows what the operator does about it";
}

std::string as_json(const Stored& stored, const ClusterStatus& status, const LeaderSeen& leader) {
    json::Writer writer;
    writer.object().key("spec");
    if (stored.spec) {
        writer.raw(json::write_spec(*stored.spec));
    } else {
        writer.null();
    }
    writer.key("status").raw(json::write_status(status));
    writer.key("events").raw(json::write_events(stored.events));
    writer.key("leader");
    if (leader.alive) {
        writer.value(leader.name);
    } else {
        writer.null();
    }
    writer.key("problems").array();
    for (const auto& problem : stored.problems) {
        writer.object().field("path", problem.path).field("value", problem.value);
        writer.field("rule", problem.rule).field("nearest", problem.nearest).end();
    }
    for (const auto& what : stored.damaged) {
        writer.object().field("path", "").field("value", "");
        writer.field("rule", "cannot be read: " + what).field("nearest", "").end();
    }
    writer.end().key("explanations").array();
    for (const auto& one : open_reasons(stored, status)) {
        writer.object().field("about", one.where).field("reason", one.explanation->reason);
        writer.field("meaning", one.explanation->meaning).field("next", one.next).end();
    }
    writer.end().end();
    return std::move(writer).text();
}

}  // namespace

Answering describe(Toolbox tools, ClusterName name) {
    auto leader = co_await tools.store.leader();
    if (leader.has_error()) {
        co_return failure(leader.error(), look_at_consul);
    }
    auto found = co_await tools.store.one(std::move(name));
    if (found.has_error()) {
        co_return failure(found.error(), look_at_consul);
    }
    const Stored& stored = found.value();
    if (!stored.declared) {
        co_return not_declared(stored);
    }
    const ClusterStatus status = shown_status(stored);
    const Timestamp now = tools.time->wall();
    Outcome outcome;
    if (tools.format == Format::json) {
        outcome.out = as_json(stored, status, leader.value()) + "\n";
        co_return outcome;
    }
    outcome.out = head(stored, status, leader.value(), tools.style, now) + problems(stored) +
                  conditions(status, tools.style, now) + meanings(open_reasons(stored, status)) +
                  shards(status, tools.style) + instances(status, tools.style);
    if (!stored.events.empty()) {
        outcome.out += "\nEvents\n" +
                       draw_table(event_rows(stored.events, events_shown, now), tools.style, "  ");
    }
    outcome.out += "\nNext: " + printable(next_step(stored, status, leader.value(), now)) + "\n";
    co_return outcome;
}

Answering events(Toolbox tools, ClusterName name) {
    auto found = co_await tools.store.one(std::move(name));
    if (found.has_error()) {
        co_return failure(found.error(), look_at_consul);
    }
    const Stored& stored = found.value();
    if (!stored.declared && stored.events.empty()) {
        co_return not_declared(stored);
    }
    Outcome outcome;
    if (tools.format == Format::json) {
        outcome.out = json::write_events(stored.events) + "\n";
    } else if (stored.events.empty()) {
        outcome.err = "No events of " + stored.name.value() + " yet.\n";
    } else {
        const auto rows = event_rows(stored.events, stored.events.size(), tools.time->wall());
        outcome.out = draw_table(rows, tools.style);
    }
    co_return outcome;
}

}  // namespace rop::commands
