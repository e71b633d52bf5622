#include <string>
#include <utility>

#include "api/json/status_json.hpp"
#include "operator/commands/commands.hpp"
#include "operator/commands/foresight.hpp"
#include "operator/commands/shown.hpp"

namespace rop::commands {

// Looks for itself instead of asking the leader: it must work when there is none.
Answering plan(Toolbox tools, ClusterName name) {
    auto leader = co_await tools.store.leader();
    if (leader.has_error()) {
        co_return failure(leader.error(), look_at_consul);
    }
    auto found = co_await tools.store.one(name);
    if (found.has_error()) {
        co_return failure(found.error(), look_at_consul);
    }
    if (!found.value().declared) {
        co_return not_declared(found.value());
    }
    const std::optional<ClusterSpec> as_declared;
    auto seen = co_await tools.look(name, as_declared);
    if (seen.has_error()) {
        co_return failure(in_context("no plan for " + name.value(), seen.error()),
                          no_plan_next(name));
    }
    const loop::OnceView& view = seen.value();
    Outcome outcome;
    if (tools.format == Format::json) {
        outcome.out = json::write_plan(view.plan) + "\n";
        co_return outcome;
    }
    outcome.out = name.value() + ": " + std::string(to_string(view.status.phase)) + " (" +
                  printable(view.status.reason + "): " + view.status.message) + "\n" +
                  to_string(view.plan) + in_words(plans_after(*view.snapshot, view.plan));
    if (!view.plan.steps.empty()) {
        outcome.out += leader.value().alive
                           ? "next: " + printable(leader.value().name) + " leads and does this\n"
                           : "next: nobody leads, so nobody does this: " +
                                 nobody_leads(leader.value(), Timestamp{}, Timestamp{}).next + "\n";
    }
    co_return outcome;
}

}  // namespace rop::commands
