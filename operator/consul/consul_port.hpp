#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/base/result.hpp"
#include "operator/net/api_settings.hpp"
#include "operator/net/url.hpp"
#include "operator/ports/consul.hpp"
#include "operator/ports/random.hpp"
#include "operator/ports/time.hpp"

namespace rop::consul {

/// How to reach the Consul agent of this host.
struct ConsulConfig {
    net::ServerUrl server{net::ServerUrl::Scheme::http, "127.0.0.1", 8500, {}};
    std::string token;             // Empty: anonymous. Never logged, never part of an error.
    std::string token_file;        // Wins over `token`; read at first use and again after a 403.
    std::string basic_auth;        // "name:password" for a proxy. Never logged, as the token.
    std::string consul_namespace;  // Consul Enterprise only; empty: the token's own.
    std::string partition;         // Consul Enterprise only; empty: the agent's own.
    /// For https; present with a unix socket: TLS over it.
    std::optional<ports::TlsSettings> tls;
    std::string datacenter;  // Empty: the agent's own.
    /// For one request that does not block, connecting included.
    std::chrono::milliseconds deadline{5'000};
};

/// Reads the variables that Consul's own programs read, as they do; pure. What cannot be meant is
/// `rejected`, by the variable's name.
[[nodiscard]] Result<ConsulConfig> config_from_environment(const net::Environment& environment);

/// Every variable that the programs of Consul know.
[[nodiscard]] const std::vector<net::ApiVariable>& variables();

/// Consul's HTTP API over a few kept connections. Both ports must outlive it, and nobody may wait
/// for one of its answers when it is destroyed.
[[nodiscard]] std::unique_ptr<ports::ConsulPort> make_consul_port(ports::TimePort& time,
                                                                  ports::RandomPort& random,
                                                                  ConsulConfig config);

}  // namespace rop::consul
