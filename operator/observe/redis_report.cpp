#include "operator/observe/redis_report.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "operator/observe/cluster_nodes.hpp"
#include "operator/redis/wire_words.hpp"

namespace rop::observe {
namespace {

using ports::Reply;

Error garbled(Question question, std::string_view problem) {
    return Error{ErrorKind::malformed, name_of(question) + ": " + std::string(problem)};
}

/// "key:value" lines (INFO, CLUSTER INFO). The text must outlive it.
class Fields {
  public:
    Fields(Question question, std::string_view text) : question_(question) {
        fields_.reserve(160);
        while (!text.empty()) {
            const auto end = text.find('\n');
            std::string_view line = text.substr(0, end);
            text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
            if (line.ends_with('\r')) {
                line.remove_suffix(1);
            }
            const auto colon = line.find(':');
            if (colon != std::string_view::npos) {
                fields_.emplace_back(line.substr(0, colon), line.substr(colon + 1));
            }
        }
    }

    [[nodiscard]] std::optional<std::string_view> find(std::string_view key) const {
        for (const auto& [name, value] : fields_) {
            if (name == key) {
                return value;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] Result<std::string_view> text(std::string_view key) const {
        const auto value = find(key);
        if (!value) {
            return garbled(question_, "no " + std::string(key));
        }
        return *value;
    }

    template <class Number>
    [[nodiscard]] Result<Number> number(std::string_view key) const {
        ROP_TRY(const auto value, text(key));
        Number parsed = 0;
        const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), parsed);
        if (code != std::errc{} || end != value.data() + value.size()) {
            return garbled(question_, std::string(key) + " is no number");
        }
        return parsed;
    }

    [[nodiscard]] bool is(std::string_view key, std::string_view expected) const {
        return find(key) == expected;
    }

    [[nodiscard]] const auto& all() const { return fields_; }

  private:
    Question question_;
    std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

Result<> read_server(const Fields& fields, InstanceReport& report) {
    ROP_TRY(const auto run_id, fields.text("run_id"));
    report.run_id = run_id;
    ROP_TRY(const auto uptime, fields.number<std::int64_t>("uptime_in_seconds"));
    report.uptime = std::chrono::seconds{uptime};
    // Valkey also says which Redis it is compatible with.
    const auto valkey = fields.find("valkey_version");
    ROP_TRY(const auto version, fields.text(valkey ? "valkey_version" : "redis_version"));
    report.engine = valkey || fields.is("server_name", "valkey") ? "valkey" : "redis";
    report.version = version;
    ROP_TRY(const auto enabled, fields.number<int>("cluster_enabled"));
    report.cluster_enabled = enabled != 0;
    return ok();
}

/// The value of "name=" in "ip=127.0.0.1,port=6380,state=online,offset=143,lag=0".
std::string_view part_of(std::string_view line, std::string_view name) {
    while (!line.empty()) {
        const auto end = line.find(',');
        const std::string_view part = line.substr(0, end);
        line = end == std::string_view::npos ? std::string_view{} : line.substr(end + 1);
        if (part.starts_with(name) && part.substr(name.size()).starts_with('=')) {
            return part.substr(name.size() + 1);
        }
    }
    return {};
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
    return code == std::errc{} && end == text.data() + text.size();
}

Result<> read_streams(const Fields& fields, InstanceReport& report) {
    for (const auto& [name, line] : fields.all()) {
        if (!name.starts_with(redis::wire::replica) || !line.starts_with("ip=")) {
            continue;
        }
        StreamedReplica stream;
        stream.at.host = part_of(line, "ip");
        stream.online = part_of(line, "state") == "online";
        if (!read_number(part_of(line, "port"), stream.at.port) ||
            !read_number(part_of(line, "offset"), stream.offset)) {
            return garbled(Question::sections, std::string(name) + " has no port or offset");
        }
        report.streams_to.push_back(std::move(stream));
    }
    return ok();
}

Result<> read_replication(const Fields& fields, InstanceReport& report) {
    ROP_TRY(const auto role, fields.text("role"));
    report.is_replica = role == redis::wire::replica;
    report.link_up = report.is_replica && fields.is("master_link_status", "up");
    if (report.is_replica) {
        ROP_TRY(report.follows.host, fields.text("master_host"));
        ROP_TRY(report.follows.port, fields.number<std::uint16_t>("master_port"));
    }
    report.sync_in_progress = report.is_replica && fields.is("master_sync_in_progress", "1");
    ROP_TRY(report.repl_offset,
            fields.number<std::int64_t>(report.is_replica ? "slave_repl_offset"
                                                          : "master_repl_offset"));
    ROP_TRY(report.replid, fields.text("master_replid"));
    return read_streams(fields, report);
}

/// "db0:keys=12,expires=0,avg_ttl=0"; a database without keys has no line.
Result<> read_keys(const Fields& fields, InstanceReport& report) {
    for (const auto& [name, value] : fields.all()) {
        if (!name.starts_with("db") || !value.starts_with("keys=")) {
            continue;
        }
        const std::string_view text = value.substr(5, value.find(',') - 5);
        std::uint64_t keys = 0;
        const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), keys);
        if (code != std::errc{} || end != text.data() + text.size()) {
            return garbled(Question::sections, std::string(name) + " has no number of keys");
        }
        report.keys += keys;
    }
    return ok();
}

Result<> read_state(const Reply& reply, InstanceReport& report) {
    const Fields fields(Question::state, reply.text);
    report.state_ok = fields.is("cluster_state", "ok");
    ROP_TRY(report.known_nodes, fields.number<std::uint64_t>("cluster_known_nodes"));
    ROP_TRY(report.current_epoch, fields.number<std::uint64_t>("cluster_current_epoch"));
    ROP_TRY(report.my_epoch, fields.number<std::uint64_t>("cluster_my_epoch"));
    return ok();
}

std::optional<NodeId> repeated_id(const std::vector<TableRow>& table) {
    std::vector<std::string_view> ids;
    ids.reserve(table.size());
    for (const auto& row : table) {
        ids.emplace_back(row.id.value());
    }
    std::sort(ids.begin(), ids.end());
    const auto twice = std::adjacent_find(ids.begin(), ids.end());
    if (twice == ids.end()) {
        return std::nullopt;
    }
    return NodeId{std::string(*twice)};
}

/// The whole table, with exactly one line that is this instance's own.
Result<> read_table(const Reply& id, const Reply& table, InstanceReport& report) {
    auto rows = parse_cluster_nodes(table.text);
    if (rows.has_error()) {
        return in_context(name_of(Question::nodes), std::move(rows).error());
    }
    report.table = std::move(rows).value();
    if (const auto twice = repeated_id(report.table)) {
        return garbled(Question::nodes, twice->value() + " twice");
    }
    const auto is_self = [](const TableRow& row) { return row.is_self; };
    if (std::count_if(report.table.begin(), report.table.end(), is_self) != 1) {
        return garbled(Question::nodes, "not exactly one line is its own");
    }
    const TableRow& self = *report.self();
    if (self.id.value() != id.text) {
        return garbled(Question::nodes, "its own line is " + self.id.value() +
                                            ", CLUSTER MYID says " + id.text.substr(0, 60));
    }
    report.node = self.id;
    report.bus_port = self.bus_port;
    report.announced = self.address;
    // INFO says otherwise while a replica does not know its primary's address yet.
    report.is_replica = self.is_replica;
    return ok();
}

std::optional<std::string_view> setting(const Reply& reply, std::string_view name) {
    for (std::size_t i = 0; i + 1 < reply.elements.size(); i += 2) {
        if (reply.elements[i].text == name) {
            return reply.elements[i + 1].text;
        }
    }
    return std::nullopt;
}

Result<> read_settings(const Reply& reply, std::uint16_t port, InstanceReport& report) {
    const auto timeout = setting(reply, "cluster-node-timeout");
    const auto migration = setting(reply, "cluster-allow-replica-migration");
    const auto bus_port = setting(reply, "cluster-port");
    if (!timeout || !migration || !bus_port) {
        return garbled(Question::settings, "not every setting was answered");
    }
    std::int64_t ms = 0;
    std::uint32_t bus = 0;
    const auto ms_end = std::from_chars(timeout->data(), timeout->data() + timeout->size(), ms);
    const auto bus_end =
        std::from_chars(bus_port->data(), bus_port->data() + bus_port->size(), bus);
    if (ms_end.ec != std::errc{} || bus_end.ec != std::errc{}) {
        return garbled(Question::settings, "a setting is no number");
    }
    if (bus == 0) {  // Redis' own rule. A server without TLS has no such settings.
        const bool is_tls_bus = setting(reply, "tls-cluster").value_or("no") == "yes";
        std::uint32_t base = port;
        if (is_tls_bus) {
            const auto text = setting(reply, "tls-port").value_or("");
            const auto end = std::from_chars(text.data(), text.data() + text.size(), base);
            if (end.ec != std::errc{}) {
                return garbled(Question::settings, "tls-port is no number");
            }
        }
        bus = base + 10'000;
    }
    if (bus > 65'535) {
        return garbled(Question::settings, "a bus port above 65535");
    }
    report.node_timeout = std::chrono::milliseconds{ms};
    report.replica_migration_allowed = *migration == "yes";
    report.bus_port_bound = static_cast<std::uint16_t>(bus);
    return ok();
}

/// "redis-operator:<installation>:<epoch>"
std::optional<OperatorConnection> read_name(std::string_view name) {
    constexpr std::string_view ours = "redis-operator:";
    if (!name.starts_with(ours)) {
        return std::nullopt;
    }
    name.remove_prefix(ours.size());
    const auto colon = name.find(':');
    std::uint64_t epoch = 0;
    if (colon == 0 || colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string_view text = name.substr(colon + 1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), epoch);
    if (code != std::errc{} || end != text.data() + text.size()) {
        return std::nullopt;
    }
    OperatorConnection connection;
    connection.installation = InstallationId{std::string(name.substr(0, colon))};
    connection.epoch = Epoch{epoch};
    return connection;
}

/// The value of " name=" in a line of CLIENT LIST. Names have no spaces.
std::string_view field_of(std::string_view line, std::string_view name) {
    const auto at = line.find(name);
    return at == std::string_view::npos
               ? std::string_view{}
               : line.substr(at + name.size(), line.find(' ', at + name.size()) - at - name.size());
}

Result<std::vector<OperatorConnection>> read_clients(const Reply& reply) {
    if (reply.kind != Reply::Kind::text || reply.text.empty()) {
        return garbled(Question::clients, "no list, not even of ourselves");
    }
    std::vector<OperatorConnection> operators;
    std::string_view text = reply.text;
    while (!text.empty()) {
        const auto end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        auto connection = read_name(field_of(line, " name="));
        if (!connection) {
            continue;
        }
        const std::string_view id = field_of(line, "id=");
        const auto [id_end, code] =
            std::from_chars(id.data(), id.data() + id.size(), connection->client_id);
        if (code != std::errc{} || id_end != id.data() + id.size()) {
            return garbled(Question::clients, "a client without an id");
        }
        operators.push_back(std::move(*connection));
    }
    return operators;
}

}  // namespace

ports::Words words_of(Question question) {
    switch (question) {
        case Question::sections:  // Several in one command: 7.0 and newer.
            return {"INFO", "server", "replication", "persistence", "keyspace", "cluster"};
        case Question::my_id:
            return {"CLUSTER", "MYID"};
        case Question::nodes:
            return {"CLUSTER", "NODES"};
        case Question::state:
            return {"CLUSTER", "INFO"};
        case Question::settings:  // Likewise.
            return {"CONFIG",
                    "GET",
                    "cluster-node-timeout",
                    "cluster-allow-replica-migration",
                    "cluster-port",
                    "tls-cluster",
                    "tls-port"};
        case Question::clients:
            return {"CLIENT", "LIST"};
    }
    return {};
}

std::string name_of(Question question) {
    const ports::Words words = words_of(question);
    return question == Question::sections ? words.at(0) : words.at(0) + " " + words.at(1);
}

std::string loading_progress(const Reply& sections) {
    const Fields fields(Question::sections, sections.text);
    if (!fields.is("loading", "1")) {
        return "";
    }
    const auto percent = fields.find("loading_loaded_perc").value_or("?");
    return "loading its dataset, " + std::string(percent.substr(0, 10)) + " % done";
}

Result<InstanceReport> read_report(const std::vector<Reply>& replies) {
    const Fields fields(Question::sections, replies[index_of(Question::sections)].text);
    InstanceReport report;
    ROP_TRY(read_server(fields, report));
    ROP_TRY(read_replication(fields, report));
    ROP_TRY(read_keys(fields, report));
    if (replies.size() > index_of(Question::clients)) {
        ROP_TRY(report.operators, read_clients(replies[index_of(Question::clients)]));
    }
    if (!report.cluster_enabled) {
        return report;
    }
    for (const Question question : {Question::my_id, Question::nodes, Question::state}) {
        if (replies[index_of(question)].kind != Reply::Kind::text) {
            return garbled(question, "answered with something else");
        }
    }
    ROP_TRY(read_state(replies[index_of(Question::state)], report));
    ROP_TRY(
        read_table(replies[index_of(Question::my_id)], replies[index_of(Question::nodes)], report));
    ROP_TRY(const auto port, fields.number<std::uint16_t>("tcp_port"));
    ROP_TRY(read_settings(replies[index_of(Question::settings)], port, report));
    return report;
}

}  // namespace rop::observe
