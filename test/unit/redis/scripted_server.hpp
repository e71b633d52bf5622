#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "api/endpoint.hpp"
#include "operator/ports/redis.hpp"

namespace rop::redis::testing {

/// A server on loopback that speaks RESP as the test wants it. Runs in the test's event loop.
class ScriptedServer {
  public:
    /// What it does about one command.
    struct Act {
        std::string bytes = "+OK\r\n";
        bool closes = false;  // After the bytes.
    };
    using Script = std::function<Act(const ports::Words&)>;

    /// One connection that it accepted.
    struct Client {
        explicit Client(boost::asio::ip::tcp::socket accepted) : socket(std::move(accepted)) {}

        boost::asio::ip::tcp::socket socket;
        std::string unread;
        std::size_t bytes = 0;  // Received.
        std::vector<ports::Words> commands;
        std::vector<std::size_t> reads;  // How many commands were known after each read.
        bool has_ended = false;          // The client closed it, or the script did.
    };

    /// Port 0: any free one.
    ScriptedServer(boost::asio::any_io_executor executor, Script script, std::uint16_t port = 0);
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;

    [[nodiscard]] Endpoint at() const;
    [[nodiscard]] std::size_t accepted() const { return clients_.size(); }
    [[nodiscard]] Client& client(std::size_t index) { return *clients_.at(index); }
    /// The first words of the commands of a connection: "AUTH CLIENT PING".
    [[nodiscard]] std::string names(std::size_t index) const;

    /// Bytes that nobody asked for, to the newest connection.
    void say(std::string_view bytes);
    /// Closes all connections, as a process does that dies.
    void hang_up();
    /// Stops reading, so that the client's writes fill the buffers; and goes on.
    void stop_reading() { is_reading_ = false; }
    void go_on_reading();

  private:
    boost::asio::awaitable<void> accept(std::shared_ptr<bool> is_gone);
    boost::asio::awaitable<void> serve(std::shared_ptr<Client> client,
                                       std::shared_ptr<bool> is_gone);
    bool act_on_commands(Client& client);

    boost::asio::any_io_executor executor_;
    std::shared_ptr<bool> is_gone_ = std::make_shared<bool>(false);
    boost::asio::ip::tcp::acceptor acceptor_;
    Script script_;
    std::vector<std::shared_ptr<Client>> clients_;
    bool is_reading_ = true;
};

}  // namespace rop::redis::testing
