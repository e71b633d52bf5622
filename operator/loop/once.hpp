#pragma once

#include <optional>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/plan.hpp"
#include "api/snapshot.hpp"
#include "api/status.hpp"
#include "operator/loop/core.hpp"
#include "operator/loop/ports.hpp"

namespace rop::loop {

/// What one look at a cluster shows, and what a leader would do about it.
struct OnceView {
    SnapshotPtr snapshot;
    Plan plan;
    ClusterStatus status;
};

/// Looks once, reads only, needs no leader: for `plan` and `apply --dry-run`. `instead` takes the
/// place of the spec in Consul KV. Rejected when there is neither.
boost::asio::awaitable<Result<OnceView>> look_once(Ports ports, CoreOptions options,
                                                   ClusterName name,
                                                   std::optional<ClusterSpec> instead);

}  // namespace rop::loop
