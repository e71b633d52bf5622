#include "test/support/blocking_exchange.hpp"

#include <array>
#include <chrono>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace rop::testing {
namespace {

class Socket {
  public:
    Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}
    ~Socket() { ::close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    void connect(const Endpoint& at) const {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(at.port);
        ::inet_pton(AF_INET, at.host.c_str(), &address.sin_addr);
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }

    /// False when nothing happened before `until`.
    [[nodiscard]] bool wait(short what, std::chrono::steady_clock::time_point until) const {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waiting{.fd = fd_, .events = what, .revents = 0};
        return left.count() > 0 && ::poll(&waiting, 1, static_cast<int>(left.count())) == 1;
    }

    [[nodiscard]] int fd() const { return fd_; }

  private:
    int fd_;
};

}  // namespace

std::string blocking_exchange(const Endpoint& at, std::string_view question,
                              const std::function<bool(std::string_view)>& is_whole,
                              std::chrono::milliseconds limit) {
    const auto until = std::chrono::steady_clock::now() + limit;
    const Socket socket;
    socket.connect(at);
    while (!question.empty()) {
        if (!socket.wait(POLLOUT, until)) {
            return "";
        }
        const auto sent = ::send(socket.fd(), question.data(), question.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            return "";  // Refused, or closed already.
        }
        question.remove_prefix(static_cast<std::size_t>(sent));
    }
    std::string answer;
    std::array<char, 16 * 1024> piece{};
    while (!is_whole(answer) && socket.wait(POLLIN, until)) {
        const auto got = ::recv(socket.fd(), piece.data(), piece.size(), 0);
        if (got <= 0) {
            break;
        }
        answer.append(piece.data(), static_cast<std::size_t>(got));
    }
    return answer;
}

}  // namespace rop::testing
