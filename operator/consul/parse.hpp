#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.hpp"
#include "operator/ports/consul.hpp"

// What Consul's answers mean. Pure; nothing here throws. What is null or absent where Consul
// leaves things out is empty; anything else unexpected is `malformed` and named by its path.
namespace rop::consul {

/// The list of /v1/kv.
[[nodiscard]] Result<std::vector<ports::KvEntry>> parse_kv(std::string_view text);

/// The list of /v1/health/service, in any health.
[[nodiscard]] Result<std::vector<ports::ServiceEntry>> parse_health(std::string_view text);

/// The answer to a transaction that was applied. It repeats keys that were merely checked;
/// `operations` tells which were written.
[[nodiscard]] Result<ports::TxnAnswer> parse_txn_applied(
    std::string_view text, const std::vector<ports::TxnOp>& operations);

/// The answer to one that was rolled back: "operation 1 (cas redis-operator/epoch): failed ...".
[[nodiscard]] Result<ports::TxnAnswer> parse_txn_refused(
    std::string_view text, const std::vector<ports::TxnOp>& operations);

/// The id in the answer of /v1/session/create.
[[nodiscard]] Result<std::string> parse_session_id(std::string_view text);

/// The list of /v1/agent/health/service/name.
[[nodiscard]] Result<std::vector<ports::AgentService>> parse_agent_services(std::string_view text);

/// The node's name in the answer of /v1/agent/self.
[[nodiscard]] Result<std::string> parse_agent_node(std::string_view text);

/// The first right which /v1/internal/acl/authorize says we lack, as a policy would give it:
/// "key_prefix "redis-operator/" = "read"", "service "redis-cache" = "read"".
[[nodiscard]] Result<std::optional<std::string>> parse_missing_right(std::string_view text);

/// "passing", "warning" or "critical": what Consul calls a check in maintenance, or anything that
/// it may call new states, is critical.
[[nodiscard]] std::string worst_status(std::string_view left, std::string_view right);

}  // namespace rop::consul
