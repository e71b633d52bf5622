#include "test/simulation/conformance/wire.hpp"

#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rop::simulation {

Wire::Wire(const Endpoint& to) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{5, 0};
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(to.port);
    ::inet_pton(AF_INET, to.host.c_str(), &address.sin_addr);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
        close();
    }
}

Wire::~Wire() {
    close();
}

void Wire::close() {
    if (fd_ >= 0) {
        ::close(fd_);
        fd_ = -1;
    }
}

bool Wire::write_all(const std::string& bytes) const {
    std::string_view left = bytes;
    while (!left.empty()) {
        const ssize_t written = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
        if (written <= 0) {
            return false;
        }
        left.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

std::optional<std::vector<ports::Reply>> Wire::ask(const std::vector<ports::Words>& commands) {
    std::string question;
    for (const ports::Words& words : commands) {
        redis::append_command(question, words);
    }
    if (!open() || !write_all(question)) {
        close();
        return std::nullopt;
    }
    std::vector<ports::Reply> replies;
    std::array<char, 16'384> buffer{};
    while (replies.size() < commands.size()) {
        auto next = reader_.next();
        if (next.has_error()) {
            close();
            return std::nullopt;
        }
        if (auto reply = std::move(next).value()) {
            replies.push_back(std::move(*reply));
            continue;
        }
        const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (got <= 0) {
            close();
            return std::nullopt;
        }
        reader_.feed(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
    }
    return replies;
}

}  // namespace rop::simulation
