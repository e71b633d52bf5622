#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "api/base/result.hpp"

namespace rop::net {

/// Where an HTTP API is served.
struct ServerUrl {
    enum class Scheme { http, https, unix_socket };

    Scheme scheme = Scheme::http;
    std::string host;  // A name or an IP literal, IPv6 without brackets. Empty for a socket.
    std::uint16_t port = 0;
    std::string socket_path;  // Of unix_socket only.

    friend bool operator==(const ServerUrl&, const ServerUrl&) = default;
};

/// "127.0.0.1:8500", "http://[::1]:8500/", "https://consul", "unix:///run/consul.sock". Without a
/// port a scheme's own is taken (80, 443); without a scheme there must be a port. A user, a path
/// or a query in the address are refused.
[[nodiscard]] Result<ServerUrl> parse_server_url(std::string_view text);

/// "http://127.0.0.1:8500", "unix:///run/consul.sock".
[[nodiscard]] std::string to_string(const ServerUrl& server);

/// Everything but letters, digits and "-_.~" as %XX, also '/': one segment of a path, or one name
/// or value of a query.
[[nodiscard]] std::string percent_encode(std::string_view text);

/// A key with slashes: segment by segment, the slashes kept.
[[nodiscard]] std::string percent_encode_path(std::string_view path);

/// A path with a query, built in order: Target("/v1/kv/a").with("wait", "25s").with("recurse").
class Target {
  public:
    explicit Target(std::string path) : text_(std::move(path)) {}

    Target& with(std::string_view name);
    Target& with(std::string_view name, std::string_view value);
    /// Nothing when the value is empty.
    Target& with_optional(std::string_view name, std::string_view value);
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
    bool has_query_ = false;
};

}  // namespace rop::net
