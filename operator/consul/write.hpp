#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/ports/consul.hpp"

// The JSON which Consul wants to hear. Pure.
namespace rop::consul {

/// One thing that a token may be allowed to do.
struct Right {
    std::string resource;  // key, service, node, ...
    std::string access;    // read, list, write
    std::string segment;
};

[[nodiscard]] std::string write_txn(const std::vector<ports::TxnOp>& operations);
[[nodiscard]] std::string write_session(const ports::SessionRequest& request);
/// Born passing: it is we who register it, and a session cannot be bound to a critical check.
[[nodiscard]] std::string write_service(const ports::TtlService& service);
[[nodiscard]] std::string write_rights(const std::vector<Right>& rights);

/// "cas", "check-session", ...
[[nodiscard]] std::string verb_of(const ports::TxnOp& operation);
[[nodiscard]] std::string key_of(const ports::TxnOp& operation);

}  // namespace rop::consul
