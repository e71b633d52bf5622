#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.hpp"
#include "api/snapshot.hpp"
#include "api/time.hpp"
#include "operator/ports/nomad.hpp"

// What Nomad's answers mean. Pure; nothing here throws. Nomad leaves out or nulls almost any
// field at times: then it is empty. Anything else unexpected is `malformed`, named by its path.
namespace rop::nomad {

/// The list of /v1/job/<id>/allocations. Times are those of the task that runs Redis: the only
/// task, or of several the one called redis or valkey. Where there is none such, the times are
/// left empty rather than taken from a task beside it, whose end is not Redis' end.
[[nodiscard]] Result<std::vector<ports::Allocation>> parse_allocations(std::string_view text);

/// The list of /v1/nodes, without meta.
[[nodiscard]] Result<std::vector<ports::NomadNode>> parse_nodes(std::string_view text);

/// The object of /v1/node/<id>.
[[nodiscard]] Result<ports::NomadNode> parse_node(std::string_view text);

/// The object of /v1/job/<id>, as far as it tells about the group; deployments are told
/// elsewhere. Rejected: no such group, or a kind of job that must not be scaled.
[[nodiscard]] Result<GroupFacts> parse_group(std::string_view text, std::string_view group);

/// The object of /v1/job/<id>/deployment, or null: whether it is still under way.
[[nodiscard]] Result<bool> parse_deployment_active(std::string_view text);

/// The object of /v1/var/<path>: its items.
[[nodiscard]] Result<ports::VariableItems> parse_variable(std::string_view text);

/// "2026-11-21T09:15:10.265321725Z", "...+01:00"; to the millisecond below. Nothing when it is
/// none; the year 1 is Go's "never" and gives 0.
[[nodiscard]] std::optional<Timestamp> parse_time(std::string_view text);

}  // namespace rop::nomad
