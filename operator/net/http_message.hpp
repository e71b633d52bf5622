#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rop::net {

struct HttpHeader {
    std::string name;
    std::string value;
};

struct HttpRequest {
    enum class Method { get, put, post, del };

    Method method = Method::get;
    std::string target;  // Path and query, percent-encoded; see Target.
    /// Beside Host, Content-Length and the like. Values may be secret: they are never shown.
    std::vector<HttpHeader> headers;
    std::string body;
    /// For everything together: a free connection, connecting, and the whole answer.
    std::chrono::milliseconds deadline{5'000};
};

struct HttpResponse {
    unsigned status = 0;
    std::vector<HttpHeader> headers;
    std::string body;

    /// The first header of that name, compared without case.
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const;
    /// Absent too when it is not a number.
    [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
};

/// "GET", "PUT", "POST", "DELETE".
[[nodiscard]] std::string_view to_string(HttpRequest::Method method);

/// "GET /v1/kv/a", without the query: how errors name a request.
[[nodiscard]] std::string describe(const HttpRequest& request);

}  // namespace rop::net
