#pragma once

#include <string>
#include <vector>

#include "api/base/result.hpp"
#include "api/spec.hpp"
#include "operator/commands/commands.hpp"

namespace rop::commands {

/// --name, else the name inside, else the file's stem; an error names the rule.
[[nodiscard]] Result<ClusterName> name_of(const SpecFile& file);

/// "cache.json is not valid:" and all problems, on standard error (JSON: on standard output).
/// Exit 2.
[[nodiscard]] Outcome refused(const SpecFile& file, const std::vector<Problem>& problems,
                              Format format);

/// "3 primaries with 1 replica each, service redis-cache, Nomad redis-cache/redis"
[[nodiscard]] std::string summary(const ClusterSpec& spec);

}  // namespace rop::commands
