#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "api/base/result.hpp"
#include "api/time.hpp"
#include "operator/net/http_codec.hpp"
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

/// One connection to one server, and the only place that touches its socket. It must outlive its
/// coroutines.
class HttpConnection {
  public:
    explicit HttpConnection(ports::TimePort& time)
        : time_(time), executor_(time.executor()), socket_(executor_) {}

    [[nodiscard]] boost::asio::awaitable<Result<>> connect(ServerUrl server);
    /// `text` is a whole request. Afterwards is_open() tells whether another one may follow.
    [[nodiscard]] boost::asio::awaitable<HttpExchange> exchange(std::string text,
                                                                HttpLimits limits);

    [[nodiscard]] bool is_open() const { return socket_.is_open(); }
    /// The server has closed its side, or talks without being asked.
    [[nodiscard]] bool has_gone_stale();
    void close();

    Moment idle_since{};

  private:
    boost::asio::awaitable<Result<>> connect_any(std::vector<boost::asio::ip::tcp::endpoint> to);
    HttpExchange ended(ResponseReader& reader, boost::system::error_code code);

    ports::TimePort& time_;
    boost::asio::any_io_executor executor_;
    boost::asio::ip::tcp::socket socket_;
    std::array<char, 16U * 1024> buffer_{};
};

}  // namespace rop::net
