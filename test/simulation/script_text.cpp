#include <algorithm>
#include <charconv>
#include <functional>
#include <sstream>
#include <utility>

#include "test/simulation/script.hpp"

// A script as text: how a story is kept in a file.
namespace rop::simulation {

using std::chrono::milliseconds;

namespace {

constexpr std::array<std::string_view, Event::kinds> names{"run-job",          "declare",
                                                           "start-operator",   "keys-stranger",
                                                           "locked-stranger",  "loading-stranger",
                                                           "plain-stranger",   "foreign-cluster",
                                                           "clone-instance",   "reuse-address",
                                                           "crash-operator",   "stop-operator",
                                                           "pause-operator",   "jump-clock",
                                                           "crash-instance",   "hang-instance",
                                                           "cut-replication",  "cut-power",
                                                           "lose-everything",  "end-sessions",
                                                           "consul-fails",     "consul-refuses",
                                                           "consul-lags",      "nomad-fails",
                                                           "nomad-refuses",    "nomad-lags",
                                                           "cut-from-consul",  "cut-from-nomad",
                                                           "cut-from-redis",   "cut-bus",
                                                           "isolate-host",     "lose-host",
                                                           "spoil-spec",       "spoil-record",
                                                           "spoil-status",     "spoil-lock",
                                                           "spoil-epoch",      "spoil-installation",
                                                           "lose-consul-data", "agents-refuse",
                                                           "nomad-goes-back",  "bug-elsewhere"};

constexpr std::array<std::string_view, 4> comebacks{"elsewhere-empty", "elsewhere-with-disk",
                                                    "in-place-empty", "in-place-with-disk"};

Error nonsense(std::string_view word) {
    return Error{ErrorKind::malformed, "'" + std::string(word) + "' means nothing here"};
}

template <class T>
Result<T> number_in(std::string_view word) {
    T value{};
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (code != std::errc{} || end != word.data() + word.size()) {
        return nonsense(word);
    }
    return value;
}

/// A field of the world or of the rates, under its name: the one list for both directions.
struct Field {
    std::string_view name;
    std::function<std::string(const Script&)> get;
    std::function<Result<void>(Script&, std::string_view)> set;
};

template <class Get>
Field field(std::string_view name, Get get) {
    using T = std::remove_cvref_t<decltype(get(std::declval<Script&>()))>;
    const auto read = [get](Script& script, std::string_view word) -> Result<void> {
        if constexpr (std::is_same_v<T, milliseconds>) {
            ROP_TRY(const auto count, number_in<std::int64_t>(word));
            get(script) = milliseconds{count};
        } else if constexpr (std::is_same_v<T, bool>) {
            ROP_TRY(const auto flag, number_in<unsigned>(word));
            get(script) = flag != 0;
        } else if constexpr (std::is_same_v<T, Comeback>) {
            const auto it = std::ranges::find(comebacks, word);
            if (it == comebacks.end()) {
                return nonsense(word);
            }
            get(script) = static_cast<Comeback>(it - comebacks.begin());
        } else {
            ROP_TRY(get(script), number_in<T>(word));
        }
        return ok();
    };
    const auto write = [get](const Script& script) {
        const T value = get(const_cast<Script&>(script));
        std::ostringstream text;
        if constexpr (std::is_same_v<T, milliseconds>) {
            text << value.count();
        } else if constexpr (std::is_same_v<T, Comeback>) {
            text << comebacks.at(static_cast<std::size_t>(value));
        } else {
            text << value;
        }
        return text.str();
    };
    return Field{name, write, read};
}

const std::vector<Field>& world_fields() {
    static const std::vector<Field> fields{
        field("seed", [](Script& s) -> auto& { return s.world.seed; }),
        field("hosts", [](Script& s) -> auto& { return s.world.hosts; }),
        field("primaries", [](Script& s) -> auto& { return s.world.primaries; }),
        field("replicas", [](Script& s) -> auto& { return s.world.replicas_per_primary; }),
        field("instances", [](Script& s) -> auto& { return s.world.instances; }),
        field("nomad", [](Script& s) -> auto& { return s.world.with_nomad; }),
        field("announces-ip", [](Script& s) -> auto& { return s.world.announces_ip; }),
        field("password", [](Script& s) -> auto& { return s.world.with_password; }),
        field("node-timeout", [](Script& s) -> auto& { return s.world.node_timeout; }),
        field("sync-delay", [](Script& s) -> auto& { return s.world.sync_delay; }),
        field("resync", [](Script& s) -> auto& { return s.world.resync; }),
        field("comeback", [](Script& s) -> auto& { return s.world.comeback; }),
        field("operators", [](Script& s) -> auto& { return s.operators; }),
        field("lasts", [](Script& s) -> auto& { return s.lasts; }),
    };
    return fields;
}

const std::vector<Field>& rate_fields() {
    static const std::vector<Field> fields{
        field("request-lost", [](Script& s) -> auto& { return s.rates.request_lost; }),
        field("reply-lost", [](Script& s) -> auto& { return s.rates.reply_lost; }),
        field("slow", [](Script& s) -> auto& { return s.rates.slow; }),
        field("late", [](Script& s) -> auto& { return s.rates.late; }),
        field("doubled", [](Script& s) -> auto& { return s.rates.doubled; }),
        field("refused", [](Script& s) -> auto& { return s.rates.refused; }),
        field("agent-refused", [](Script& s) -> auto& { return s.rates.agent_refused; }),
        field("split", [](Script& s) -> auto& { return s.rates.split; }),
        field("stall", [](Script& s) -> auto& { return s.rates.stall; }),
        field("bus-cut", [](Script& s) -> auto& { return s.rates.bus_cut; }),
        field("spurious-wake", [](Script& s) -> auto& { return s.rates.spurious_wake; }),
    };
    return fields;
}

Result<void> read_fields(const std::vector<Field>& fields, std::istringstream& words,
                         Script& script) {
    for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        const auto it = std::ranges::find(fields, word.substr(0, equals), &Field::name);
        if (it == fields.end() || equals == std::string::npos) {
            return nonsense(word);
        }
        ROP_TRY(it->set(script, std::string_view(word).substr(equals + 1)));
    }
    return ok();
}

Result<Event> read_event(std::istringstream& words) {
    Event event;
    std::string at;
    std::string name;
    words >> at >> name;
    ROP_TRY(const auto moment, number_in<std::int64_t>(at));
    event.at = milliseconds{moment};
    const auto it = std::ranges::find(names, name);
    if (it == names.end()) {
        return nonsense(name);
    }
    event.kind = static_cast<Event::Kind>(it - names.begin());
    for (std::string word; words >> word;) {
        const auto equals = word.find('=');
        const std::string key = word.substr(0, equals);
        ROP_TRY(const auto value, number_in<std::uint32_t>(word.substr(
                                      equals == std::string::npos ? word.size() : equals + 1)));
        if (key == "lasts") {
            event.lasts = milliseconds{value};
        } else if (key == "who") {
            event.who = value;
        } else if (key == "whom") {
            event.whom = value;
        } else {
            return nonsense(word);
        }
    }
    return event;
}

}  // namespace

std::string_view to_string(Event::Kind kind) {
    return names.at(static_cast<std::size_t>(kind));
}

std::string to_text(const Script& script) {
    std::string text = "world";
    const auto add = [&](const Field& field) {
        text.append(" ").append(field.name).append("=").append(field.get(script));
    };
    std::ranges::for_each(world_fields(), add);
    text += "\nrates";
    for (const Field& field : rate_fields()) {
        if (field.get(script) != "0") {
            add(field);
        }
    }
    text += "\n";
    for (const Event& event : script.events) {
        text += "at " + std::to_string(event.at.count()) + " " + std::string(to_string(event.kind));
        const auto note = [&](const char* name, std::int64_t value) {
            text += value == 0 ? "" : std::string(" ") + name + "=" + std::to_string(value);
        };
        note("lasts", event.lasts.count());
        note("who", event.who);
        note("whom", event.whom);
        text += "\n";
    }
    return text;
}

Result<Script> parse_script(std::string_view text) {
    Script script;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words{line.substr(0, line.find('#'))};
        std::string first;
        words >> first;
        if (first == "world") {
            ROP_TRY(read_fields(world_fields(), words, script));
        } else if (first == "rates") {
            ROP_TRY(read_fields(rate_fields(), words, script));
        } else if (first == "at") {
            ROP_TRY(auto event, read_event(words));
            script.events.push_back(event);
        } else if (!first.empty()) {
            return nonsense(first);
        }
    }
    return script;
}

}  // namespace rop::simulation
