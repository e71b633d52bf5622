#include <algorithm>
#include <array>

#include "api/json/spec_parts.hpp"
#include "api/json/spec_values.hpp"

namespace rop::json {
namespace {

struct Owned {
    std::string_view name;  // Ends in '*' for all that begin so.
    std::string_view why;
};

constexpr std::string_view by_operator = "set by the operator";
constexpr std::string_view by_auth = "a secret does not belong into a spec: use auth";
constexpr std::string_view by_tls = "use tls";
constexpr std::string_view by_job = "belongs to the job that starts the server";
constexpr std::string_view by_replication = "who follows whom is decided by the operator";

// What the operator or the job decides. A user's value would be fought over, cut the operator
// off, or show a secret to everyone who may read the key.
constexpr std::array owned{
    Owned{"cluster-node-timeout", "use failover.nodeTimeout"},
    Owned{"cluster-enabled", by_job},
    Owned{"cluster-config-file", by_job},
    Owned{"cluster-port", by_job},
    Owned{"cluster-announce-*", by_job},
    Owned{"cluster-allow-replica-migration", by_operator},
    Owned{"cluster-replica-no-failover", by_operator},
    Owned{"cluster-slave-no-failover", by_operator},
    Owned{"requirepass", by_auth},
    Owned{"masterauth", by_auth},
    Owned{"masteruser", by_auth},
    Owned{"primaryauth", by_auth},
    Owned{"primaryuser", by_auth},
    Owned{"sentinel*", by_operator},
    Owned{"user", by_auth},
    Owned{"aclfile", by_auth},
    Owned{"tls-*", by_tls},
    Owned{"replicaof", by_replication},
    Owned{"slaveof", by_replication},
    Owned{"replica-announce-*", by_job},
    Owned{"slave-announce-*", by_job},
    Owned{"port", by_job},
    Owned{"bind", by_job},
    Owned{"bind-source-addr", by_job},
    Owned{"protected-mode", by_job},
    Owned{"unixsocket*", by_job},
    Owned{"dir", by_job},
    Owned{"dbfilename", by_job},
    Owned{"appendfilename", by_job},
    Owned{"appenddirname", by_job},
    Owned{"daemonize", by_job},
    Owned{"supervised", by_job},
    Owned{"pidfile", by_job},
    Owned{"logfile", by_job},
    Owned{"databases", by_job},
    Owned{"include", by_job},
    Owned{"loadmodule", by_job},
    Owned{"rename-command", by_job},
    Owned{"enable-debug-command", by_job},
    Owned{"enable-module-command", by_job},
    Owned{"enable-protected-configs", by_job},
};

constexpr std::size_t settings_max = 500;

const Owned* owner_of(std::string_view name) {
    const auto* const it = std::find_if(owned.begin(), owned.end(), [&](const Owned& candidate) {
        return candidate.name.ends_with('*')
                   ? name.starts_with(candidate.name.substr(0, candidate.name.size() - 1))
                   : name == candidate.name;
    });
    return it == owned.end() ? nullptr : &*it;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    std::replace(lower.begin(), lower.end(), '_', '-');
    return lower;
}

bool is_setting_name(std::string_view text) {
    constexpr std::size_t length_max = 64;
    return !text.empty() && text.size() <= length_max && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
           });
}

// The empty text is a value for some: `save ""`, `notify-keyspace-events ""`.
bool is_setting_value(std::string_view text) {
    return text.empty() || is_printable(text);
}

void read_setting(ObjectReader& settings, const std::string& path, const Field& field,
                  ClusterSpec& spec) {
    const std::string name = lower_case(field.key);
    const Secrecy secrecy = sounds_secret(name) ? Secrecy::secret : Secrecy::open;
    const auto refuse = [&](std::string rule, std::string nearest) {
        settings.problems().add(field.value, {.path = path_of(path, field.key),
                                              .value = shown_value(field.value, secrecy),
                                              .rule = std::move(rule),
                                              .nearest = std::move(nearest)});
    };
    if (const Owned* owner = owner_of(name)) {
        refuse("may not be set here: " + std::string(owner->why), "");
    } else if (!is_setting_name(field.key)) {
        refuse("must be named as in redis.conf: 1 to 64 characters of a-z, 0-9, - and .",
               is_setting_name(name) ? name : "");
    } else if (field.value.kind != Node::Kind::text) {
        const bool is_scalar =
            field.value.kind == Node::Kind::number || field.value.kind == Node::Kind::boolean;
        refuse("must be a text, as CONFIG SET takes it",
               is_scalar && secrecy == Secrecy::open
                   ? in_quotes(field.value.kind == Node::Kind::number ? field.value.text
                               : field.value.boolean                  ? "yes"
                                                                      : "no")
                   : "");
    } else if (!is_setting_value(field.value.text)) {
        refuse("must be a text of at most 4096 printable characters", "");
    } else {
        spec.settings.emplace(field.key, field.value.text);
    }
}

}  // namespace

void read_settings(ObjectReader& whole, ClusterSpec& spec) {
    const Node* node = whole.find("settings");
    if (node == nullptr) {
        return;
    }
    const std::string path = whole.path_to("settings");
    ObjectReader reader(whole.problems(), *node, path,
                        {.fields = {}, .unknown = UnknownFields::ignored});
    if (node->fields.size() > settings_max) {
        whole.refuse("settings", "must be at most " + std::to_string(settings_max) + " settings");
        return;
    }
    for (const auto& field : node->fields) {
        read_setting(reader, path, field, spec);
    }
}

}  // namespace rop::json
