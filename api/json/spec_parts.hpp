#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/json/object_reader.hpp"
#include "api/spec.hpp"

namespace rop::json {

/// Reads a spec that is part of a document, at `path`. Without a `key_name` the spec must name
/// itself. What is returned is a possible spec only if no problem was added.
[[nodiscard]] ClusterSpec read_spec(ProblemList& problems, const Node& node,
                                    const std::string& path,
                                    std::optional<std::string_view> key_name);

/// Problems that any object of a document can have: doubled fields, control characters in texts.
void check_everywhere(ProblemList& problems, const Node& node, const std::string& path,
                      Secrecy secrecy);

// The parts of a spec. Each is called with the reader of the whole and does nothing when its
// field is absent.
void read_nomad(ObjectReader& whole, ClusterSpec& spec);
void read_placement(ObjectReader& whole, ClusterSpec& spec);
void read_auth(ObjectReader& whole, ClusterSpec& spec);
void read_tls(ObjectReader& whole, ClusterSpec& spec);
void read_settings(ObjectReader& whole, ClusterSpec& spec);
void read_failover(ObjectReader& whole, ClusterSpec& spec);
void read_balance(ObjectReader& whole, ClusterSpec& spec);
void read_backup(ObjectReader& whole, ClusterSpec& spec);
void read_allow(ObjectReader& whole, ClusterSpec& spec);

}  // namespace rop::json
