#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "api/json/spec_json.hpp"
#include "api/json/status_json.hpp"
#include "operator/commands/foresight.hpp"
#include "operator/commands/shown.hpp"
#include "operator/commands/spec_file.hpp"
#include "reconcilers/arbitration.hpp"

namespace rop::commands {
namespace {

enum class Change { created, changed, unchanged };

std::string_view to_string(Change change) {
    switch (change) {
        case Change::created:
            return "created";
        case Change::changed:
            return "changed";
        case Change::unchanged:
            return "unchanged";
    }
    return "";
}

std::string next_step(const ClusterName& name, const LeaderSeen& leader) {
    if (!leader.alive) {
        return "next: nobody leads, so nothing happens yet: " +
               nobody_leads(leader, Timestamp{}, Timestamp{}).next + "\n";
    }
    return "next: " + printable(leader.name) +
           " leads and makes it true; follow it with redis-operator wait " + name.value() +
           " --for ready, or redis-operator describe " + name.value() + "\n";
}

Outcome applied(const Toolbox& tools, const ClusterSpec& spec, Change change, std::uint64_t index,
                const LeaderSeen& leader) {
    Outcome outcome;
    if (tools.format == Format::json) {
        boost::json::object answer;
        answer["name"] = spec.name.value();
        answer["result"] = to_string(change);
        answer["specIndex"] = index;
        if (leader.alive) {
            answer["leader"] = leader.name;
        } else {
            answer["leader"] = nullptr;
        }
        outcome.out = boost::json::serialize(answer) + "\n";
        return outcome;
    }
    outcome.out = spec.name.value() + ": " + std::string(to_string(change)) + ": " +
                  printable(summary(spec)) + "\n" + notes(spec) + next_step(spec.name, leader);
    return outcome;
}

Answering show_plan(Toolbox tools, ClusterSpec spec) {
    const ClusterName name = spec.name;
    auto seen = co_await tools.look(name, std::move(spec));
    if (seen.has_error()) {
        co_return failure(in_context("no plan for " + name.value(), seen.error()),
                          no_plan_next(name));
    }
    const std::vector<Plan> ahead = plans_after(*seen.value().snapshot, seen.value().plan);
    Outcome outcome;
    if (tools.format == Format::json) {
        boost::json::object answer;
        answer["name"] = name.value();
        answer["result"] = "dry-run";
        answer["phase"] = to_string(seen.value().status.phase);
        answer["reason"] = seen.value().status.reason;
        answer["message"] = seen.value().status.message;
        answer["plan"] = boost::json::parse(json::write_plan(seen.value().plan));
        boost::json::array then;
        for (const auto& plan : ahead) {
            then.push_back(boost::json::parse(json::write_plan(plan)));
        }
        answer["then"] = std::move(then);
        outcome.out = boost::json::serialize(answer) + "\n";
        co_return outcome;
    }
    const ClusterStatus& status = seen.value().status;
    outcome.out = name.value() + ": " + std::string(to_string(status.phase)) +
                  printable(" (" + status.reason + "): " + status.message) +
                  "\nA leader would begin with:\n" + to_string(seen.value().plan) +
                  in_words(ahead) + "Nothing was written: --dry-run.\n";
    co_return outcome;
}

reconcilers::Claim claim_of(const Stored& stored, const ClusterSpec& spec) {
    const bool has_members =
        stored.may_be_formed() || (stored.record && !stored.record->members.empty());
    const std::uint64_t created =
        stored.declared ? stored.spec_created : std::numeric_limits<std::uint64_t>::max();
    return {stored.name, spec, created, has_members};
}

/// The leader refuses one of two specs for one service or group, but only later and elsewhere.
std::string warning_of_conflicts(const std::map<ClusterName, Stored>& all,
                                 const ClusterSpec& spec) {
    std::string text;
    const auto own = claim_of(all.at(spec.name), spec);
    for (const auto& [name, other] : all) {
        if (name == spec.name || !other.declared || (!other.spec && !other.record)) {
            continue;
        }
        const auto& theirs = other.spec ? *other.spec : other.record->spec;
        for (const auto& [refused, why] : reconcilers::arbitrate({own, claim_of(other, theirs)})) {
            text += "warning: cluster " + refused.value() +
                    " will be refused as ServiceTaken: " + printable(why) + "\n";
        }
    }
    return text;
}

Outcome changed_meanwhile(const ClusterName& name) {
    return failure(
        name.value() + ": somebody else changed the spec at the same moment; nothing was written",
        "look at it with redis-operator describe " + name.value() + ", and apply again");
}

}  // namespace

Answering apply(Toolbox tools, ApplyRequest request) {
    const json::SpecParse parse = read_spec_file(request.file);
    if (!parse.spec) {
        co_return refused(request.file, parse.problems, tools.format);
    }
    const ClusterSpec spec = *parse.spec;

    auto all = co_await tools.store.all();
    if (all.has_error()) {
        co_return failure(all.error(), look_at_consul);
    }
    Stored& before = all.value()[spec.name];
    before.name = spec.name;
    const std::string warning = warning_of_conflicts(all.value(), spec);
    if (before.record) {
        const auto problems = problems_of_change(*before.record, spec);
        if (!problems.empty()) {
            co_return refused(request.file, problems, tools.format);
        }
    }
    if (request.dry_run) {
        Outcome shown = co_await show_plan(std::move(tools), spec);
        shown.err = warning + shown.err;
        co_return shown;
    }

    auto leader = co_await tools.store.leader();
    if (leader.has_error()) {
        co_return failure(leader.error(), look_at_consul);
    }
    if (before.spec == spec) {
        Outcome same = applied(tools, spec, Change::unchanged, before.spec_index, leader.value());
        same.err = warning;
        co_return same;
    }
    const std::string key = tools.store.key(spec.name, "spec");
    std::vector<ports::TxnOp> write;
    write.emplace_back(ports::KvCas{key, json::write_spec(spec), before.spec_index});
    auto written = co_await tools.store.change(std::move(write));
    if (written.has_error()) {
        co_return failure(written.error(), look_at_consul);
    }
    if (!written.value().applied) {
        if (const auto right = tools.store.missing_right(written.value())) {
            co_return failure(*right, look_at_consul);
        }
        co_return changed_meanwhile(spec.name);
    }
    const auto& entries = written.value().entries;
    const std::uint64_t index = entries.empty() ? 0 : entries.front().modify_index;
    const Change change = before.declared ? Change::changed : Change::created;
    Outcome outcome = applied(tools, spec, change, index, leader.value());
    outcome.err = warning;
    co_return outcome;
}

}  // namespace rop::commands
