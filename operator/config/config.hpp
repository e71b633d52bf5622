#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.hpp"
#include "api/endpoint.hpp"
#include "operator/loop/leadership.hpp"

namespace rop::config {

/// How this process runs. What users want of their clusters is a ClusterSpec, never here. The
/// initialisers are the defaults; docs/reference/configuration.md lists them.
struct Config {
    Endpoint listen{"127.0.0.1", 9480};         // Our HTTP. Port 0: any free one.
    std::string kv_prefix = "redis-operator/";  // Ends with a slash.
    std::string service_name = "redis-operator";
    std::string host_name;  // Shown as the leader's name; empty: this machine's.
    std::string log_level = "info";
    std::string log_format = "logfmt";
    std::string consul_address = "127.0.0.1:8500";
    std::string consul_token_file;
    std::string consul_ca_file;  // These and Nomad's go into a ports::TlsSettings.
    std::string consul_ca_path;
    std::string consul_cert_file;
    std::string consul_key_file;
    std::string consul_tls_server_name;
    std::string nomad_address;  // Empty: Nomad is not configured.
    std::string nomad_token_file;
    std::string nomad_ca_file;
    std::string nomad_ca_path;
    std::string nomad_cert_file;
    std::string nomad_key_file;
    std::string nomad_tls_server_name;
    std::string http_cert_file;  // Of our own listener; empty: no TLS.
    std::string http_key_file;
    std::string http_client_ca_file;  // Empty: clients need no certificate.
    std::string http_token_file;      // Empty: REDIS_OPERATOR_HTTP_TOKEN, or none is needed.
    std::chrono::milliseconds resync{10'000};
    std::chrono::milliseconds redis_deadline{1'000};
    loop::LeadershipTimes leadership;
};

/// One setting with its three names: in the file, as a flag, in the environment.
struct Setting {
    std::string_view key;       // "leadership.beat": nested in the file.
    std::string_view flag;      // "--leader-beat"
    std::string_view variable;  // "REDIS_OPERATOR_LEADER_BEAT"
    std::string_view value;     // What stands for its value in help: "DURATION".
    std::string_view what;      // One sentence.
    /// which commands take the flag. `asking`: all that ask Consul; `observing`: also Nomad and
    /// Redis.
    enum class For { asking, observing, running } needed_for;
    /// Takes the value over, or says what is allowed.
    std::optional<std::string> (*set)(Config& config, std::string_view value);
    std::string (*show)(const Config& config);
};

/// In the order in which help and documents list them.
[[nodiscard]] const std::vector<Setting>& settings();

/// Where values come from, most urgent first.
struct Sources {
    std::map<std::string, std::string, std::less<>> flags;  // By flag: {"--listen", "..."}.
    std::map<std::string, std::string> environment;
    std::string file_name;  // For messages.
    std::optional<std::string> file_text;
};

/// Pure. Flags win over the environment, that over the file, that over the defaults. An empty
/// environment variable counts as unset. `rejected` lists everything that is wrong, one line each.
[[nodiscard]] Result<Config> load(const Sources& sources);

/// What is wrong with the settings of our own listener together. They only matter to `run`.
[[nodiscard]] std::optional<std::string> problem_of_listener(const Config& config);

/// All files that prove who this operator is: no spec may name one of them as a password's.
[[nodiscard]] std::vector<std::string> own_secret_files(const Config& config);

/// "127.0.0.1:9480", "[::1]:9480", ":9480" (all interfaces); nullopt for anything else.
[[nodiscard]] std::optional<Endpoint> parse_listen(std::string_view text);

}  // namespace rop::config
