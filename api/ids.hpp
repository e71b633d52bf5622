#pragma once

#include <cstdint>
#include <string>

#include "api/base/strong.hpp"

namespace rop {

/// The name of a declared cluster: `[a-z0-9][a-z0-9-]{0,62}`; also its key in Consul KV.
using ClusterName = Strong<struct ClusterNameTag, std::string>;

/// One Redis process: Nomad's allocation id, or without Nomad "<Consul node>/<service id>".
using InstanceId = Strong<struct InstanceIdTag, std::string>;

/// 40 hex digits, chosen by Redis. A fact about an instance, not its identity: it can change.
using NodeId = Strong<struct NodeIdTag, std::string>;

/// A Nomad client machine (its node id), or without Nomad the Consul node's name.
using HostId = Strong<struct HostIdTag, std::string>;

/// Counts leaders of one installation: +1 with every acquisition of the lock, never reused.
using Epoch = Strong<struct EpochTag, std::uint64_t>;

/// Names one set of operators that share one Consul prefix; chosen at random by its first leader.
using InstallationId = Strong<struct InstallationIdTag, std::string>;

/// Numbers the snapshots of one cluster within one operator process, from 1.
using Revision = Strong<struct RevisionTag, std::uint64_t>;

}  // namespace rop
