#include "api/status.hpp"

namespace rop {

std::string_view to_string(Phase phase) {
    switch (phase) {
        case Phase::pending:
            return "Pending";
        case Phase::forming:
            return "Forming";
        case Phase::ready:
            return "Ready";
        case Phase::scaling:
            return "Scaling";
        case Phase::rebalancing:
            return "Rebalancing";
        case Phase::rolling:
            return "Rolling";
        case Phase::degraded:
            return "Degraded";
        case Phase::down:
            return "Down";
        case Phase::paused:
            return "Paused";
    }
    return "Pending";
}

std::string_view to_string(ConditionType type) {
    switch (type) {
        case ConditionType::spec_valid:
            return "SpecValid";
        case ConditionType::formed:
            return "Formed";
        case ConditionType::slots_covered:
            return "SlotsCovered";
        case ConditionType::replicas_in_sync:
            return "ReplicasInSync";
        case ConditionType::balanced:
            return "Balanced";
        case ConditionType::spread:
            return "Spread";
        case ConditionType::members_known:
            return "MembersKnown";
        case ConditionType::observed:
            return "Observed";
    }
    return "Observed";
}

std::string_view to_string(Truth truth) {
    switch (truth) {
        case Truth::yes:
            return "True";
        case Truth::no:
            return "False";
        case Truth::unknown:
            return "Unknown";
    }
    return "Unknown";
}

std::string_view to_string(EventType type) {
    return type == EventType::normal ? "Normal" : "Warning";
}

}  // namespace rop
