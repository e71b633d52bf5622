#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "api/base/result.hpp"
#include "operator/net/url.hpp"
#include "operator/ports/nomad.hpp"
#include "operator/ports/random.hpp"
#include "operator/ports/time.hpp"

namespace rop::nomad {

/// How to reach a Nomad agent.
struct NomadConfig {
    net::ServerUrl server{net::ServerUrl::Scheme::http, "127.0.0.1", 4646, {}};
    std::string token;       // Empty: anonymous. Never logged, never part of an error.
    std::string token_file;  // Wins over `token`; read at first use and again after a 403.
    /// For calls that name no namespace. Inside a task Nomad sets NOMAD_NAMESPACE to the
    /// operator's own, so what a spec says wins over it.
    std::string nomad_namespace = "default";
    std::string region;  // Empty: the agent's own.
    /// For one request that does not block, connecting included.
    std::chrono::milliseconds deadline{5'000};
};

/// Reads NOMAD_ADDR, NOMAD_TOKEN, NOMAD_NAMESPACE and NOMAD_REGION as Nomad's own programs do;
/// pure. What is asked for there and not served yet (TLS, unix sockets, basic authentication) is
/// `rejected`, by the variable's name, rather than ignored.
[[nodiscard]] Result<NomadConfig> config_from_environment(
    const std::map<std::string, std::string>& environment);

/// Nomad's HTTP API over a few kept connections. Both ports must outlive it, and nobody may wait
/// for one of its answers when it is destroyed.
[[nodiscard]] std::unique_ptr<ports::NomadPort> make_nomad_port(ports::TimePort& time,
                                                                ports::RandomPort& random,
                                                                NomadConfig config);

}  // namespace rop::nomad
