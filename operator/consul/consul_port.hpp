#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "api/base/result.hpp"
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
    std::string consul_namespace;  // Consul Enterprise only; empty: the token's own.
    std::string datacenter;        // Empty: the agent's own.
    /// For one request that does not block, connecting included.
    std::chrono::milliseconds deadline{5'000};
};

/// Reads CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, CONSUL_HTTP_TOKEN_FILE and CONSUL_NAMESPACE as
/// Consul's own programs do; pure. What is asked for there and not served yet (TLS, unix sockets,
/// basic authentication, partitions) is `rejected`, by the variable's name, rather than ignored.
[[nodiscard]] Result<ConsulConfig> config_from_environment(
    const std::map<std::string, std::string>& environment);

/// Consul's HTTP API over a few kept connections. Both ports must outlive it, and nobody may wait
/// for one of its answers when it is destroyed.
[[nodiscard]] std::unique_ptr<ports::ConsulPort> make_consul_port(ports::TimePort& time,
                                                                  ports::RandomPort& random,
                                                                  ConsulConfig config);

}  // namespace rop::consul
