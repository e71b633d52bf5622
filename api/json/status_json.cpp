#include "api/json/status_json.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "api/json/object_reader.hpp"
#include "api/json/writer.hpp"

namespace rop::json {
namespace {

constexpr std::uint64_t status_version = 1;
constexpr NumberRange any_number{0, std::numeric_limits<std::uint64_t>::max()};

// A status is for people and tools: what a newer operator added to it is skipped, so that older
// commands go on working.
constexpr TextRule any_text{"a text", [](std::string_view) { return true; }};

constexpr std::array phases{Phase::pending,  Phase::forming,     Phase::ready,
                            Phase::scaling,  Phase::rebalancing, Phase::rolling,
                            Phase::degraded, Phase::down,        Phase::paused};
constexpr std::array condition_types{ConditionType::spec_valid,    ConditionType::formed,
                                     ConditionType::slots_covered, ConditionType::replicas_in_sync,
                                     ConditionType::balanced,      ConditionType::spread,
                                     ConditionType::members_known, ConditionType::observed};
constexpr std::array truths{Truth::yes, Truth::no, Truth::unknown};

/// Reads fields that must all be there.
class StatusReader : public ObjectReader {
  public:
    StatusReader(ProblemList& problems, const Node& node, const std::string& path)
        : ObjectReader(problems, node, path, {.fields = {}, .unknown = UnknownFields::ignored}) {}

    std::string text_of(std::string_view name) {
        std::string written;
        require(name, "a text");
        text(name, any_text, written);
        return written;
    }
    std::uint64_t number_of(std::string_view name, std::uint64_t max = any_number.max) {
        std::uint64_t number_read = 0;
        require(name, "a number");
        number(name, {0, max}, number_read);
        return number_read;
    }
    std::uint32_t small_number_of(std::string_view name) {
        return static_cast<std::uint32_t>(
            number_of(name, std::numeric_limits<std::uint32_t>::max()));
    }
    Timestamp time_of(std::string_view name) {
        Timestamp moment{};
        require(name, "a time");
        time(name, moment);
        return moment;
    }
    bool truth_of(std::string_view name) {
        bool truth = false;
        require(name, "true or false");
        boolean(name, truth);
        return truth;
    }
    template <class List>
    typename List::value_type word_of(std::string_view name, const List& all) {
        std::vector<std::string_view> words;
        words.reserve(all.size());
        for (const auto& one : all) {
            words.push_back(to_string(one));
        }
        std::string written;
        require(name, "a word");
        word(name, words, written);
        const auto it = std::find(words.begin(), words.end(), written);
        return it == words.end() ? all.front()
                                 : all.at(static_cast<std::size_t>(it - words.begin()));
    }
    /// Calls `read` with a reader of each element.
    template <class Read>
    void each_of(std::string_view name, Read read) {
        require(name, "a list");
        const Node* list = array(name);
        for (std::size_t i = 0; list != nullptr && i < list->elements.size(); ++i) {
            StatusReader element(problems(), list->elements[i], path_of(path_to(name), i));
            read(element);
        }
    }
};

void write_condition(Writer& writer, const Condition& condition) {
    writer.object().field("type", to_string(condition.type));
    writer.field("status", to_string(condition.status));
    writer.field("reason", condition.reason).field("message", condition.message);
    writer.field("since", write_time(condition.since)).end();
}

Condition read_condition(StatusReader& reader) {
    return {.type = reader.word_of("type", condition_types),
            .status = reader.word_of("status", truths),
            .reason = reader.text_of("reason"),
            .message = reader.text_of("message"),
            .since = reader.time_of("since")};
}

void write_shard(Writer& writer, const ShardStatus& shard) {
    writer.object().field("primary", shard.primary.value());
    writer.key("slots").array();
    for (const auto& range : shard.slots) {
        writer.value(range);
    }
    writer.end().key("replicas").array();
    for (const auto& replica : shard.replicas) {
        writer.object().field("instance", replica.instance.value());
        writer.field("inSync", replica.in_sync).end();
    }
    writer.end().end();
}

ShardStatus read_shard(StatusReader& reader) {
    ShardStatus shard{
        .primary = InstanceId{reader.text_of("primary")}, .slots = {}, .replicas = {}};
    reader.require("slots", "a list");
    const Node* slots = reader.array("slots");
    for (std::size_t i = 0; slots != nullptr && i < slots->elements.size(); ++i) {
        const Node& range = slots->elements[i];
        if (range.kind != Node::Kind::text || parse_slot_range(range.text).has_error()) {
            reader.refuse_at(range, path_of(reader.path_to("slots"), i), "must be slots");
        }
        shard.slots.push_back(range.text);
    }
    reader.each_of("replicas", [&](StatusReader& replica) {
        shard.replicas.push_back({.instance = InstanceId{replica.text_of("instance")},
                                  .in_sync = replica.truth_of("inSync")});
    });
    return shard;
}

void write_instance(Writer& writer, const InstanceStatus& instance) {
    writer.object().field("instance", instance.instance.value());
    writer.field("node", instance.node.value()).field("address", instance.address);
    writer.field("busPort", instance.bus_port).field("host", instance.host);
    writer.field("role", instance.role).field("state", instance.state).end();
}

InstanceStatus read_instance(StatusReader& reader) {
    return {.instance = InstanceId{reader.text_of("instance")},
            .node = NodeId{reader.text_of("node")},
            .address = reader.text_of("address"),
            .bus_port = static_cast<std::uint16_t>(reader.number_of("busPort", 65'535)),
            .host = reader.text_of("host"),
            .role = reader.text_of("role"),
            .state = reader.text_of("state")};
}

void write_operation(Writer& writer, const OperationStatus& operation) {
    writer.key("currentOperation").object().field("kind", operation.kind);
    writer.field("done", operation.done).field("total", operation.total);
    writer.field("since", write_time(operation.since)).end();
}

void read_operation(StatusReader& whole, ClusterStatus& status) {
    if (const Node* node = whole.find("currentOperation")) {
        StatusReader reader(whole.problems(), *node, whole.path_to("currentOperation"));
        status.current_operation = OperationStatus{.kind = reader.text_of("kind"),
                                                   .done = reader.small_number_of("done"),
                                                   .total = reader.small_number_of("total"),
                                                   .since = reader.time_of("since")};
    }
}

ClusterStatus read_status(StatusReader& whole) {
    ClusterStatus status;
    std::uint64_t version = 0;
    whole.require("version", "1");
    whole.number("version", {status_version, status_version}, version);
    status.name = ClusterName{whole.text_of("name")};
    status.mode = whole.text_of("mode");
    status.engine = whole.text_of("engine");
    status.spec_index = whole.number_of("specIndex");
    status.epoch = whole.number_of("epoch");
    status.leader = whole.text_of("leader");
    status.updated_at = whole.time_of("updatedAt");
    status.phase = whole.word_of("phase", phases);
    status.reason = whole.text_of("reason");
    status.message = whole.text_of("message");
    if (const Node* node = whole.require("declared", "an object")) {
        StatusReader declared(whole.problems(), *node, whole.path_to("declared"));
        status.primaries_wanted = declared.small_number_of("primaries");
        status.replicas_per_primary_wanted = declared.small_number_of("replicasPerPrimary");
    }
    if (const Node* node = whole.require("slots", "an object")) {
        StatusReader slots(whole.problems(), *node, whole.path_to("slots"));
        status.slots_assigned = slots.small_number_of("assigned");
        status.slots_served = slots.small_number_of("served");
    }
    whole.each_of("conditions", [&](StatusReader& reader) {
        status.conditions.push_back(read_condition(reader));
    });
    whole.each_of("shards",
                  [&](StatusReader& reader) { status.shards.push_back(read_shard(reader)); });
    whole.each_of("instances",
                  [&](StatusReader& reader) { status.instances.push_back(read_instance(reader)); });
    read_operation(whole, status);
    return status;
}

}  // namespace

std::string write_status(const ClusterStatus& status) {
    Writer writer;
    writer.object().field("version", status_version).field("name", status.name.value());
    writer.field("mode", status.mode).field("engine", status.engine);
    writer.field("specIndex", status.spec_index).field("epoch", status.epoch);
    writer.field("leader", status.leader).field("updatedAt", write_time(status.updated_at));
    writer.field("phase", to_string(status.phase)).field("reason", status.reason);
    writer.field("message", status.message);
    writer.key("declared").object().field("primaries", status.primaries_wanted);
    writer.field("replicasPerPrimary", status.replicas_per_primary_wanted).end();
    writer.key("slots").object().field("assigned", status.slots_assigned);
    writer.field("served", status.slots_served).end();
    writer.key("conditions").array();
    for (const auto& condition : status.conditions) {
        write_condition(writer, condition);
    }
    writer.end().key("shards").array();
    for (const auto& shard : status.shards) {
        write_shard(writer, shard);
    }
    writer.end().key("instances").array();
    for (const auto& instance : status.instances) {
        write_instance(writer, instance);
    }
    writer.end();
    if (status.current_operation) {
        write_operation(writer, *status.current_operation);
    }
    writer.end();
    return std::move(writer).text();
}

Result<ClusterStatus> parse_status(std::string_view text) {
    const auto document = parse_document(text);
    if (document.has_error()) {
        return in_context("status", document.error());
    }
    ProblemList problems;
    StatusReader reader(problems, document.value(), "$");
    ClusterStatus status = read_status(reader);
    if (!problems.empty()) {
        return Error{ErrorKind::malformed,
                     "status: " + to_string(std::move(problems).take().front())};
    }
    return status;
}

std::string write_events(const std::vector<Event>& events) {
    Writer writer;
    writer.array();
    for (const auto& event : events) {
        writer.object().field("time", write_time(event.time));
        writer.field("firstTime", write_time(event.first_time)).field("count", event.count);
        writer.field("type", to_string(event.type));
        writer.field("reason", event.reason).field("message", event.message).end();
    }
    writer.end();
    return std::move(writer).text();
}

Result<std::vector<Event>> parse_events(std::string_view text) {
    auto document = parse_document(text);
    if (document.has_error()) {
        return in_context("events", document.error());
    }
    // Read as the list of an object, so that paths begin with where they are.
    Node whole;
    whole.kind = Node::Kind::object;
    whole.fields.push_back(Field{"events", std::move(document).value()});
    constexpr std::array types{EventType::normal, EventType::warning};
    ProblemList problems;
    std::vector<Event> events;
    StatusReader(problems, whole, "$").each_of("events", [&](StatusReader& reader) {
        events.push_back({.time = reader.time_of("time"),
                          .first_time = reader.time_of("firstTime"),
                          .count = reader.small_number_of("count"),
                          .type = reader.word_of("type", types),
                          .reason = reader.text_of("reason"),
                          .message = reader.text_of("message")});
    });
    if (!problems.empty()) {
        return Error{ErrorKind::malformed, to_string(std::move(problems).take().front())};
    }
    return events;
}

}  // namespace rop::json
