#include "operator/net/url.hpp"

#include <charconv>
#include <optional>
#include <utility>

namespace rop::net {
namespace {

Error not_an_address(std::string_view text, std::string_view why) {
    return Error{ErrorKind::rejected,
                 "\"" + std::string(text) + "\" is not a server's address: " + std::string(why)};
}

/// Takes `prefix` from the front of `text` if it is there.
bool take(std::string_view& text, std::string_view prefix) {
    if (!text.starts_with(prefix)) {
        return false;
    }
    text.remove_prefix(prefix.size());
    return true;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failed != std::errc{} || end != text.data() + text.size() || port == 0) {
        return std::nullopt;
    }
    return port;
}

/// "host", "host:port", "[v6]", "[v6]:port"; no port: empty.
std::optional<std::pair<std::string_view, std::string_view>> split_authority(
    std::string_view text) {
    std::string_view host = text;
    std::string_view rest;
    if (text.starts_with('[')) {
        const auto closing = text.find(']');
        if (closing == std::string_view::npos) {
            return std::nullopt;
        }
        host = text.substr(1, closing - 1);
        rest = text.substr(closing + 1);
    } else if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        rest = text.substr(colon);
    }
    if (!rest.empty() && (!take(rest, ":") || rest.empty())) {
        return std::nullopt;
    }
    return std::pair{host, rest};
}

bool is_host(std::string_view text) {
    constexpr std::string_view allowed =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:%";
    return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

void append_encoded(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += digits[byte >> 4U];
    out += digits[byte & 15U];
}

}  // namespace

Result<ServerUrl> parse_server_url(std::string_view text) {
    std::string_view rest = text;
    if (text.find('@') != std::string_view::npos) {  // Not quoted: it may hold a password.
        return Error{ErrorKind::rejected, "a server's address must not hold a user or password"};
    }
    if (take(rest, "unix://")) {
        if (!rest.starts_with('/')) {
            return not_an_address(text, "the path of a socket must be absolute");
        }
        return ServerUrl{ServerUrl::Scheme::unix_socket, {}, 0, std::string(rest)};
    }

    ServerUrl server;
    bool needs_port = false;
    if (take(rest, "https://")) {
        server.scheme = ServerUrl::Scheme::https;
        server.port = 443;
    } else if (take(rest, "http://")) {
        server.port = 80;
    } else if (rest.find("://") != std::string_view::npos) {
        return not_an_address(text, "the scheme must be http, https or unix");
    } else {
        needs_port = true;
    }
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    if (rest.find_first_of("/?#") != std::string_view::npos) {
        return not_an_address(text, "it must not have a path");
    }
    const auto parts = split_authority(rest);
    if (!parts || !is_host(parts->first)) {
        return not_an_address(text, "want host:port");
    }
    server.host = parts->first;
    if (!parts->second.empty()) {
        const auto port = port_of(parts->second);
        if (!port) {
            return not_an_address(text, "the port must be 1 to 65535");
        }
        server.port = *port;
    } else if (needs_port) {
        return not_an_address(text, "the port is missing");
    }
    return server;
}

std::string to_string(const ServerUrl& server) {
    if (server.scheme == ServerUrl::Scheme::unix_socket) {
        return "unix://" + server.socket_path;
    }
    const bool is_v6 = server.host.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + server.host + "]" : server.host;
    const std::string scheme = server.scheme == ServerUrl::Scheme::https ? "https://" : "http://";
    return scheme + host + ":" + std::to_string(server.port);
}

std::string percent_encode(std::string_view text) {
    std::string encoded;
    for (const char c : text) {
        if (is_unreserved(c)) {
            encoded += c;
        } else {
            append_encoded(encoded, c);
        }
    }
    return encoded;
}

std::string percent_encode_path(std::string_view path) {
    std::string encoded;
    for (const char c : path) {
        if (c == '/' || is_unreserved(c)) {
            encoded += c;
        } else {
            append_encoded(encoded, c);
        }
    }
    return encoded;
}

Target& Target::with(std::string_view name) {
    text_ += has_query_ ? '&' : '?';
    has_query_ = true;
    text_ += name;
    return *this;
}

Target& Target::with(std::string_view name, std::string_view value) {
    with(name);
    text_ += '=';
    text_ += percent_encode(value);
    return *this;
}

Target& Target::with_optional(std::string_view name, std::string_view value) {
    if (!value.empty()) {
        with(name, value);
    }
    return *this;
}

}  // namespace rop::net
