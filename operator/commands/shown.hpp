#pragma once

#include <string>
#include <string_view>

#include "api/ids.hpp"
#include "api/status.hpp"
#include "api/time.hpp"
#include "operator/commands/outcome.hpp"
#include "operator/commands/store.hpp"

namespace rop::commands {

/// Of an error of the Store, all of which have a next step of their own.
inline constexpr std::string_view look_at_consul = "look at Consul's log, and try again";

/// "nobody leads; the newest word of a leader is 12m old", and what to do about it. `newest`: when
/// a leader last wrote a status; the epoch: never.
struct NobodyLeads {
    std::string what;
    std::string next;
};
[[nodiscard]] NobodyLeads nobody_leads(const LeaderSeen& seen, Timestamp newest, Timestamp now);

/// The published status, or what can be said before there is one.
[[nodiscard]] ClusterStatus shown_status(const Stored& stored);

/// Since when the cluster is formed, or waits to be; the epoch when nobody said yet.
[[nodiscard]] Timestamp formed_since(const ClusterStatus& status);

/// What to do when a look did not succeed.
[[nodiscard]] std::string no_plan_next(const ClusterName& name);

/// For a name without a spec. Exit 1.
[[nodiscard]] Outcome not_declared(const Stored& stored);

}  // namespace rop::commands
