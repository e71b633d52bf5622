#pragma once

#include <string_view>

#include "api/status.hpp"
#include "operator/commands/outcome.hpp"
#include "operator/commands/store.hpp"

namespace rop::commands {

inline constexpr std::string_view no_leader_note =
    "note: nobody leads: what is shown is what the last leader saw\n"
    "next: start an operator with redis-operator run\n";

/// The published status, or what can be said before there is one.
[[nodiscard]] ClusterStatus shown_status(const Stored& stored);

/// Since when the cluster is formed, or waits to be; the epoch when nobody said yet.
[[nodiscard]] Timestamp formed_since(const ClusterStatus& status);

/// For a name without a spec. Exit 1.
[[nodiscard]] Outcome not_declared(const Stored& stored);

}  // namespace rop::commands
