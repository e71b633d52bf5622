#include "test/unit/redis/scripted_server.hpp"

#include <array>
#include <charconv>
#include <optional>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rop::redis::testing {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

/// "<mark><number>\r\n" off the front; nothing when it is not whole.
std::optional<std::size_t> take_number(std::string_view& text, char mark) {
    const auto end = text.find("\r\n");
    if (end == std::string_view::npos || text.front() != mark) {
        return std::nullopt;
    }
    std::size_t number = 0;
    std::from_chars(text.data() + 1, text.data() + end, number);
    text.remove_prefix(end + 2);
    return number;
}

/// One command off the front of `unread`; nothing when it is not whole.
std::optional<ports::Words> take_command(std::string& unread) {
    std::string_view text = unread;
    const auto count = take_number(text, '*');
    ports::Words words;
    for (std::size_t i = 0; count && i < *count; ++i) {
        const auto length = take_number(text, '$');
        if (!length || text.size() < *length + 2) {
            return std::nullopt;
        }
        words.emplace_back(text.substr(0, *length));
        text.remove_prefix(*length + 2);
    }
    if (!count) {
        return std::nullopt;
    }
    unread.erase(0, unread.size() - text.size());
    return words;
}

}  // namespace

ScriptedServer::ScriptedServer(asio::any_io_executor executor, Script script, std::uint16_t port)
    : executor_(executor),
      acceptor_(executor, tcp::endpoint(asio::ip::address_v4::loopback(), port)),
      script_(std::move(script)) {
    asio::co_spawn(executor_, accept(is_gone_), asio::detached);
}

ScriptedServer::~ScriptedServer() {
    *is_gone_ = true;
    acceptor_.close();
    hang_up();
}

Endpoint ScriptedServer::at() const {
    return Endpoint{"127.0.0.1", acceptor_.local_endpoint().port()};
}

std::string ScriptedServer::names(std::size_t index) const {
    std::string text;
    for (const auto& command : clients_.at(index)->commands) {
        text += (text.empty() ? "" : " ") + command.at(0);
    }
    return text;
}

void ScriptedServer::say(std::string_view bytes) {
    clients_.back()->socket.send(asio::buffer(bytes));
}

void ScriptedServer::hang_up() {
    for (const auto& client : clients_) {
        error_code ignored;
        client->socket.close(ignored);
    }
}

void ScriptedServer::go_on_reading() {
    is_reading_ = true;
    for (const auto& client : clients_) {
        asio::co_spawn(executor_, serve(client, is_gone_), asio::detached);
    }
}

asio::awaitable<void> ScriptedServer::accept(std::shared_ptr<bool> is_gone) {
    // The server may be gone before this first runs: `is_gone` is all that may be touched then.
    while (!*is_gone) {
        error_code code;
        tcp::socket socket =
            co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, code));
        if (code || *is_gone) {
            co_return;
        }
        socket.set_option(tcp::no_delay(true), code);
        clients_.push_back(std::make_shared<Client>(std::move(socket)));
        asio::co_spawn(executor_, serve(clients_.back(), is_gone_), asio::detached);
    }
}

asio::awaitable<void> ScriptedServer::serve(std::shared_ptr<Client> client,
                                            std::shared_ptr<bool> is_gone) {
    std::array<char, 64 * 1024> buffer{};
    while (!*is_gone && is_reading_) {
        error_code code;
        const std::size_t count = co_await client->socket.async_read_some(
            asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, code));
        if (*is_gone) {
            co_return;
        }
        client->bytes += count;
        client->unread.append(buffer.data(), count);
        if (code || !act_on_commands(*client)) {
            client->has_ended = true;
            client->socket.close(code);
            co_return;
        }
    }
}

/// False: the script closes the connection.
bool ScriptedServer::act_on_commands(Client& client) {
    while (auto command = take_command(client.unread)) {
        client.commands.push_back(std::move(*command));
        const Act act = script_(client.commands.back());
        error_code ignored;
        client.socket.send(asio::buffer(act.bytes), 0, ignored);
        if (act.closes) {
            return false;
        }
    }
    client.reads.push_back(client.commands.size());
    return true;
}

}  // namespace rop::redis::testing
