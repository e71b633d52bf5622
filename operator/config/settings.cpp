#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include <arpa/inet.h>

#include "api/duration.hpp"
#include "operator/config/config.hpp"

// Every setting: its names, what it means, and what it may be.
namespace rop::config {
namespace {

using std::chrono::milliseconds;
using Problem = std::optional<std::string>;

struct Range {
    milliseconds least;
    milliseconds most;
};

Problem read_duration(milliseconds& into, std::string_view text, Range range) {
    const auto parsed = parse_duration(text);
    if (parsed.has_error() || parsed.value() < range.least || parsed.value() > range.most) {
        return "must be a duration from " + to_string(range.least) + " to " +
               to_string(range.most) + ", such as 500ms or 10s";
    }
    into = parsed.value();
    return std::nullopt;
}

template <std::size_t Count>
Problem read_word(std::string& into, std::string_view text,
                  const std::array<std::string_view, Count>& words) {
    if (std::find(words.begin(), words.end(), text) == words.end()) {
        std::string rule = "must be one of";
        for (const auto word : words) {
            rule += ' ';
            rule += word;
        }
        return rule;
    }
    into = text;
    return std::nullopt;
}

Problem set_listen(Config& config, std::string_view text) {
    const auto parsed = parse_listen(text);
    if (!parsed) {
        return "must be an IP address and a port, such as 127.0.0.1:9480, [::1]:9480 or :9480 for "
               "all interfaces";
    }
    config.listen = *parsed;
    return std::nullopt;
}

Problem set_kv_prefix(Config& config, std::string_view text) {
    std::string prefix(text);
    if (!prefix.ends_with('/')) {
        prefix += '/';
    }
    if (prefix.starts_with('/') || prefix.find("//") != std::string::npos) {
        return "must be a path without a leading or a doubled slash, such as redis-operator/";
    }
    config.kv_prefix = std::move(prefix);
    return std::nullopt;
}

Problem set_service_name(Config& config, std::string_view text) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-';
    };
    if (text.empty() || text.size() > 63 || !std::all_of(text.begin(), text.end(), allowed)) {
        return "must be 1 to 63 letters, digits and hyphens: it is a DNS name in Consul";
    }
    config.service_name = text;
    return std::nullopt;
}

Problem set_session_ttl(Config& config, std::string_view text) {
    milliseconds ttl{0};
    Problem problem =
        read_duration(ttl, text, Range{std::chrono::seconds(10), std::chrono::hours(24)});
    if (!problem && ttl % std::chrono::seconds(1) != milliseconds(0)) {
        problem = "must be whole seconds";
    }
    if (!problem) {
        config.leadership.session_ttl = std::chrono::duration_cast<std::chrono::seconds>(ttl);
    }
    return problem;
}

constexpr Range beats{milliseconds(50), std::chrono::seconds(60)};

std::vector<Setting> common_settings() {
    using For = Setting::For;
    return {
        {"kvPrefix", "--kv-prefix", "REDIS_OPERATOR_KV_PREFIX", "PATH",
         "Where specs and records are in Consul KV.", For::asking, &set_kv_prefix,
         [](const Config& config) { return config.kv_prefix; }},
        {"consul.address", "--consul-address", "CONSUL_HTTP_ADDR", "URL",
         "The Consul agent of this host.", For::asking,
         [](Config& config, std::string_view text) -> Problem {
             config.consul_address = text;
             return std::nullopt;
         },
         [](const Config& config) { return config.consul_address; }},
        {"consul.tokenFile", "--consul-token-file", "CONSUL_HTTP_TOKEN_FILE", "FILE",
         "A file that holds the Consul token; read anew when Consul refuses.", For::asking,
         [](Config& config, std::string_view text) -> Problem {
             config.consul_token_file = text;
             return std::nullopt;
         },
         [](const Config& config) { return config.consul_token_file; }},
        {"nomad.address", "--nomad-address", "NOMAD_ADDR", "URL",
         "A Nomad agent. Without one, Nomad is not asked at all.", For::observing,
         [](Config& config, std::string_view text) -> Problem {
             config.nomad_address = text;
             return std::nullopt;
         },
         [](const Config& config) { return config.nomad_address; }},
        {"nomad.tokenFile", "--nomad-token-file", "REDIS_OPERATOR_NOMAD_TOKEN_FILE", "FILE",
         "A file that holds the Nomad token; read anew when Nomad refuses.", For::observing,
         [](Config& config, std::string_view text) -> Problem {
             config.nomad_token_file = text;
             return std::nullopt;
         },
         [](const Config& config) { return config.nomad_token_file; }},
        {"redisDeadline", "--redis-deadline", "REDIS_OPERATOR_REDIS_DEADLINE", "DURATION",
         "How long one batch of commands to one instance may take.", For::observing,
         [](Config& config, std::string_view text) {
             return read_duration(config.redis_deadline, text,
                                  Range{milliseconds(50), std::chrono::seconds(60)});
         },
         [](const Config& config) { return to_string(config.redis_deadline); }},
    };
}

std::vector<Setting> running_settings() {
    using For = Setting::For;
    return {
        {"listen", "--listen", "REDIS_OPERATOR_LISTEN", "HOST:PORT",
         "Where metrics, health and status are served; port 0 takes any free one.", For::running,
         &set_listen, [](const Config& config) { return to_string(config.listen); }},
        {"serviceName", "--service-name", "REDIS_OPERATOR_SERVICE_NAME", "NAME",
         "The name under which the operator registers itself in Consul.", For::running,
         &set_service_name, [](const Config& config) { return config.service_name; }},
        {"hostName", "--host-name", "REDIS_OPERATOR_HOST_NAME", "NAME",
         "What people are shown as the leader's name; default: this machine's name.", For::running,
         [](Config& config, std::string_view text) -> Problem {
             config.host_name = text;
             return std::nullopt;
         },
         [](const Config& config) { return config.host_name; }},
        {"log.level", "--log-level", "REDIS_OPERATOR_LOG_LEVEL", "LEVEL",
         "Least urgent lines that are logged: debug, info, warn or error.", For::running,
         [](Config& config, std::string_view text) {
             return read_word(config.log_level, text,
                              std::to_array<std::string_view>({"debug", "info", "warn", "error"}));
         },
         [](const Config& config) { return config.log_level; }},
        {"log.format", "--log-format", "REDIS_OPERATOR_LOG_FORMAT", "FORMAT",
         "How lines look: logfmt or json.", For::running,
         [](Config& config, std::string_view text) {
             return read_word(config.log_format, text,
                              std::to_array<std::string_view>({"logfmt", "json"}));
         },
         [](const Config& config) { return config.log_format; }},
        {"resync", "--resync", "REDIS_OPERATOR_RESYNC", "DURATION",
         "Each cluster is looked at at least this often.", For::running,
         [](Config& config, std::string_view text) {
             return read_duration(config.resync, text,
                                  Range{milliseconds(500), std::chrono::minutes(10)});
         },
         [](const Config& config) { return to_string(config.resync); }},
    };
}

std::vector<Setting> leadership_settings() {
    using For = Setting::For;
    return {
        {"leadership.beat", "--leader-beat", "REDIS_OPERATOR_LEADER_BEAT", "DURATION",
         "How often the operator's own check is passed and the lock is proved.", For::running,
         [](Config& config, std::string_view text) {
             return read_duration(config.leadership.beat, text, beats);
         },
         [](const Config& config) { return to_string(config.leadership.beat); }},
        {"leadership.lease", "--leader-lease", "REDIS_OPERATOR_LEADER_LEASE", "DURATION",
         "How long a proof of the lock allows to act; a new leader waits as long.", For::running,
         [](Config& config, std::string_view text) {
             return read_duration(config.leadership.lease, text, beats);
         },
         [](const Config& config) { return to_string(config.leadership.lease); }},
        {"leadership.check", "--leader-check", "REDIS_OPERATOR_LEADER_CHECK", "DURATION",
         "TTL of the operator's own check: a silent leader loses the lock after it.", For::running,
         [](Config& config, std::string_view text) {
             return read_duration(config.leadership.check, text, beats);
         },
         [](const Config& config) { return to_string(config.leadership.check); }},
        {"leadership.sessionTtl", "--leader-session-ttl", "REDIS_OPERATOR_LEADER_SESSION_TTL",
         "DURATION", "TTL of the Consul session, a backstop; Consul doubles it.", For::running,
         &set_session_ttl,
         [](const Config& config) {
             return to_string(milliseconds(config.leadership.session_ttl));
         }},
        {"leadership.giveUp", "--leader-give-up", "REDIS_OPERATOR_LEADER_GIVE_UP", "DURATION",
         "A leader that could not prove its lock this long steps down.", For::running,
         [](Config& config, std::string_view text) {
             return read_duration(config.leadership.give_up, text, beats);
         },
         [](const Config& config) { return to_string(config.leadership.give_up); }},
    };
}

}  // namespace

const std::vector<Setting>& settings() {
    static const std::vector<Setting> all = [] {
        std::vector<Setting> list = common_settings();
        for (auto part : {running_settings(), leadership_settings()}) {
            list.insert(list.end(), part.begin(), part.end());
        }
        return list;
    }();
    return all;
}

std::optional<Endpoint> parse_listen(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    std::string host(text.substr(0, colon));
    const std::string_view digits = text.substr(colon + 1);
    Endpoint endpoint;
    const auto [end, failure] =
        std::from_chars(digits.data(), digits.data() + digits.size(), endpoint.port);
    if (failure != std::errc{} || end != digits.data() + digits.size()) {
        return std::nullopt;
    }
    if (host.empty()) {
        host = "0.0.0.0";
    }
    int family = AF_INET;
    if (host.starts_with('[') && host.ends_with(']')) {
        host = host.substr(1, host.size() - 2);
        family = AF_INET6;
    }
    std::array<unsigned char, sizeof(in6_addr)> address{};
    if (inet_pton(family, host.c_str(), address.data()) != 1) {
        return std::nullopt;
    }
    endpoint.host = std::move(host);
    return endpoint;
}

}  // namespace rop::config
