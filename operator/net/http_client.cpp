#include "operator/net/http_client.hpp"

#include <list>
#include <string>
#include <utility>
#include <vector>

#include "operator/net/http_connection.hpp"
#include "operator/net/tls.hpp"
#include "operator/runtime/within.hpp"

namespace rop::net {

namespace asio = boost::asio;

namespace {

std::string host_header(const ServerUrl& server) {
    if (server.scheme == ServerUrl::Scheme::unix_socket) {
        return "localhost";
    }
    const bool is_v6 = server.host.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + server.host + "]" : server.host;
    return host + ":" + std::to_string(server.port);
}

/// Null: no TLS.
std::shared_ptr<TlsFiles> tls_files(const ServerUrl& server, const HttpClientOptions& options) {
    const bool is_secure =
        server.scheme == ServerUrl::Scheme::https ||
        (server.scheme == ServerUrl::Scheme::unix_socket && options.tls.has_value());
    if (!is_secure) {
        return nullptr;
    }
    const ports::TlsSettings settings = options.tls.value_or(ports::TlsSettings{});
    return std::make_shared<TlsFiles>(TlsFiles::Side::client, settings);
}

}  // namespace

/// The connections, and who waits for one. Shared with the coroutines that use it, so that one
/// which is thrown away late finds it in place.
class HttpClient::Pool : public std::enable_shared_from_this<Pool> {
  public:
    Pool(ports::TimePort& time, ServerUrl server, const HttpClientOptions& options)
        : time_(time),
          server_(std::move(server)),
          tls_(tls_files(server_, options)),
          host_(host_header(server_)),
          options_(options) {}

    // `self` keeps the pool alive while the coroutine runs.
    asio::awaitable<Result<HttpResponse>> send(std::shared_ptr<Pool> self, HttpRequest request);
    asio::awaitable<Result<std::optional<HttpResponse>>> poll(std::shared_ptr<Pool> self,
                                                              HttpRequest request);

    [[nodiscard]] bool may_poll() const { return polls_ < options_.polls; }

  private:
    /// One of the allowed connections, given back however the request ends.
    class Seat {
      public:
        Seat(std::shared_ptr<Pool> pool, std::unique_ptr<HttpConnection> taken)
            : connection(std::move(taken)), pool_(std::move(pool)) {}
        Seat(Seat&&) noexcept = default;
        Seat& operator=(Seat&&) = delete;
        ~Seat() {
            if (pool_) {
                pool_->give_back(std::move(connection), is_at_rest);
            }
        }

        std::unique_ptr<HttpConnection> connection;
        bool is_at_rest = true;  // false: an exchange is half done; of no use to anyone else.

      private:
        std::shared_ptr<Pool> pool_;
    };

    /// A place in the queue for a connection.
    class Place {
      public:
        explicit Place(Pool& pool) : pool_(pool), timer_(pool.time_.make_timer()) {
            pool_.queue_.push_back(timer_.get());
        }
        Place(const Place&) = delete;
        Place& operator=(const Place&) = delete;
        ~Place() {
            pool_.queue_.remove(timer_.get());
            pool_.wake_next();
        }

        [[nodiscard]] bool is_first() const { return pool_.queue_.front() == timer_.get(); }
        [[nodiscard]] ports::Timer& timer() const { return *timer_; }

      private:
        Pool& pool_;
        std::unique_ptr<ports::Timer> timer_;
    };

    class PollCount {
      public:
        explicit PollCount(Pool& pool) : pool_(pool) { ++pool_.polls_; }
        PollCount(const PollCount&) = delete;
        PollCount& operator=(const PollCount&) = delete;
        ~PollCount() { --pool_.polls_; }

      private:
        Pool& pool_;
    };

    asio::awaitable<Seat> take_seat();
    std::unique_ptr<HttpConnection> idle_connection();
    void give_back(std::unique_ptr<HttpConnection> connection, bool is_at_rest);
    void wake_next();

    ports::TimePort& time_;
    ServerUrl server_;
    std::shared_ptr<TlsFiles> tls_;
    std::string host_;
    HttpClientOptions options_;
    std::vector<std::unique_ptr<HttpConnection>> idle_;  // Longest idle first.
    std::list<ports::Timer*> queue_;
    std::size_t occupied_ = 0;
    std::size_t polls_ = 0;
};

asio::awaitable<HttpClient::Pool::Seat> HttpClient::Pool::take_seat() {
    if (occupied_ >= options_.connections || !queue_.empty()) {
        const Place place(*this);
        while (occupied_ >= options_.connections || !place.is_first()) {
            const Moment later = time_.now() + std::chrono::minutes(1);
            co_await place.timer().wait_until(later);
        }
        ++occupied_;
    } else {
        ++occupied_;
    }
    co_return Seat(shared_from_this(), idle_connection());
}

std::unique_ptr<HttpConnection> HttpClient::Pool::idle_connection() {
    while (!idle_.empty()) {
        std::unique_ptr<HttpConnection> connection = std::move(idle_.back());
        idle_.pop_back();
        if (time_.now() - connection->idle_since <= options_.idle &&
            !connection->has_gone_stale()) {
            return connection;
        }
    }
    return std::make_unique<HttpConnection>(time_);
}

void HttpClient::Pool::give_back(std::unique_ptr<HttpConnection> connection, bool is_at_rest) {
    --occupied_;
    const Moment now = time_.now();
    std::erase_if(idle_, [&](const auto& old) { return now - old->idle_since > options_.idle; });
    if (is_at_rest && connection->is_open()) {
        connection->idle_since = now;
        idle_.push_back(std::move(connection));
    }
    wake_next();
}

void HttpClient::Pool::wake_next() {
    if (!queue_.empty() && occupied_ < options_.connections) {
        queue_.front()->wake();
    }
}

asio::awaitable<Result<HttpResponse>> HttpClient::Pool::send(std::shared_ptr<Pool> /*self*/,
                                                             HttpRequest request) {
    ROP_CO_TRY(const std::string text, write_request(request, host_));
    const Moment until = time_.now() + request.deadline;
    bool may_repeat = request.method == HttpRequest::Method::get;
    for (;;) {
        Seat seat = co_await take_seat();
        const bool was_kept = seat.connection->is_open();
        seat.is_at_rest = false;
        if (!was_kept) {
            ROP_CO_TRY(co_await seat.connection->connect(server_, tls_, until));
        }
        HttpExchange exchange = co_await seat.connection->exchange(text, options_.limits, until);
        if (exchange.ending == HttpExchange::Ending::answered) {
            seat.is_at_rest = true;
            co_return std::move(*exchange.response);
        }
        // The server closed its end while the connection was idle, or just then.
        const bool never_arrived =
            exchange.ending == HttpExchange::Ending::cut && was_kept && !exchange.received;
        if (!never_arrived || !may_repeat) {
            co_return std::move(exchange.error);
        }
        may_repeat = false;
    }
}

asio::awaitable<Result<std::optional<HttpResponse>>> HttpClient::Pool::poll(
    std::shared_ptr<Pool> /*self*/, HttpRequest request) {
    ROP_CO_TRY(std::string text, write_request(request, host_));
    const Moment until = time_.now() + request.deadline;
    const PollCount count(*this);
    Seat seat = co_await take_seat();
    const bool was_kept = seat.connection->is_open();
    seat.is_at_rest = false;
    if (!was_kept) {
        ROP_CO_TRY(co_await seat.connection->connect(server_, tls_, until));
    }
    HttpExchange exchange =
        co_await seat.connection->exchange(std::move(text), options_.limits, until);
    if (exchange.ending == HttpExchange::Ending::failed) {
        co_return std::move(exchange.error);
    }
    seat.is_at_rest = exchange.ending == HttpExchange::Ending::answered;
    co_return std::move(exchange.response);
}

HttpClient::HttpClient(ports::TimePort& time, ServerUrl server, HttpClientOptions options)
    : time_(time), pool_(std::make_shared<Pool>(time, std::move(server), options)) {}

HttpClient::~HttpClient() = default;

asio::awaitable<Result<HttpResponse>> HttpClient::send(HttpRequest request) {
    const std::string what = describe(request);
    const std::shared_ptr<Pool> pool = pool_;
    const auto limit = request.deadline;
    auto work = pool->send(pool, std::move(request));
    auto answer = co_await runtime::within(&time_, limit, std::move(work));
    if (answer.has_error()) {
        co_return in_context(what, std::move(answer).error());
    }
    co_return answer;
}

asio::awaitable<Result<std::optional<HttpResponse>>> HttpClient::poll(HttpRequest request) {
    const std::string what = describe(request);
    const std::shared_ptr<Pool> pool = pool_;
    const auto limit = request.deadline;
    auto work = pool->poll(pool, std::move(request));
    auto answer = co_await runtime::within(&time_, limit, std::move(work));
    if (answer.has_error()) {
        co_return in_context(what, std::move(answer).error());
    }
    co_return answer;
}

bool HttpClient::may_poll() const {
    return pool_->may_poll();
}

}  // namespace rop::net
