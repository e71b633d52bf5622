#include "operator/nomad/nomad_port.hpp"

// As api/api.go of Nomad 2.0 reads its environment.
namespace rop::nomad {

const std::vector<net::ApiVariable>& variables() {
    static const std::vector<net::ApiVariable> all{
        {"NOMAD_ADDR", true},
        {"NOMAD_TOKEN", true},
        {"NOMAD_NAMESPACE", true},
        {"NOMAD_REGION", true},
        {"NOMAD_HTTP_AUTH", true},
        {"NOMAD_CACERT", true},
        {"NOMAD_CAPATH", true},
        {"NOMAD_CLIENT_CERT", true},
        {"NOMAD_CLIENT_KEY", true},
        {"NOMAD_TLS_SERVER_NAME", true},
        {"NOMAD_SKIP_VERIFY", true},
        {"NOMAD_UNIX_ADDR", false},
        {"NOMAD_CLI_NO_COLOR", false},
        {"NOMAD_CLI_FORCE_COLOR", false},
        {"NOMAD_CLI_SHOW_HINTS", false},
    };
    return all;
}

Result<NomadConfig> config_from_environment(const net::Environment& environment) {
    ROP_TRY(const auto is_trusting, net::yes_or_no(environment, "NOMAD_SKIP_VERIFY"));
    ROP_TRY(ports::TlsSettings tls, net::tls_from_environment(environment, "NOMAD_"));
    tls.verify = !is_trusting.value_or(false);

    NomadConfig config;
    if (const auto address = net::value_of(environment, "NOMAD_ADDR"); !address.empty()) {
        auto server = net::parse_server_url(address);
        if (server.has_error()) {
            return in_context("NOMAD_ADDR", server.error());
        }
        config.server = server.value();
    }
    if (config.server.scheme == net::ServerUrl::Scheme::https) {
        config.tls = std::move(tls);
    }
    config.token = net::value_of(environment, "NOMAD_TOKEN");
    config.basic_auth = net::value_of(environment, "NOMAD_HTTP_AUTH");
    if (const auto name = net::value_of(environment, "NOMAD_NAMESPACE"); !name.empty()) {
        config.nomad_namespace = name;
    }
    config.region = net::value_of(environment, "NOMAD_REGION");
    return config;
}

}  // namespace rop::nomad
