#include <string_view>

#include "operator/consul/consul_port.hpp"

namespace rop::consul {
namespace {

constexpr std::string_view for_tls[] = {"CONSUL_CACERT", "CONSUL_CAPATH", "CONSUL_CLIENT_CERT",
                                        "CONSUL_CLIENT_KEY", "CONSUL_TLS_SERVER_NAME"};
constexpr std::string_view for_later[] = {"CONSUL_HTTP_AUTH", "CONSUL_PARTITION"};

Error not_served(std::string_view variable, std::string_view what) {
    return Error{ErrorKind::rejected,
                 std::string(variable) + ": " + std::string(what) + " is not served yet"};
}

/// As Go's strconv.ParseBool, which Consul's own programs use; anything else is not true.
bool is_true(std::string_view text) {
    for (const std::string_view yes : {"1", "t", "T", "true", "TRUE", "True"}) {
        if (text == yes) {
            return true;
        }
    }
    return false;
}

}  // namespace

Result<ConsulConfig> config_from_environment(
    const std::map<std::string, std::string>& environment) {
    const auto value = [&](std::string_view name) -> std::string {
        const auto found = environment.find(std::string(name));
        return found == environment.end() ? "" : found->second;
    };
    if (is_true(value("CONSUL_HTTP_SSL"))) {
        return not_served("CONSUL_HTTP_SSL", "TLS to Consul");
    }
    for (const auto name : for_tls) {
        if (!value(name).empty()) {
            return not_served(name, "TLS to Consul");
        }
    }
    for (const auto name : for_later) {
        if (!value(name).empty()) {
            return not_served(name, "what it asks for");
        }
    }

    ConsulConfig config;
    if (const std::string address = value("CONSUL_HTTP_ADDR"); !address.empty()) {
        auto server = net::parse_server_url(address);
        if (server.has_error()) {
            return in_context("CONSUL_HTTP_ADDR", server.error());
        }
        config.server = server.value();
    }
    if (config.server.scheme == net::ServerUrl::Scheme::https) {
        return not_served("CONSUL_HTTP_ADDR", "TLS to Consul");
    }
    if (config.server.scheme == net::ServerUrl::Scheme::unix_socket) {
        return not_served("CONSUL_HTTP_ADDR", "a unix socket");
    }
    config.token = value("CONSUL_HTTP_TOKEN");
    config.token_file = value("CONSUL_HTTP_TOKEN_FILE");
    config.consul_namespace = value("CONSUL_NAMESPACE");
    return config;
}

}  // namespace rop::consul
