#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operator/commands/outcome.hpp"
#include "operator/config/config.hpp"
#include "operator/consul/consul_port.hpp"
#include "operator/nomad/nomad_port.hpp"

namespace rop::commands {

using Environment = std::map<std::string, std::string>;

/// The process around a command.
struct Surroundings {
    Environment environment;
    bool out_is_terminal = false;
};

/// Does what `words` (without the program's name) ask for and returns what to print. Only `run`
/// prints by itself, as it logs.
[[nodiscard]] Outcome run_program(const std::vector<std::string>& words,
                                  const Surroundings& surroundings);

/// The operator itself: serves until SIGTERM or SIGINT, then gives the lock back. A second signal
/// ends it at once.
[[nodiscard]] Outcome run_operator(const config::Config& config, const Environment& environment);

/// What to do about an address, or something else about access, that cannot be right.
inline constexpr std::string_view correct_consul =
    "correct the CONSUL_* variable or flag that is named; docs/reference/configuration.md lists "
    "them";
inline constexpr std::string_view correct_nomad =
    "correct the NOMAD_* variable or flag that is named; docs/reference/configuration.md lists "
    "them";

/// Where Consul and Nomad are and with which tokens: the settings, and for the rest what their own
/// programs read from the environment.
[[nodiscard]] Result<consul::ConsulConfig> consul_config(const config::Config& config,
                                                         Environment environment);
/// nullopt: Nomad is not configured.
[[nodiscard]] Result<std::optional<nomad::NomadConfig>> nomad_config(const config::Config& config,
                                                                     Environment environment);

}  // namespace rop::commands
