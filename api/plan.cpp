#include "api/plan.hpp"

#include <algorithm>
#include <cctype>
#include <set>
#include <type_traits>
#include <utility>

#include "api/base/overloaded.hpp"
#include "api/duration.hpp"

namespace rop {
namespace {

// Up to this many are named one by one; above it a line is easier to read with counts.
constexpr std::size_t named_max = 4;
constexpr std::size_t slots_text_max = 40;

bool is_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](unsigned char c) { return std::isxdigit(c) != 0; });
}

// 8-4-4-4-12 hex digits.
bool is_uuid(std::string_view text) {
    constexpr std::size_t uuid_length = 36;
    if (text.size() != uuid_length) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text[i] == '-') || (!dash && !is_hex(text.substr(i, 1)))) {
            return false;
        }
    }
    return true;
}

// As Nomad and Redis people shorten them: the first 8 digits.
std::string shown(const InstanceId& id) {
    return is_uuid(id.value()) ? id.value().substr(0, 8) : id.value();
}

std::string shown(const NodeId& id) {
    constexpr std::size_t node_id_length = 40;
    return id.value().size() == node_id_length && is_hex(id.value()) ? id.value().substr(0, 8)
                                                                     : id.value();
}

std::string counted(std::size_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

template <class List, class Shown>
std::string listed(const List& list, Shown shown_one) {
    std::string text;
    for (const auto& one : list) {
        text += (text.empty() ? "" : ", ") + shown_one(one);
    }
    return text;
}

/// Names when they are few, else "6 instances".
template <class Id>
std::string named(const std::vector<Id>& ids, const std::string& noun) {
    return ids.size() <= named_max ? listed(ids, [](const Id& id) { return shown(id); })
                                   : counted(ids.size(), noun);
}

std::string shown(const std::vector<SlotRange>& ranges) {
    const SlotSet slots{ranges};
    const std::string text = slots.to_string();
    return text.size() <= slots_text_max ? text : counted(slots.size(), "slot");
}

std::string shown(const PrepareNodes::Node& node) {
    std::string text = shown(node.at);
    if (!node.slots.empty()) {
        text += " with slots " + shown(node.slots);
    }
    if (node.config_epoch) {
        text += " at config epoch " + std::to_string(*node.config_epoch);
    }
    return text;
}

std::string describe(const EndOlderConnections& action) {
    std::vector<InstanceId> at;
    std::size_t count = 0;
    for (const auto& [instance, clients] : action.client_ids) {
        at.push_back(instance);
        count += clients.size();
    }
    return "end " + counted(count, "connection") + " of earlier leaders at " +
           named(at, "instance");
}

std::string describe(const PrepareNodes& action) {
    const std::string timeout = "node timeout " + to_string(action.node_timeout);
    if (action.nodes.size() <= named_max) {
        return "prepare " +
               listed(action.nodes, [](const PrepareNodes::Node& node) { return shown(node); }) +
               " (" + timeout + ")";
    }
    SlotSet slots;
    for (const auto& node : action.nodes) {
        slots = slots | SlotSet{node.slots};
    }
    return "prepare " + counted(action.nodes.size(), "instance") + " (" +
           counted(slots.size(), "slot") + ", " + timeout + ")";
}

std::string describe(const Meet& action) {
    if (action.pairs.size() <= named_max) {
        return "let " + listed(action.pairs, [](const Meet::Pair& pair) {
                   return shown(pair.from) + " meet " + shown(pair.to);
               });
    }
    std::set<InstanceId> all;
    for (const auto& pair : action.pairs) {
        all.insert(pair.from);
        all.insert(pair.to);
    }
    return "let " + counted(all.size(), "instance") + " meet (" +
           counted(action.pairs.size(), "pair") + ")";
}

std::string describe(const Follow& action) {
    if (action.pairs.size() <= named_max) {
        return "let " + listed(action.pairs, [](const Follow::Pair& pair) {
                   return shown(pair.replica) + " follow " + shown(pair.primary);
               });
    }
    std::set<NodeId> primaries;
    for (const auto& pair : action.pairs) {
        primaries.insert(pair.primary);
    }
    return "let " + counted(action.pairs.size(), "instance") + " follow " +
           (primaries.size() == 1 ? "1 primary" : std::to_string(primaries.size()) + " primaries");
}

std::string describe(const AssignSlots& action) {
    if (action.shares.size() <= named_max) {
        return "assign " + listed(action.shares, [](const AssignSlots::Share& share) {
                   return shown(share.slots) + " to " + shown(share.owner) +
                          (share.raise_epoch ? " with a raised epoch" : "");
               });
    }
    SlotSet slots;
    for (const auto& share : action.shares) {
        slots = slots | SlotSet{share.slots};
    }
    return "assign " + counted(slots.size(), "slot") + " to " +
           counted(action.shares.size(), "instance");
}

std::string describe(const RaiseCount& action) {
    return "raise the count of " + action.target.job + "/" + action.target.group + " from " +
           std::to_string(action.from) + " to " + std::to_string(action.to);
}

template <class Type>
struct TypeOf {};

std::string_view word(TypeOf<WriteRecord>) {
    return "write-record";
}
std::string_view word(TypeOf<EndOlderConnections>) {
    return "end-older-connections";
}
std::string_view word(TypeOf<PrepareNodes>) {
    return "prepare-nodes";
}
std::string_view word(TypeOf<Meet>) {
    return "meet";
}
std::string_view word(TypeOf<Follow>) {
    return "follow";
}
std::string_view word(TypeOf<AssignSlots>) {
    return "assign-slots";
}
std::string_view word(TypeOf<SetNodeTimeout>) {
    return "set-node-timeout";
}
std::string_view word(TypeOf<ForbidReplicaMigration>) {
    return "forbid-replica-migration";
}
std::string_view word(TypeOf<Forget>) {
    return "forget";
}
std::string_view word(TypeOf<RaiseCount>) {
    return "raise-count";
}

template <std::size_t... Index>
std::vector<std::string_view> words_of_all(std::index_sequence<Index...>) {
    return {word(TypeOf<std::variant_alternative_t<Index, Action>>{})...};
}

}  // namespace

std::string to_string(const Action& action) {
    return std::visit(Overloaded{
                          [](const WriteRecord& a) { return a.what; },
                          [](const EndOlderConnections& a) { return describe(a); },
                          [](const PrepareNodes& a) { return describe(a); },
                          [](const Meet& a) { return describe(a); },
                          [](const Follow& a) { return describe(a); },
                          [](const AssignSlots& a) { return describe(a); },
                          [](const SetNodeTimeout& a) {
                              return "set node timeout " + to_string(a.timeout) + " at " +
                                     named(a.at, "instance");
                          },
                          [](const ForbidReplicaMigration& a) {
                              return "forbid replica migration at " + named(a.at, "instance");
                          },
                          [](const Forget& a) {
                              return "forget " + named(a.nodes, "node") + " at " +
                                     named(a.at, "instance");
                          },
                          [](const RaiseCount& a) { return describe(a); },
                      },
                      action);
}

std::string_view kind_of(const Action& action) {
    return action_kinds().at(action.index());
}

const std::vector<std::string_view>& action_kinds() {
    static const auto kinds = words_of_all(std::make_index_sequence<std::variant_size_v<Action>>{});
    return kinds;
}

std::string to_string(const Plan& plan) {
    std::string text;
    for (const auto& step : plan.steps) {
        text += plan.concern + ": " + to_string(step.action);
        text += step.reason.empty() ? "\n" : " (" + step.reason + ")\n";
    }
    for (const auto& finding : plan.findings) {
        text += "note: " + std::string(to_string(finding.about)) + "/" + finding.reason + ": " +
                finding.what + "\n";
    }
    return text.empty() ? "nothing to do\n" : text;
}

}  // namespace rop
