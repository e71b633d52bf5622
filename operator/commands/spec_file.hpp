#pragma once

#include <string>
#include <vector>

#include "api/json/spec_json.hpp"
#include "api/spec.hpp"
#include "operator/commands/commands.hpp"

namespace rop::commands {

/// Reads it under its name: --name, else the name inside, else the file's stem. A name that is
/// none is a problem of `$.name` among all others.
[[nodiscard]] json::SpecParse read_spec_file(const SpecFile& file);

/// "cache.json is not valid:" and all problems, on standard error (JSON: on standard output).
/// Exit 2.
[[nodiscard]] Outcome refused(const SpecFile& file, const std::vector<Problem>& problems,
                              Format format);

/// What the spec declares and this version accepts without doing it, a sentence each: nobody must
/// believe in a limit that is not set.
[[nodiscard]] std::vector<std::string> not_served_yet(const ClusterSpec& spec);
/// The same as lines: "note: ...\n".
[[nodiscard]] std::string notes(const ClusterSpec& spec);

/// "3 primaries with 1 replica each, service redis-cache, Nomad redis-cache/redis"
[[nodiscard]] std::string summary(const ClusterSpec& spec);

}  // namespace rop::commands
