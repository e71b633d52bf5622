#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace rop {

/// Where something listens. An address is a fact about an instance, never its identity.
struct Endpoint {
    std::string host;  // IP literal (IPv6 without brackets).
    std::uint16_t port = 0;

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// "127.0.0.1:6379", "[::1]:6379".
[[nodiscard]] std::string to_string(const Endpoint& endpoint);

}  // namespace rop
