#include <string_view>

#include "operator/consul/consul_port.hpp"

// As api/api.go of Consul 1.22 reads its environment.
namespace rop::consul {
namespace {

/// An address without TLS, for a client that was told to use it: "Never revert to http if TLS was
/// explicitly requested". A unix socket stays one.
std::string with_tls(const std::string& address) {
    constexpr std::string_view plain = "http://";
    if (address.starts_with(plain)) {
        return "https://" + address.substr(plain.size());
    }
    return address.find("://") == std::string::npos ? "https://" + address : address;
}

Result<net::ServerUrl> parse_address(const std::string& address, bool is_secure) {
    ROP_TRY(net::ServerUrl server, net::parse_server_url(address));
    if (!is_secure || server.scheme != net::ServerUrl::Scheme::http) {
        return server;
    }
    return net::parse_server_url(with_tls(address));
}

}  // namespace

const std::vector<net::ApiVariable>& variables() {
    static const std::vector<net::ApiVariable> all{
        {"CONSUL_HTTP_ADDR", true},       {"CONSUL_HTTP_TOKEN", true},
        {"CONSUL_HTTP_TOKEN_FILE", true}, {"CONSUL_HTTP_AUTH", true},
        {"CONSUL_HTTP_SSL", true},        {"CONSUL_HTTP_SSL_VERIFY", true},
        {"CONSUL_CACERT", true},          {"CONSUL_CAPATH", true},
        {"CONSUL_CLIENT_CERT", true},     {"CONSUL_CLIENT_KEY", true},
        {"CONSUL_TLS_SERVER_NAME", true}, {"CONSUL_NAMESPACE", true},
        {"CONSUL_PARTITION", true},       {"CONSUL_GRPC_ADDR", false},
        {"CONSUL_GRPC_CACERT", false},    {"CONSUL_GRPC_CAPATH", false},
    };
    return all;
}

Result<ConsulConfig> config_from_environment(const net::Environment& environment) {
    ROP_TRY(const auto is_secure, net::yes_or_no(environment, "CONSUL_HTTP_SSL"));
    ROP_TRY(const auto is_verified, net::yes_or_no(environment, "CONSUL_HTTP_SSL_VERIFY"));
    ROP_TRY(ports::TlsSettings tls, net::tls_from_environment(environment, "CONSUL_"));
    tls.verify = is_verified.value_or(true);

    ConsulConfig config;
    std::string address = net::value_of(environment, "CONSUL_HTTP_ADDR");
    if (address.empty()) {
        address = to_string(config.server);
    }
    auto server = parse_address(address, is_secure.value_or(false));
    if (server.has_error()) {
        return in_context("CONSUL_HTTP_ADDR", server.error());
    }
    config.server = server.value();
    const bool over_socket = config.server.scheme == net::ServerUrl::Scheme::unix_socket;
    if (config.server.scheme == net::ServerUrl::Scheme::https ||
        (over_socket && is_secure.value_or(false))) {
        config.tls = std::move(tls);
    }
    config.token = net::value_of(environment, "CONSUL_HTTP_TOKEN");
    config.token_file = net::value_of(environment, "CONSUL_HTTP_TOKEN_FILE");
    config.basic_auth = net::value_of(environment, "CONSUL_HTTP_AUTH");
    config.consul_namespace = net::value_of(environment, "CONSUL_NAMESPACE");
    config.partition = net::value_of(environment, "CONSUL_PARTITION");
    return config;
}

}  // namespace rop::consul
