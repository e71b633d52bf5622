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
#include "operator/ports/nomad.hpp"
#include "operator/ports/random.hpp"
#include "operator/ports/time.hpp"

namespace rop::nomad {

/// How to reach a Nomad agent.
struct NomadConfig {
    net::ServerUrl server{net::ServerUrl::Scheme::http, "127.0.0.1", 4646, {}};
    std::string token;       // Empty: anonymous. Never logged, never part of an error.
    std::string token_file;  // Wins over `token`; read at first use and again after a 403.
    std::string basic_auth;  // "name:password" for a proxy. Never logged, as the token.
    /// For calls that name no namespace. Inside a task Nomad sets NOMAD_NAMESPACE to the
    /// operator's own, so what a spec says wins over it.
    std::string nomad_namespace = "default";
    std::string region;                     // Empty: the agent's own.
    std::optional<ports::TlsSettings> tls;  // For https.
    /// For one request that does not block, connecting included.
    std::chrono::milliseconds deadline{5'000};
};

/// Reads the variables that Nomad's own programs read, as they do; pure. What cannot be meant is
/// `rejected`, by the variable's name.
[[nodiscard]] Result<NomadConfig> config_from_environment(const net::Environment& environment);

/// Every variable that the programs of Nomad know.
[[nodiscard]] const std::vector<net::ApiVariable>& variables();

/// Nomad's HTTP API over a few kept connections. Both ports must outlive it, and nobody may wait
/// for one of its answers when it is destroyed.
[[nodiscard]] std::unique_ptr<ports::NomadPort> make_nomad_port(ports::TimePort& time,
                                                                ports::RandomPort& random,
                                                                NomadConfig config);

}  // namespace rop::nomad
