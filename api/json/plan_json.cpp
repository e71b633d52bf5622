#include "api/json/status_json.hpp"
#include "api/json/writer.hpp"

namespace rop::json {

std::string write_plan(const Plan& plan) {
    Writer writer;
    writer.object().field("basedOn", plan.based_on.value()).field("concern", plan.concern);
    writer.key("steps").array();
    for (const auto& step : plan.steps) {
        writer.object().field("kind", kind_of(step.action)).field("what", to_string(step.action));
        writer.field("reason", step.reason).end();
    }
    writer.end().key("findings").array();
    for (const auto& finding : plan.findings) {
        writer.object().field("condition", to_string(finding.about));
        writer.field("reason", finding.reason).field("message", finding.what);
        if (finding.instance) {
            writer.field("instance", finding.instance->value());
        }
        writer.end();
    }
    writer.end();
    if (plan.look_again) {
        writer.field("lookAgainMs", static_cast<std::uint64_t>(plan.look_again->count()));
    }
    writer.end();
    return std::move(writer).text();
}

}  // namespace rop::json
