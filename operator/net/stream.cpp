#include "operator/net/stream.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "operator/net/tls_stream.hpp"
#include "operator/runtime/within.hpp"

namespace rop::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;
using boost::system::error_code;

Fault fault_of(error_code code) {
    if (code == asio::error::connection_refused) {
        return Fault::refused;
    }
    if (code == asio::error::timed_out) {
        return Fault::timed_out;
    }
    const bool is_end =
        code == asio::error::eof || code == asio::error::connection_reset ||
        code == asio::error::connection_aborted || code == asio::error::broken_pipe ||
        code == asio::error::operation_aborted || code == asio::error::bad_descriptor;
    return is_end ? Fault::closed : Fault::other;
}

std::string sentence(Fault fault, error_code code) {
    switch (fault) {
        case Fault::refused:
            return "connection refused";
        case Fault::closed:
            return "the connection was closed by its peer";
        case Fault::timed_out:
            return "no answer";
        case Fault::none:
        case Fault::barred:
        case Fault::untrusted:
        case Fault::other:
            break;
    }
    return code.message();
}

/// Finds a peer that has gone without a word within half a minute, also on an idle connection.
void keep_alive(tcp::socket& socket) {
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    socket.set_option(asio::socket_base::keep_alive(true), ignored);
    const auto set = [&](int option, int value) {
        ::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
    };
    set(TCP_KEEPIDLE, 15);  // Seconds.
    set(TCP_KEEPINTVL, 5);
    set(TCP_KEEPCNT, 3);
}

template <class Socket>
class SocketStream : public Stream {
  public:
    SocketStream(ports::TimePort* time, Socket socket, std::size_t piece_max)
        : time_(time), socket_(std::move(socket)), piece_max_(piece_max) {}
    ~SocketStream() override { reset(); }
    SocketStream(const SocketStream&) = delete;
    SocketStream& operator=(const SocketStream&) = delete;

    asio::awaitable<Transfer> read_some(char* to, std::size_t size) override {
        error_code code;
        const std::size_t count = co_await socket_.async_read_some(
            asio::buffer(to, size), asio::redirect_error(asio::use_awaitable, code));
        if (code) {
            co_return ended(count, code);
        }
        Transfer done;
        done.bytes = count;
        co_return done;
    }

    asio::awaitable<Transfer> write(std::string_view bytes, Gate gate, Moment until) override {
        Transfer done;
        while (done.bytes < bytes.size()) {
            if (gate && !gate()) {
                done.fault = Fault::barred;
                done.what = "not allowed to write any more";
                co_return done;
            }
            // Tried first, waited for afterwards: between the gate's word and the kernel taking the
            // bytes there is never a wait.
            error_code code;
            const auto piece = bytes.substr(done.bytes, piece_max_);
            done.bytes += socket_.write_some(asio::buffer(piece), code);
            if (code == asio::error::would_block || code == asio::error::try_again) {
                const auto limit = std::max(until - time_->now(), Moment::duration::zero());
                const auto room = co_await runtime::within(time_, limit, wait_for_room());
                if (room.has_error()) {
                    done.fault = is_closed_ ? Fault::closed : Fault::timed_out;
                    done.what = is_closed_ ? "the connection was closed" : "it reads nothing";
                    co_return done;
                }
            } else if (code) {
                co_return ended(done.bytes, code);
            }
        }
        co_return done;
    }

    [[nodiscard]] bool is_quiet() override {
        error_code code;
        char byte = 0;
        socket_.receive(asio::buffer(&byte, 1), Socket::message_peek, code);
        return code == asio::error::would_block || code == asio::error::try_again;
    }

    void close() override { reset(); }

  private:
    asio::awaitable<Result<>> wait_for_room() {
        error_code code;
        co_await socket_.async_wait(Socket::wait_write,
                                    asio::redirect_error(asio::use_awaitable, code));
        if (code) {
            co_return Error{ErrorKind::unavailable, code.message()};
        }
        co_return ok();
    }

    void reset() {
        is_closed_ = true;
        error_code ignored;
        socket_.set_option(asio::socket_base::linger(true, 0), ignored);
        socket_.close(ignored);
    }

    [[nodiscard]] Transfer ended(std::size_t bytes, error_code code) const {
        Transfer end;
        end.bytes = bytes;
        end.fault = fault_of(code);
        end.what = is_closed_ ? "the connection was closed" : sentence(end.fault, code);
        return end;
    }

    ports::TimePort* time_;
    Socket socket_;
    std::size_t piece_max_;
    bool is_closed_ = false;
};

Connected not_connected(Fault fault, std::string what) {
    Connected failed;
    failed.fault = fault;
    failed.what = std::move(what);
    return failed;
}

/// The code goes into the caller's frame, which waits for this.
template <class Socket>
asio::awaitable<Result<>> connect_socket(Socket* socket, typename Socket::endpoint_type to,
                                         error_code* code) {
    co_await socket->async_connect(to, asio::redirect_error(asio::use_awaitable, *code));
    if (*code == asio::error::operation_aborted) {
        co_return Error{ErrorKind::cancelled, "stopped"};
    }
    co_return ok();
}

/// A port of the range that the kernel hands out to clients, on our own machine, where nobody
/// listens: TCP may then connect a socket to itself, which would answer us with our own words.
bool is_connected_to_itself(const tcp::socket& socket) {
    error_code code;
    const auto ours = socket.local_endpoint(code);
    const auto theirs = socket.remote_endpoint(code);
    return !code && ours == theirs;
}

void prepare(tcp::socket& socket, error_code& code) {
    if (!code && is_connected_to_itself(socket)) {
        socket.close(code);
        code = asio::error::connection_refused;
    }
    if (!code) {
        socket.non_blocking(true, code);
        keep_alive(socket);
    }
}

void prepare(stream_protocol::socket& socket, error_code& code) {
    if (!code) {
        socket.non_blocking(true, code);
    }
}

template <class Socket>
asio::awaitable<Connected> connect_plain(ports::TimePort* time, typename Socket::endpoint_type to,
                                         Moment until, std::size_t piece_max) {
    error_code code;
    Socket socket(time->executor());
    const auto limit = std::max(until - time->now(), Moment::duration::zero());
    const auto in_time = co_await runtime::within(time, limit, connect_socket(&socket, to, &code));
    if (in_time.has_error() && in_time.error().kind == ErrorKind::cancelled) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (in_time.has_error()) {
        co_return not_connected(Fault::timed_out, "no connection: " + in_time.error().what);
    }
    prepare(socket, code);
    if (code) {
        const Fault fault = fault_of(code);
        co_return not_connected(fault, sentence(fault, code));
    }
    Connected connected;
    connected.stream = std::make_unique<SocketStream<Socket>>(time, std::move(socket), piece_max);
    co_return connected;
}

}  // namespace

asio::awaitable<Connected> connect(ports::TimePort* time, Endpoint to, Moment until,
                                   StreamOptions options) {
    error_code code;
    const auto address = asio::ip::make_address(to.host, code);
    if (code) {
        co_return not_connected(Fault::other, "'" + to.host + "' is no IP address");
    }
    const tcp::endpoint place(address, to.port);
    auto plain = connect_plain<tcp::socket>(time, place, until, options.piece_max);
    if (!options.tls) {
        co_return co_await std::move(plain);
    }
    const std::string name = options.peer_name.empty() ? to.host : options.peer_name;
    co_return co_await secured(time, std::move(plain), std::move(options), name, until);
}

asio::awaitable<Connected> connect_unix(ports::TimePort* time, std::string path, Moment until,
                                        StreamOptions options) {
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        co_return not_connected(Fault::other,
                                "the path of a unix socket has at most " +
                                    std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                    " bytes, this one has " + std::to_string(path.size()));
    }
    const stream_protocol::endpoint place(path);
    auto plain = connect_plain<stream_protocol::socket>(time, place, until, options.piece_max);
    if (!options.tls) {
        co_return co_await std::move(plain);
    }
    const std::string name = options.peer_name.empty() ? "localhost" : options.peer_name;
    co_return co_await secured(time, std::move(plain), std::move(options), name, until);
}

}  // namespace rop::net
