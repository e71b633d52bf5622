#include "api/json/record_json.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <set>

#include "api/duration.hpp"
#include "api/json/object_reader.hpp"
#include "api/json/spec_json.hpp"
#include "api/json/spec_parts.hpp"
#include "api/json/spec_values.hpp"
#include "api/json/status_json.hpp"
#include "api/json/writer.hpp"

namespace rop::json {
namespace {

constexpr std::uint64_t record_version = 1;
constexpr NumberRange any_number{0, std::numeric_limits<std::uint64_t>::max()};

bool is_node_id(std::string_view text) {
    constexpr std::size_t length = 40;
    return text.size() == length &&
           text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

constexpr TextRule node_rule{"a Redis node id: 40 hex digits", &is_node_id};
constexpr TextRule corrected_rule{"what was put right", &is_printable};
constexpr TextRule instance_rule{"the id of an instance", &is_printable};

void write_slots(Writer& writer, const std::vector<SlotRange>& ranges) {
    writer.key("slots").array();
    for (const auto& range : ranges) {
        writer.value(to_string(range));
    }
    writer.end();
}

void write_layout(Writer& writer, const std::vector<ShardLayout>& layout) {
    writer.key("layout").array();
    for (const auto& shard : layout) {
        writer.object().field("primary", shard.primary.value());
        write_slots(writer, shard.slots);
        writer.key("replicas").array();
        for (const auto& replica : shard.replicas) {
            writer.value(replica.value());
        }
        writer.end().end();
    }
    writer.end();
}

/// Reads one record; whatever is wrong is in the list of problems.
class RecordReader {
  public:
    explicit RecordReader(ProblemList& problems) : problems_(problems) {}

    Record read(const Node& node) {
        constexpr std::array<std::string_view, 11> fields{
            "version",          "state",        "spec",   "specIndex",
            "layout",           "members",      "former", "corrections",
            "nodeTimeoutFound", "installation", "epoch"};
        ObjectReader whole(problems_, node, "$", {.fields = fields});
        Record record;
        std::uint64_t version = 0;
        whole.require("version", "1");
        whole.number("version", {record_version, record_version}, version);
        read_state(whole, record);
        if (const Node* spec = whole.require("spec", "the accepted spec")) {
            record.spec = read_spec(problems_, *spec, "$.spec", std::nullopt);
        }
        whole.require("specIndex", "a number");
        whole.number("specIndex", any_number, record.spec_index);
        read_layout(whole, record);
        read_members(whole, record);
        read_former(whole, record);
        read_corrections(whole, record);
        std::chrono::milliseconds found{};
        if (whole.duration("nodeTimeoutFound", std::chrono::milliseconds(1),
                           std::chrono::hours(24 * 365), found)) {
            record.node_timeout_found = found;
        }
        std::string installation;
        whole.require("installation", instance_rule.rule);
        whole.text("installation", instance_rule, installation);
        record.installation = InstallationId{installation};
        std::uint64_t epoch = 0;
        whole.require("epoch", "a number");
        whole.number("epoch", any_number, epoch);
        record.epoch = Epoch{epoch};
        return record;
    }

  private:
    void read_state(ObjectReader& whole, Record& record) {
        constexpr std::array states{RecordState::accepted, RecordState::forming,
                                    RecordState::formed};
        constexpr std::array<std::string_view, 3> words{"accepted", "forming", "formed"};
        std::string word;
        whole.require("state", "one of: accepted, forming, formed");
        if (whole.word("state", words, word)) {
            record.state = *std::find_if(states.begin(), states.end(), [&](RecordState state) {
                return to_string(state) == word;
            });
        }
    }

    void read_layout(ObjectReader& whole, Record& record) {
        const Node* list = whole.array("layout");
        for (std::size_t i = 0; list != nullptr && i < list->elements.size(); ++i) {
            constexpr std::array<std::string_view, 3> fields{"primary", "slots", "replicas"};
            ObjectReader reader(problems_, list->elements[i], path_of("$.layout", i),
                                {.fields = fields});
            ShardLayout shard;
            std::string primary;
            reader.require("primary", instance_rule.rule);
            reader.text("primary", instance_rule, primary);
            shard.primary = InstanceId{primary};
            read_slots(reader, shard);
            for (auto& replica : read_texts(reader, "replicas")) {
                shard.replicas.emplace_back(std::move(replica));
            }
            record.layout.push_back(std::move(shard));
        }
    }

    void read_slots(ObjectReader& reader, ShardLayout& shard) {
        SlotSet slots;
        for (const auto& text : read_texts(reader, "slots")) {
            const auto range = parse_slot_range(text);
            if (range.has_error()) {
                reader.refuse("slots", "must be a list of slots and ranges");
                return;
            }
            shard.slots.push_back(range.value());
            slots = slots | SlotSet{range.value()};
        }
        if (!(slots & laid_out_).empty()) {
            reader.refuse("slots", "must not overlap: a slot has one owner");
        }
        laid_out_ = laid_out_ | slots;
    }

    std::vector<std::string> read_texts(ObjectReader& reader, std::string_view name) {
        std::vector<std::string> texts;
        reader.require(name, "a list");
        const Node* list = reader.array(name);
        for (std::size_t i = 0; list != nullptr && i < list->elements.size(); ++i) {
            const Node& element = list->elements[i];
            if (element.kind != Node::Kind::text || !is_printable(element.text)) {
                reader.refuse_at(element, path_of(reader.path_to(name), i), "must be a text");
            } else {
                texts.push_back(element.text);
            }
        }
        return texts;
    }

    void read_members(ObjectReader& whole, Record& record) {
        const Node* map = whole.find("members");
        if (map == nullptr) {
            return;
        }
        ObjectReader reader(problems_, *map, "$.members",
                            {.fields = {}, .unknown = UnknownFields::ignored});
        // Not looked up by name: there may be thousands.
        for (const auto& [instance, node] : map->fields) {
            const std::string path = path_of("$.members", instance);
            if (instance.empty()) {
                reader.refuse_at(node, path, "must name an instance");
            } else if (node.kind != Node::Kind::text || !is_node_id(node.text)) {
                reader.refuse_at(node, path, "must be " + std::string(node_rule.rule));
            } else {
                record.members.emplace(instance, Member{NodeId{node.text}});
            }
        }
    }

    void read_former(ObjectReader& whole, Record& record) {
        const Node* list = whole.array("former");
        for (std::size_t i = 0; list != nullptr && i < list->elements.size(); ++i) {
            constexpr std::array<std::string_view, 2> fields{"node", "since"};
            ObjectReader reader(problems_, list->elements[i], path_of("$.former", i),
                                {.fields = fields});
            std::string node;
            Timestamp since{};
            reader.require("node", node_rule.rule);
            reader.text("node", node_rule, node);
            reader.require("since", "a time");
            reader.time("since", since);
            record.former.push_back({NodeId{node}, since});
        }
    }

    void read_corrections(ObjectReader& whole, Record& record) {
        const Node* list = whole.array("corrections");
        for (std::size_t i = 0; list != nullptr && i < list->elements.size(); ++i) {
            constexpr std::array<std::string_view, 3> fields{"what", "at", "runs"};
            ObjectReader reader(problems_, list->elements[i], path_of("$.corrections", i),
                                {.fields = fields});
            Correction correction{};
            reader.require("what", corrected_rule.rule);
            reader.text("what", corrected_rule, correction.what);
            reader.require("at", "a time");
            reader.time("at", correction.at);
            correction.runs = read_texts(reader, "runs");
            record.corrections.push_back(std::move(correction));
        }
    }

    ProblemList& problems_;
    SlotSet laid_out_;
};

void write_corrections(Writer& writer, const std::vector<Correction>& corrections) {
    writer.key("corrections").array();
    for (const auto& correction : corrections) {
        writer.object().field("what", correction.what);
        writer.field("at", write_time(correction.at)).key("runs").array();
        for (const auto& run : correction.runs) {
            writer.value(run);
        }
        writer.end().end();
    }
    writer.end();
}

}  // namespace

std::string write_record(const Record& record) {
    Writer writer;
    writer.object().field("version", record_version);
    writer.field("state", to_string(record.state));
    writer.key("spec").raw(write_spec(record.spec));
    writer.field("specIndex", record.spec_index);
    if (!record.layout.empty()) {
        write_layout(writer, record.layout);
    }
    // The node id alone, not an object: 3000 members must fit into one value of Consul.
    writer.key("members").object();
    for (const auto& [instance, member] : record.members) {
        writer.field(instance.value(), member.node.value());
    }
    writer.end();
    if (!record.former.empty()) {
        writer.key("former").array();
        for (const auto& former : record.former) {
            writer.object().field("node", former.node.value());
            writer.field("since", write_time(former.since)).end();
        }
        writer.end();
    }
    if (!record.corrections.empty()) {
        write_corrections(writer, record.corrections);
    }
    if (record.node_timeout_found) {
        writer.field("nodeTimeoutFound", to_string(*record.node_timeout_found));
    }
    writer.field("installation", record.installation.value());
    writer.field("epoch", record.epoch.value()).end();
    return std::move(writer).text();
}

Result<Record> parse_record(std::string_view text) {
    const auto document = parse_document(text);
    if (document.has_error()) {
        return in_context("record", document.error());
    }
    ProblemList problems;
    check_everywhere(problems, document.value(), "$", Secrecy::open);
    Record record = RecordReader(problems).read(document.value());
    if (!problems.empty()) {
        return Error{ErrorKind::malformed,
                     "record: " + to_string(std::move(problems).take().front())};
    }
    return record;
}

}  // namespace rop::json
