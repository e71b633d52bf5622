#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "operator/net/url.hpp"
#include "operator/ports/random.hpp"
#include "operator/ports/time.hpp"

namespace rop::testing {

/// What the server does with one request.
struct Reaction {
    enum class Then { keep, close, reset, never_answer };

    std::string bytes;
    Then then = Then::keep;
};

/// "HTTP/1.1 200 OK" with a length, keep-alive.
[[nodiscard]] Reaction answer(unsigned status, std::string body, std::string headers = "");

struct SeenRequest {
    std::string head;  // Request line and headers.
    std::string body;
    int connection = 0;  // 1, 2, ... in the order of accepting.

    [[nodiscard]] std::string line() const { return head.substr(0, head.find("\r\n")); }
};

/// Serves on a free loopback port what it is told, one reaction per request, in order. Requests
/// beyond the script are never answered.
class ScriptedServer {
  public:
    explicit ScriptedServer(boost::asio::io_context& io);

    void will(Reaction reaction) { script_.push_back(std::move(reaction)); }
    /// Closes all connections on which nothing is under way, as servers do after a while.
    void close_idle();
    /// Closes everything; connecting is refused from now on.
    void stop();

    [[nodiscard]] net::ServerUrl url() const;
    [[nodiscard]] const std::vector<SeenRequest>& requests() const { return requests_; }
    [[nodiscard]] int connections() const { return connections_; }
    [[nodiscard]] int most_at_once() const { return most_at_once_; }

  private:
    using Socket = std::shared_ptr<boost::asio::ip::tcp::socket>;
    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(Socket socket, int number);

    boost::asio::io_context& io_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::deque<Reaction> script_;
    std::vector<SeenRequest> requests_;
    std::vector<Socket> idle_;
    std::vector<Socket> all_;
    int connections_ = 0;
    int open_ = 0;
    int most_at_once_ = 0;
};

/// An event loop, real time, and a server to talk to.
class ServedTest {
  public:
    ServedTest();
    ~ServedTest();

    /// Runs until `work` has ended; fails the test when that takes longer than 20 s.
    template <class T>
    T run(boost::asio::awaitable<T> work) {
        std::optional<T> outcome;
        auto keep_outcome = [&]() -> boost::asio::awaitable<void> {
            outcome.emplace(co_await std::move(work));
        };
        boost::asio::co_spawn(io, keep_outcome(), [](std::exception_ptr failure) {
            if (failure) {
                std::rethrow_exception(failure);
            }
        });
        run_until([&] { return outcome.has_value(); });
        return std::move(outcome).value();
    }

    template <class Condition>
    void run_until(Condition condition) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!condition() && std::chrono::steady_clock::now() < give_up) {
            io.restart();
            io.run_one_for(std::chrono::milliseconds(50));
        }
    }

    boost::asio::io_context io{1};
    std::unique_ptr<ports::TimePort> time;
    std::unique_ptr<ports::RandomPort> random;
    ScriptedServer server;
};

}  // namespace rop::testing
