#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/time.hpp"
#include "operator/net/http_codec.hpp"
#include "operator/net/stream.hpp"
#include "operator/net/url.hpp"
#include "operator/ports/time.hpp"

namespace rop::net {

/// How one exchange ended.
struct HttpExchange {
    enum class Ending {
        answered,
        cut,     // The connection ended before the answer was whole.
        failed,  // See `error`.
    };

    Ending ending = Ending::failed;
    bool received = false;  // At least one byte of the answer.
    std::optional<HttpResponse> response;
    Error error{ErrorKind::unavailable, "not sent"};
};

/// One connection to one server: HTTP over a stream. It must outlive its coroutines.
class HttpConnection {
  public:
    explicit HttpConnection(ports::TimePort& time) : time_(time) {}

    /// `tls`: null for none.
    [[nodiscard]] boost::asio::awaitable<Result<>> connect(ServerUrl server,
                                                           std::shared_ptr<TlsFiles> tls,
                                                           Moment until);
    /// `text` is a whole request. Afterwards is_open() tells whether another one may follow.
    [[nodiscard]] boost::asio::awaitable<HttpExchange> exchange(std::string text, HttpLimits limits,
                                                                Moment until);

    [[nodiscard]] bool is_open() const { return stream_ != nullptr; }
    /// The server has closed its side, or talks without being asked.
    [[nodiscard]] bool has_gone_stale() { return !stream_->is_quiet(); }

    Moment idle_since{};

  private:
    HttpExchange ended(ResponseReader& reader, const Transfer& transfer);

    ports::TimePort& time_;
    std::unique_ptr<Stream> stream_;
    std::array<char, 16U * 1024> buffer_{};
};

}  // namespace rop::net
