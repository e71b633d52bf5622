#include "operator/config/config.hpp"

#include <algorithm>
#include <utility>

#include "api/json/document.hpp"
#include "api/nearest.hpp"

namespace rop::config {
namespace {

/// One value and where it was given, for messages: "--listen", "REDIS_OPERATOR_LISTEN", "listen in
/// operator.json".
struct Given {
    std::string value;
    std::string where;
};
using Values = std::map<std::string, Given, std::less<>>;  // By key.

class Problems {
  public:
    void add(const std::string& where, const std::string& value, const std::string& rule) {
        lines_ += lines_.empty() ? "" : "\n";
        lines_ += where + ": " + (value.empty() ? "" : value + ": ") + rule;
    }
    [[nodiscard]] const std::string& lines() const { return lines_; }

  private:
    std::string lines_;
};

std::string quoted(const std::string& value) {
    return "\"" + (value.size() > 80 ? value.substr(0, 80) + "..." : value) + "\"";
}

/// Every name that may stand below `parent` in the file.
std::vector<std::string_view> names_below(std::string_view parent) {
    std::vector<std::string_view> names;
    for (const auto& setting : settings()) {
        std::string_view key = setting.key;
        if (!parent.empty()) {
            if (!key.starts_with(parent) || key.size() <= parent.size() ||
                key[parent.size()] != '.') {
                continue;
            }
            key.remove_prefix(parent.size() + 1);
        }
        const std::string_view name = key.substr(0, key.find('.'));
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            names.push_back(name);
        }
    }
    return names;
}

bool is_setting(std::string_view key) {
    return std::any_of(settings().begin(), settings().end(),
                       [&](const Setting& setting) { return setting.key == key; });
}

/// Flattens one object of the file; it is at most two deep, because keys are.
void read_object(const json::Node& object, const std::string& parent, const Sources& sources,
                 Values& values, Problems& problems) {
    const auto names = names_below(parent);
    for (const auto& [name, node] : object.fields) {
        const std::string key = parent.empty() ? name : parent + "." + name;
        const std::string where = key + " in " + sources.file_name;
        if (std::find(names.begin(), names.end(), name) == names.end()) {
            const std::string meant = nearest(name, names);
            problems.add(
                where, "",
                meant.empty() ? "unknown setting" : "unknown setting; did you mean " + meant + "?");
        } else if (values.contains(key)) {
            problems.add(where, "", "given twice");
        } else if (!is_setting(key)) {
            if (node.kind == json::Node::Kind::object) {
                read_object(node, key, sources, values, problems);
            } else {
                problems.add(where, "", "must be an object");
            }
        } else if (node.kind != json::Node::Kind::text) {
            problems.add(where, "", "must be a text in quotes");
        } else {
            values[key] = Given{node.text, where};
        }
    }
}

void read_file(const Sources& sources, Values& values, Problems& problems) {
    if (!sources.file_text) {
        return;
    }
    const auto document = json::parse_document(*sources.file_text);
    if (document.has_error()) {
        problems.add(sources.file_name, "", document.error().what);
    } else if (document.value().kind != json::Node::Kind::object) {
        problems.add(sources.file_name, "", "must be a JSON object");
    } else {
        read_object(document.value(), "", sources, values, problems);
    }
}

void read_environment_and_flags(const Sources& sources, Values& values) {
    for (const auto& setting : settings()) {
        const auto variable = sources.environment.find(std::string(setting.variable));
        if (variable != sources.environment.end() && !variable->second.empty()) {
            values[std::string(setting.key)] = Given{variable->second, variable->first};
        }
        const auto flag = sources.flags.find(setting.flag);
        if (flag != sources.flags.end()) {
            values[std::string(setting.key)] = Given{flag->second, flag->first};
        }
    }
}

}  // namespace

std::optional<std::string> problem_of_listener(const Config& config) {
    if (config.http_cert_file.empty() != config.http_key_file.empty()) {
        return "certFile and keyFile must both be set, or neither: a certificate and its key go "
               "together";
    }
    if (!config.http_client_ca_file.empty() && config.http_cert_file.empty()) {
        return "clientCaFile needs certFile and keyFile: without TLS nobody shows a certificate";
    }
    return std::nullopt;
}

Result<Config> load(const Sources& sources) {
    Values values;
    Problems problems;
    read_file(sources, values, problems);
    read_environment_and_flags(sources, values);

    Config config;
    for (const auto& setting : settings()) {
        const auto given = values.find(setting.key);
        if (given == values.end()) {
            continue;
        }
        if (const auto rule = setting.set(config, given->second.value)) {
            problems.add(given->second.where, quoted(given->second.value), *rule);
        }
    }
    if (problems.lines().empty()) {
        if (const auto relation = loop::problem_of(config.leadership)) {
            problems.add("leadership", "", *relation);
        }
    }
    if (!problems.lines().empty()) {
        return Error{ErrorKind::rejected, problems.lines()};
    }
    return config;
}

}  // namespace rop::config
