#include "test/support/topology.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "api/duration.hpp"
#include "test/support/drawing.hpp"
#include "test/support/drawn_facts.hpp"

namespace rop::testing {
namespace {

constexpr std::uint16_t first_port = 21'000;
constexpr std::uint16_t first_bus_port = 31'000;

std::uint16_t port_of(const DrawnNode& node, const std::string& word, std::uint16_t first) {
    const auto usual = static_cast<std::uint16_t>(first + node.index);
    return node.has(word) ? static_cast<std::uint16_t>(number_of(node.get(word, ""))) : usual;
}

Contact contact_of(const DrawnNode& node) {
    constexpr std::array words{
        std::pair{"loading", Contact::loading},     std::pair{"refused", Contact::refused},
        std::pair{"timed-out", Contact::timed_out}, std::pair{"auth-failed", Contact::auth_failed},
        std::pair{"untrusted", Contact::untrusted}, std::pair{"garbled", Contact::garbled},
        std::pair{"unasked", Contact::unasked}};
    for (const auto& [word, contact] : words) {
        if (node.has(word)) {
            return contact;
        }
    }
    return node.get("nomad", "") == "pending" ? Contact::unasked : Contact::answered;
}

std::string detail_of(Contact contact) {
    switch (contact) {
        case Contact::loading:
            return "LOADING Redis is loading the dataset in memory";
        case Contact::refused:
            return "connection refused";
        case Contact::timed_out:
            return "no answer within 1s";
        case Contact::auth_failed:
            return "WRONGPASS invalid username-password pair or user is disabled.";
        case Contact::untrusted:
            return "certificate verify failed";
        case Contact::garbled:
            return "not a Redis reply";
        case Contact::unasked:
        case Contact::answered:
            break;
    }
    return "";
}

/// Everything that follows from the lines together: who is behind a node id, epochs, tables.
class Stage {
  public:
    explicit Stage(const Drawing& drawing) : drawing_(drawing) {
        std::uint64_t next_epoch = 1;
        for (const auto& node : drawing.nodes) {
            if (node.kind == DrawnKind::primary) {
                epochs_[node.name] =
                    node.has("epoch") ? number_of(node.get("epoch", "")) : next_epoch;
                ++next_epoch;
            }
            auto& face = faces_[drawn_id(drawing, node.name)];
            // A node that moved is where it runs now, not where it was.
            if (face == nullptr || !node.has("gone")) {
                face = &node;
            }
        }
    }

    [[nodiscard]] InstanceReport report_of(const DrawnNode& node) const;

  private:
    [[nodiscard]] std::uint64_t epoch_of(const DrawnNode& node) const {
        if (node.has("epoch")) {
            return number_of(node.get("epoch", ""));
        }
        const auto it = epochs_.find(node.kind == DrawnKind::replica ? node.primary : node.name);
        return it == epochs_.end() ? 0 : it->second;
    }
    [[nodiscard]] std::vector<StreamedReplica> streams_of(const DrawnNode& node) const;
    [[nodiscard]] TableRow row_of(const DrawnNode& node) const;
    [[nodiscard]] TableRow row_of(const NodeId& id) const;
    [[nodiscard]] std::set<NodeId> known_by(const DrawnNode& viewer) const;
    [[nodiscard]] std::vector<TableRow> table_of(const DrawnNode& viewer) const;
    void apply(const DrawnOpinion& opinion, std::vector<TableRow>& table) const;

    const Drawing& drawing_;
    std::map<std::string, std::uint64_t> epochs_;
    std::map<NodeId, const DrawnNode*> faces_;
};

TableRow Stage::row_of(const DrawnNode& node) const {
    const bool is_down = node.has("refused") || node.has("gone") || node.has("failed");
    TableRow row;
    row.id = drawn_id(drawing_, node.name);
    row.address = Endpoint{"127.0.0.1", port_of(node, "port", first_port)};
    row.bus_port = port_of(node, "bus", first_bus_port);
    row.is_primary = node.kind != DrawnKind::replica;
    row.is_replica = node.kind == DrawnKind::replica;
    row.suspected = node.has("suspected");
    row.failed = node.has("failed");
    row.primary = row.is_replica ? drawn_id(drawing_, node.primary) : NodeId{};
    row.config_epoch = epoch_of(node);
    row.link_connected = node.has("bus-up") || (!is_down && !node.has("bus-down"));
    row.slots = node.slots.ranges();
    return row;
}

TableRow Stage::row_of(const NodeId& id) const {
    const auto it = faces_.find(id);
    if (it != faces_.end()) {
        return row_of(*it->second);
    }
    TableRow row;
    row.id = id;
    row.is_primary = true;
    row.has_address = false;
    return row;
}

std::set<NodeId> Stage::known_by(const DrawnNode& viewer) const {
    std::set<NodeId> known;
    if (viewer.has("knows")) {
        for (const auto& name : split(viewer.get("knows", ""), ',')) {
            known.insert(drawn_id(drawing_, name));
        }
    } else if (viewer.kind != DrawnKind::blank && !viewer.has("alone")) {
        for (const auto& node : drawing_.nodes) {
            if (node.kind != DrawnKind::blank && !node.has("alone")) {
                known.insert(drawn_id(drawing_, node.name));
            }
        }
    }
    known.erase(drawn_id(drawing_, viewer.name));
    return known;
}

std::vector<TableRow> Stage::table_of(const DrawnNode& viewer) const {
    TableRow self = row_of(viewer);
    self.is_self = true;
    self.link_connected = true;
    self.failed = false;
    self.suspected = false;
    self.has_open_slots = viewer.has("open-slots");
    std::vector<TableRow> table{self};
    for (const auto& id : known_by(viewer)) {
        table.push_back(row_of(id));
    }
    const auto flag = [&](const char* word, bool TableRow::*field) {
        for (const auto& name : split(viewer.get(word, ""), ',')) {
            for (auto& row : table) {
                row.*field = row.*field || row.id == drawn_id(drawing_, name);
            }
        }
    };
    flag("fails", &TableRow::failed);
    flag("suspects", &TableRow::suspected);
    for (const auto& opinion : drawing_.opinions) {
        if (opinion.viewer == viewer.name) {
            apply(opinion, table);
        }
    }
    for (const auto& name : split(viewer.get("handshake", ""), ',')) {
        TableRow row = row_of(drawn_id(drawing_, name));
        row.id = node_of("handshake-" + name);  // A placeholder, as Redis makes one up.
        row.in_handshake = true;
        row.slots.clear();
        row.link_connected = false;
        table.push_back(std::move(row));
    }
    return table;
}

void Stage::apply(const DrawnOpinion& opinion, std::vector<TableRow>& table) const {
    const NodeId id = drawn_id(drawing_, opinion.node);
    auto row = std::find_if(table.begin(), table.end(),
                            [&](const TableRow& candidate) { return candidate.id == id; });
    const auto has = [&](const char* word) { return opinion.words.contains(word); };
    if (has("absent")) {
        if (row != table.end()) {
            table.erase(row);
        }
        return;
    }
    if (row == table.end()) {
        row = table.insert(table.end(), row_of(id));
    }
    if (opinion.kind) {
        row->is_primary = opinion.kind == DrawnKind::primary;
        row->is_replica = !row->is_primary;
        row->slots = opinion.slots.ranges();
        row->primary = row->is_replica ? drawn_id(drawing_, opinion.primary) : NodeId{};
    }
    row->failed = (row->failed || has("failed")) && !has("ok");
    row->suspected = (row->suspected || has("suspected")) && !has("ok");
    row->link_connected = (row->link_connected || has("link-up")) && !has("link-down");
    row->has_address = row->has_address && !has("noaddr");
    row->in_handshake = has("handshake");
    if (has("bus")) {
        row->bus_port = static_cast<std::uint16_t>(number_of(opinion.words.at("bus")));
    }
    if (has("epoch")) {
        row->config_epoch = number_of(opinion.words.at("epoch"));
    }
}

bool serves_all(const std::vector<TableRow>& table) {
    SlotSet served;
    for (const auto& row : table) {
        if (!row.failed) {
            served = served | SlotSet{row.slots};
        }
    }
    return served == SlotSet::all();
}

std::vector<OperatorConnection> operators_of(const DrawnNode& node) {
    std::vector<OperatorConnection> operators;
    for (const auto& word : split(node.get("operators", ""), ',')) {
        const auto parts = split(word, ':');
        if (parts.size() != 2) {
            not_understood("operator", word);
        }
        const auto client_id = static_cast<std::int64_t>(100 + operators.size());
        operators.push_back({client_id, InstallationId{parts[0]}, Epoch{number_of(parts[1])}});
    }
    return operators;
}

/// "5470:3,5471:1"
std::map<std::uint16_t, std::uint64_t> keys_by_slot(const DrawnNode& node) {
    std::map<std::uint16_t, std::uint64_t> keys;
    for (const auto& word : split(node.get("keys-in", ""), ',')) {
        const auto parts = split(word, ':');
        if (parts.size() != 2 || number_of(parts[0]) >= slot_count) {
            not_understood("keys of a slot", word);
        }
        keys[static_cast<std::uint16_t>(number_of(parts[0]))] = number_of(parts[1]);
    }
    return keys;
}

/// Its own word, or what a line says of all.
SlotSet counted_by(const DrawnNode& node, const Drawing& drawing) {
    std::string text = node.get("counted", "");
    std::replace(text.begin(), text.end(), ',', ' ');
    if (const DrawnFact* fact = drawing.find("counted"); fact != nullptr && text.empty()) {
        for (const auto& word : fact->rest) {
            text += word + " ";
        }
    }
    const auto slots = SlotSet::parse(text);
    if (slots.has_error()) {
        not_understood("counted slots", text);
    }
    return slots.value();
}

std::vector<StreamedReplica> Stage::streams_of(const DrawnNode& node) const {
    std::vector<StreamedReplica> streams;
    for (const auto& other : drawing_.nodes) {
        const bool follows = other.kind == DrawnKind::replica && other.primary == node.name;
        if (follows && !other.has("link-down") && !other.has("sync") && !other.has("gone")) {
            const Endpoint at{"127.0.0.1", port_of(other, "port", first_port)};
            const bool flows = !other.has("unstreamed");
            streams.push_back({at, true, flows ? 1'000 : 0});
        }
    }
    return streams;
}

InstanceReport Stage::report_of(const DrawnNode& node) const {
    InstanceReport report;
    report.node = drawn_id(drawing_, node.name);
    report.engine = node.get("engine", "redis");
    report.version = node.get("version", "7.0.15");
    report.run_id = node.get("run", "run-" + node.name);
    report.uptime = std::chrono::seconds(60);
    report.cluster_enabled = !node.has("cluster-off");
    report.counted = counted_by(node, drawing_).ranges();
    report.keys_in = keys_by_slot(node);
    report.keys = number_of(node.get("keys", "0"));
    for (const auto& [slot, keys] : report.keys_in) {
        report.keys += node.has("keys") ? 0 : keys;
    }
    report.my_epoch = epoch_of(node);
    report.is_replica = node.kind == DrawnKind::replica;
    report.link_up = report.is_replica && !node.has("link-down") && !node.has("sync");
    report.sync_in_progress = node.has("sync");
    report.repl_offset = static_cast<std::int64_t>(number_of(node.get("offset", "1000")));
    report.replid = node.get("replid", "repl-" + (report.is_replica ? node.primary : node.name));
    report.streams_to = streams_of(node);
    if (report.cluster_enabled) {
        report.table = table_of(node);
        const TableRow& self = report.table.front();
        report.announced = self.address;
        report.bus_port = self.bus_port;
        report.bus_port_bound = port_of(node, "bound", first_bus_port);
        if (node.has("bus") && !node.has("bound")) {
            report.bus_port_bound = report.bus_port;
        }
    }
    for (const auto& row : report.table) {
        if (row.id == report.table.front().primary) {
            report.follows = row.address;
        }
    }
    if (node.has("follows")) {
        report.follows.port = static_cast<std::uint16_t>(number_of(node.get("follows", "")));
    }
    for (const auto& row : report.table) {
        report.current_epoch = std::max(report.current_epoch, row.config_epoch);
    }
    report.known_nodes = node.has("known") ? number_of(node.get("known", ""))
                                           : std::max<std::uint64_t>(report.table.size(), 1);
    report.state_ok = serves_all(report.table) && !node.has("state-fail");
    report.node_timeout = drawn_duration(node.get("timeout", "15s"));
    const std::string usual = node.kind == DrawnKind::blank ? "yes" : "no";
    report.replica_migration_allowed = node.get("migration", usual) == "yes";
    if (!node.has("unswept")) {
        report.operators = operators_of(node);
    }
    return report;
}

NomadFacts nomad_of(const DrawnNode& node, const std::string& host, Timestamp wall) {
    NomadFacts facts;
    facts.job = "redis-cache";
    facts.group = "redis";
    facts.name = "redis-cache.redis[" + std::to_string(node.index) + "]";
    facts.host = HostId{host};
    facts.client_status = node.get("nomad", "running");
    facts.desired_status = node.get("desired", "run");
    facts.client_connected = !node.has("disconnected");
    facts.started_at = wall - std::chrono::minutes(1);
    if (node.has("terminated")) {
        facts.terminated_at = wall - std::chrono::seconds(1);
    }
    facts.create_index = 100 + node.index;
    return facts;
}

Instance instance_of(const Stage& stage, const DrawnNode& node, const Drawing& drawing,
                     const Snapshot& seen) {
    const std::string host =
        node.get("host", "h" + std::to_string(node.index % drawn_number(drawing, "hosts", 3) + 1));
    Instance instance;
    instance.id = InstanceId{node.name};
    instance.host = HostId{host};
    instance.datacenter = node.get("dc", "dc1");
    for (const auto& [word, value] : node.words) {
        if (word.starts_with("meta.")) {
            instance.host_meta[word.substr(5)] = value;
        }
    }
    instance.contact = contact_of(node);
    instance.contact_detail = detail_of(instance.contact);
    if (seen.nomad.configured && node.get("nomad", "running") != "none") {
        instance.nomad = nomad_of(node, host, seen.wall);
    }
    const bool is_pending = node.get("nomad", "") == "pending";
    const std::string health = node.get("consul", is_pending ? "none" : "passing");
    if (health != "none") {
        instance.consul = ConsulFacts{host, "redis-cache-" + node.name, health, {}};
        instance.address = Endpoint{"127.0.0.1", port_of(node, "port", first_port)};
    }
    if (instance.contact == Contact::answered) {
        instance.report = stage.report_of(node);
    }
    if (!node.has("new") && !is_pending && !node.has("unasked")) {
        instance.last_run_id = node.get("last-run", node.get("run", "run-" + node.name));
        const std::string last_node = node.get("last-node", "");
        instance.last_node =
            last_node.empty() ? drawn_id(drawing, node.name) : drawn_id(drawing, last_node);
    }
    if (!node.has("unswept") && !node.has("operators")) {
        instance.swept = seen.standing.epoch;
    }
    return instance;
}

}  // namespace

Snapshot topology(std::string_view drawing_text) {
    const Drawing drawing = parse_drawing(drawing_text);
    const Stage stage(drawing);
    Snapshot seen = drawn_surroundings(drawing);
    for (const auto& node : drawing.nodes) {
        if (node.is_foreign) {
            continue;
        }
        if (node.has("gone")) {
            seen.absences[InstanceId{node.name}] =
                Absence{seen.now - std::chrono::seconds(10), node.get("gone", "") == "confirmed"};
            continue;
        }
        seen.instances.emplace(InstanceId{node.name}, instance_of(stage, node, drawing, seen));
    }
    return seen;
}

}  // namespace rop::testing
