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

template <std::string Config::*Member>
Problem take(Config& config, std::string_view text) {
    config.*Member = text;
    return std::nullopt;
}

template <std::string Config::*Member>
std::string shown(const Config& config) {
    return config.*Member;
}

template <std::string Config::*Member>
Setting text(std::string_view key, std::string_view flag, std::string_view variable,
             std::string_view value, std::string_view what, Setting::For needed_for) {
    return Setting{key, flag, variable, value, what, needed_for, &take<Member>, &shown<Member>};
}

constexpr Range beats{milliseconds(50), std::chrono::seconds(60)};

std::vector<Setting> common_settings() {
    using For = Setting::For;
    return {
        {"kvPrefix", "--kv-prefix", "REDIS_OPERATOR_KV_PREFIX", "PATH",
         "Where specs and records are in Consul KV.", For::asking, &set_kv_prefix,
         [](const Config& config) { return config.kv_prefix; }},
        text<&Config::consul_address>("consul.address", "--consul-address", "CONSUL_HTTP_ADDR",
                                      "URL", "The Consul agent of this host.", For::asking),
        text<&Config::consul_token_file>(
            "consul.tokenFile", "--consul-token-file", "CONSUL_HTTP_TOKEN_FILE", "FILE",
            "A file that holds the Consul token; read anew when Consul refuses.", For::asking),
        text<&Config::consul_ca_file>("consul.caFile", "--consul-ca-file", "CONSUL_CACERT", "FILE",
                                      "The authority (PEM) that has issued Consul's certificate; "
                                      "without one the system's are trusted.",
                                      For::asking),
        text<&Config::consul_ca_path>("consul.caPath", "--consul-ca-path", "CONSUL_CAPATH",
                                      "FOLDER", "A folder of such files, all of which are trusted.",
                                      For::asking),
        text<&Config::consul_cert_file>("consul.certFile", "--consul-cert-file",
                                        "CONSUL_CLIENT_CERT", "FILE",
                                        "The certificate (PEM) that Consul is shown.", For::asking),
        text<&Config::consul_key_file>("consul.keyFile", "--consul-key-file", "CONSUL_CLIENT_KEY",
                                       "FILE", "The key of that certificate.", For::asking),
        text<&Config::consul_tls_server_name>(
            "consul.tlsServerName", "--consul-tls-server-name", "CONSUL_TLS_SERVER_NAME", "NAME",
            "The name that Consul's certificate must have; without one its address.", For::asking),
        text<&Config::nomad_address>("nomad.address", "--nomad-address", "NOMAD_ADDR", "URL",
                                     "A Nomad agent. Without one, Nomad is not asked at all.",
                                     For::observing),
        text<&Config::nomad_token_file>(
            "nomad.tokenFile", "--nomad-token-file", "REDIS_OPERATOR_NOMAD_TOKEN_FILE", "FILE",
            "A file that holds the Nomad token; read anew when Nomad refuses.", For::observing),
        text<&Config::nomad_ca_file>("nomad.caFile", "--nomad-ca-file", "NOMAD_CACERT", "FILE",
                                     "The authority (PEM) that has issued Nomad's certificate; "
                                     "without one the system's are trusted.",
                                     For::observing),
        text<&Config::nomad_ca_path>("nomad.caPath", "--nomad-ca-path", "NOMAD_CAPATH", "FOLDER",
                                     "A folder of such files, all of which are trusted.",
                                     For::observing),
        text<&Config::nomad_cert_file>("nomad.certFile", "--nomad-cert-file", "NOMAD_CLIENT_CERT",
                                       "FILE", "The certificate (PEM) that Nomad is shown.",
                                       For::observing),
        text<&Config::nomad_key_file>("nomad.keyFile", "--nomad-key-file", "NOMAD_CLIENT_KEY",
                                      "FILE", "The key of that certificate.", For::observing),
        text<&Config::nomad_tls_server_name>(
            "nomad.tlsServerName", "--nomad-tls-server-name", "NOMAD_TLS_SERVER_NAME", "NAME",
            "The name that Nomad's certificate must have; without one its address.",
            For::observing),
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
        text<&Config::http_cert_file>(
            "http.certFile", "--http-cert-file", "REDIS_OPERATOR_HTTP_CERT_FILE", "FILE",
            "The certificate (PEM) of what is served; with it, it is served over TLS.",
            For::running),
        text<&Config::http_key_file>("http.keyFile", "--http-key-file",
                                     "REDIS_OPERATOR_HTTP_KEY_FILE", "FILE",
                                     "The key of that certificate.", For::running),
        text<&Config::http_client_ca_file>(
            "http.clientCaFile", "--http-client-ca-file", "REDIS_OPERATOR_HTTP_CLIENT_CA_FILE",
            "FILE", "Who asks must have a certificate of this authority.", For::running),
        text<&Config::http_token_file>(
            "http.tokenFile", "--http-token-file", "REDIS_OPERATOR_HTTP_TOKEN_FILE", "FILE",
            "A file that holds the bearer token that is asked for; read anew when it changes.",
            For::running),
        {"serviceName", "--service-name", "REDIS_OPERATOR_SERVICE_NAME", "NAME",
         "The name under which the operator registers itself in Consul.", For::running,
         &set_service_name, [](const Config& config) { return config.service_name; }},
        text<&Config::host_name>(
            "hostName", "--host-name", "REDIS_OPERATOR_HOST_NAME", "NAME",
            "What people are shown as the leader's name; default: this machine's name.",
            For::running),
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

std::vector<std::string> own_secret_files(const Config& config) {
    std::vector<std::string> files;
    for (const auto* file :
         {&config.consul_token_file, &config.consul_key_file, &config.nomad_token_file,
          &config.nomad_key_file, &config.http_key_file, &config.http_token_file}) {
        if (!file->empty()) {
            files.push_back(*file);
        }
    }
    return files;
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
