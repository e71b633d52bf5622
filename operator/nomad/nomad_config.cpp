#include <string_view>

#include "operator/nomad/nomad_port.hpp"

namespace rop::nomad {
namespace {

constexpr std::string_view for_tls[] = {"NOMAD_CACERT", "NOMAD_CAPATH", "NOMAD_CLIENT_CERT",
                                        "NOMAD_CLIENT_KEY", "NOMAD_TLS_SERVER_NAME"};

Error not_served(std::string_view variable, std::string_view what) {
    return Error{ErrorKind::rejected,
                 std::string(variable) + ": " + std::string(what) + " is not served yet"};
}

}  // namespace

Result<NomadConfig> config_from_environment(const std::map<std::string, std::string>& environment) {
    const auto value = [&](std::string_view name) -> std::string {
        const auto found = environment.find(std::string(name));
        return found == environment.end() ? "" : found->second;
    };
    for (const auto name : for_tls) {
        if (!value(name).empty()) {
            return not_served(name, "TLS to Nomad");
        }
    }
    if (!value("NOMAD_HTTP_AUTH").empty()) {
        return not_served("NOMAD_HTTP_AUTH", "what it asks for");
    }

    NomadConfig config;
    if (const std::string address = value("NOMAD_ADDR"); !address.empty()) {
        auto server = net::parse_server_url(address);
        if (server.has_error()) {
            return in_context("NOMAD_ADDR", server.error());
        }
        config.server = server.value();
    }
    if (config.server.scheme == net::ServerUrl::Scheme::https) {
        return not_served("NOMAD_ADDR", "TLS to Nomad");
    }
    if (config.server.scheme == net::ServerUrl::Scheme::unix_socket) {
        return not_served("NOMAD_ADDR", "a unix socket");
    }
    config.token = value("NOMAD_TOKEN");
    if (const std::string name = value("NOMAD_NAMESPACE"); !name.empty()) {
        config.nomad_namespace = name;
    }
    config.region = value("NOMAD_REGION");
    return config;
}

}  // namespace rop::nomad
