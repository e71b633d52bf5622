#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "api/base/result.hpp"
#include "operator/net/http_message.hpp"

namespace rop::net {

struct HttpLimits {
    std::size_t header_bytes = 64U * 1024;
    std::size_t body_bytes = 32U * 1024 * 1024;
};

/// The request as it goes over the wire, kept alive afterwards. `host` is what the Host header
/// says. Rejected: a target or a header that would break the framing.
[[nodiscard]] Result<std::string> write_request(const HttpRequest& request, std::string_view host);

/// Puts one answer together from what arrives. Does no I/O; Beast is behind it.
class ResponseReader {
  public:
    explicit ResponseReader(HttpLimits limits);
    ~ResponseReader();
    ResponseReader(ResponseReader&&) noexcept;
    ResponseReader& operator=(ResponseReader&&) noexcept;

    enum class State { incomplete, complete };

    /// Malformed: not HTTP, or over a limit. Not to be called after `complete` or an error.
    [[nodiscard]] Result<State> put(std::string_view bytes);
    /// The peer closed the connection: complete if the answer was to last until then.
    [[nodiscard]] State put_end();

    /// At least one byte has arrived.
    [[nodiscard]] bool has_begun() const;
    /// Only once complete: the server keeps the connection, and sent nothing beyond the answer.
    [[nodiscard]] bool may_reuse() const;
    /// Only once complete.
    [[nodiscard]] HttpResponse take();

  private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace rop::net
