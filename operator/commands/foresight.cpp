#include "operator/commands/foresight.hpp"

#include <algorithm>
#include <variant>

#include "reconcilers/registry.hpp"

namespace rop::commands {
namespace {

/// Accepting a spec, committing to a layout: more in a row are not known.
constexpr std::size_t plans_max = 4;

bool only_writes_the_record(const Plan& plan) {
    return !plan.steps.empty() &&
           std::all_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
               return std::holds_alternative<WriteRecord>(step.action);
           });
}

}  // namespace

std::vector<Plan> plans_after(const Snapshot& seen, const Plan& first) {
    std::vector<Plan> plans;
    Snapshot pretended = seen;
    for (const Plan* last = &first; only_writes_the_record(*last) && plans.size() < plans_max;
         last = &plans.back()) {
        pretended.record = std::get<WriteRecord>(last->steps.back().action).record;
        ++pretended.record_index;
        plans.push_back(reconcilers::plan_round(pretended));
    }
    return plans;
}

std::string in_words(const std::vector<Plan>& plans) {
    std::string text;
    for (const auto& plan : plans) {
        text += "Then, once that is written:\n" + to_string(plan);
    }
    if (!plans.empty() && !plans.back().steps.empty()) {
        text += "What follows depends on the answers to that.\n";
    }
    return text;
}

}  // namespace rop::commands
