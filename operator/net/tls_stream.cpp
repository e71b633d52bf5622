#include "operator/net/tls_stream.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "operator/net/tls.hpp"
#include "operator/net/tls_words.hpp"
#include "operator/runtime/within.hpp"

// OpenSSL works on memory here, and a stream below carries what it makes of our bytes: so the gate
// is asked before each write to the socket as it is without TLS, also in the middle of a record.
namespace rop::net {
namespace {

namespace asio = boost::asio;

constexpr std::size_t record_max = 16U * 1024;  // Plaintext of one TLS record.

/// The name that the server must prove, and the settings, for messages.
struct Expected {
    std::string name;
    ports::TlsSettings settings;
    std::string disbelief;  // Why its certificate is not believed; the first reason.
};

int judge(int is_fine, X509_STORE_CTX* judged) {
    if (is_fine == 1) {
        return 1;
    }
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(judged, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* expected = static_cast<Expected*>(SSL_get_app_data(ssl));
    if (expected->disbelief.empty()) {
        expected->disbelief = why_not_believed(judged, expected->name, expected->settings);
    }
    return 0;
}

Transfer ended(Fault fault, std::string what, std::size_t bytes = 0) {
    Transfer end;
    end.bytes = bytes;
    end.fault = fault;
    end.what = std::move(what);
    return end;
}

class TlsStream : public Stream {
  public:
    TlsStream(ports::TimePort* time, std::unique_ptr<Stream> below, Expected expected)
        : time_(time), below_(std::move(below)), expected_(std::move(expected)) {}
    ~TlsStream() override { SSL_free(ssl_); }
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    [[nodiscard]] Result<> prepare(SSL_CTX* context);
    asio::awaitable<Transfer> shake_hands(Moment until);

    asio::awaitable<Transfer> read_some(char* to, std::size_t size) override;
    asio::awaitable<Transfer> write(std::string_view bytes, Gate gate, Moment until) override;
    [[nodiscard]] bool is_quiet() override {
        return SSL_has_pending(ssl_) == 0 && BIO_ctrl_pending(arrived_) == 0 && below_->is_quiet();
    }
    void close() override { below_->close(); }

  private:
    asio::awaitable<Transfer> fill();
    asio::awaitable<Result<>> fill_in_hand();
    asio::awaitable<Transfer> fill_until(Moment until);
    asio::awaitable<Transfer> send_made(Gate gate, Moment until);
    [[nodiscard]] std::string why_broken();

    ports::TimePort* time_;
    std::unique_ptr<Stream> below_;
    Expected expected_;
    SSL* ssl_ = nullptr;
    BIO* arrived_ = nullptr;  // Owned by ssl_: what the peer sent,
    BIO* made_ = nullptr;     // and what is to be sent to it.
    std::array<char, record_max + 1024> buffer_{};
    Transfer filled_;
    bool has_heard_ = false;
    bool is_broken_ = false;  // A record was sent in part: nothing can follow it.
};

Result<> TlsStream::prepare(SSL_CTX* context) {
    ssl_ = SSL_new(context);
    arrived_ = BIO_new(BIO_s_mem());
    made_ = BIO_new(BIO_s_mem());
    if (ssl_ == nullptr || arrived_ == nullptr || made_ == nullptr) {
        return Error{ErrorKind::unavailable, "TLS cannot be used: " + library_error()};
    }
    BIO_set_mem_eof_return(arrived_, -1);  // Empty means: wait for more.
    BIO_set_mem_eof_return(made_, -1);
    SSL_set_bio(ssl_, arrived_, made_);
    SSL_set_app_data(ssl_, &expected_);
    SSL_set_verify(ssl_, expected_.settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, &judge);

    boost::system::error_code not_literal;
    asio::ip::make_address(expected_.name, not_literal);
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl_);
    X509_VERIFY_PARAM_set_hostflags(
        wanted, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    bool is_set = false;
    if (not_literal) {
        is_set = SSL_set_tlsext_host_name(ssl_, expected_.name.c_str()) == 1 &&
                 X509_VERIFY_PARAM_set1_host(wanted, expected_.name.c_str(), 0) == 1;
    } else {  // An address is never part of what is asked for (RFC 6066), only of what is proved.
        is_set = X509_VERIFY_PARAM_set1_ip_asc(wanted, expected_.name.c_str()) == 1;
    }
    if (!is_set) {
        ERR_clear_error();
        return Error{ErrorKind::rejected, "'" + expected_.name + "' is not the name of a server"};
    }
    SSL_set_connect_state(ssl_);
    return ok();
}

/// Reads from below what the peer sent.
asio::awaitable<Transfer> TlsStream::fill() {
    Transfer got = co_await below_->read_some(buffer_.data(), buffer_.size());
    if (got.fault == Fault::none) {
        BIO_write(arrived_, buffer_.data(), static_cast<int>(got.bytes));
    }
    co_return got;
}

asio::awaitable<Result<>> TlsStream::fill_in_hand() {
    filled_ = co_await fill();
    if (filled_.fault != Fault::none) {
        co_return Error{ErrorKind::unavailable, filled_.what};
    }
    co_return ok();
}

asio::awaitable<Transfer> TlsStream::fill_until(Moment until) {
    const auto limit = std::max(until - time_->now(), Moment::duration::zero());
    const auto in_time = co_await runtime::within(time_, limit, fill_in_hand());
    const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
        throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (in_time.has_error() && (filled_.fault == Fault::none || time_->now() >= until)) {
        co_return ended(Fault::timed_out,
                        "no answer to the TLS handshake: " + in_time.error().what +
                            " (a port without TLS may wait for more as well)");
    }
    co_return std::move(filled_);
}

/// What OpenSSL made, to the stream below.
asio::awaitable<Transfer> TlsStream::send_made(Gate gate, Moment until) {
    std::string bytes(BIO_ctrl_pending(made_), '\0');
    if (bytes.empty()) {
        co_return Transfer{};
    }
    BIO_read(made_, bytes.data(), static_cast<int>(bytes.size()));
    const Transfer sent = co_await below_->write(bytes, std::move(gate), until);
    is_broken_ = is_broken_ || sent.fault != Fault::none;
    co_return sent;
}

/// To be called right after OpenSSL refused, while its words are fresh.
std::string TlsStream::why_broken() {
    if (!expected_.disbelief.empty()) {
        ERR_clear_error();
        return expected_.disbelief;
    }
    return why_given_up(expected_.settings);
}

asio::awaitable<Transfer> TlsStream::shake_hands(Moment until) {
    for (;;) {
        ERR_clear_error();
        const int result = SSL_do_handshake(ssl_);
        const bool is_waiting = SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ;
        std::string why;
        if (result != 1 && !is_waiting) {
            why = why_broken();
        }
        const Transfer sent = co_await send_made(Gate(), until);  // An alert, too.
        if (!why.empty()) {
            co_return ended(Fault::untrusted, std::move(why));
        }
        if (sent.fault != Fault::none) {
            co_return ended(sent.fault, "during the TLS handshake: " + sent.what);
        }
        if (result == 1) {
            co_return Transfer{};
        }
        const Transfer got = co_await fill_until(until);
        if (got.fault == Fault::timed_out) {
            co_return got;
        }
        if (got.fault != Fault::none) {
            co_return ended(got.fault, "during the TLS handshake: " + got.what +
                                           " (a port without TLS may do so)");
        }
        const char first = buffer_.front();  // 22: a handshake, 21: an alert.
        if (!std::exchange(has_heard_, true) && first != '\x16' && first != '\x15') {
            co_return ended(Fault::untrusted,
                            "the peer does not speak TLS: its answer is something else; next: "
                            "give the port that serves TLS, or connect without it");
        }
    }
}

asio::awaitable<Transfer> TlsStream::read_some(char* to, std::size_t size) {
    const int wanted = static_cast<int>(std::min<std::size_t>(size, INT_MAX));
    for (;;) {
        ERR_clear_error();
        const int count = SSL_read(ssl_, to, wanted);
        if (count > 0) {
            Transfer done;
            done.bytes = static_cast<std::size_t>(count);
            co_return done;
        }
        const int reason = SSL_get_error(ssl_, count);
        if (reason == SSL_ERROR_ZERO_RETURN) {
            co_return ended(Fault::closed, "the connection was closed by its peer");
        }
        if (reason != SSL_ERROR_WANT_READ) {
            is_broken_ = true;
            co_return ended(Fault::untrusted, why_broken());
        }
        const Transfer got = co_await fill();
        if (got.fault != Fault::none) {
            co_return got;
        }
    }
}

asio::awaitable<Transfer> TlsStream::write(std::string_view bytes, Gate gate, Moment until) {
    Transfer done;
    while (done.bytes < bytes.size()) {
        if (is_broken_) {
            co_return ended(Fault::closed, "the connection was closed", done.bytes);
        }
        if (gate && !gate()) {
            co_return ended(Fault::barred, "not allowed to write any more", done.bytes);
        }
        // A piece is one record, so what is cut off in the middle of it is worth nothing to anyone.
        const auto piece = bytes.substr(done.bytes, record_max);
        ERR_clear_error();
        if (SSL_write(ssl_, piece.data(), static_cast<int>(piece.size())) <= 0) {
            is_broken_ = true;
            co_return ended(Fault::untrusted, why_broken(), done.bytes);
        }
        // Asked above, and nothing was waited for since: only what follows a wait asks again.
        bool is_asked = true;
        const Gate again = [&] { return std::exchange(is_asked, false) || !gate || gate(); };
        const Transfer sent = co_await send_made(again, until);
        if (sent.fault != Fault::none) {
            co_return ended(sent.fault, sent.what, done.bytes);
        }
        done.bytes += piece.size();
    }
    co_return done;
}

Connected not_connected(Fault fault, std::string what) {
    Connected failed;
    failed.fault = fault;
    failed.what = std::move(what);
    return failed;
}

}  // namespace

asio::awaitable<Connected> secured(ports::TimePort* time, asio::awaitable<Connected> plain,
                                   StreamOptions options, std::string name, Moment until) {
    const auto context = options.tls->context();
    if (context.has_error()) {
        co_return not_connected(Fault::untrusted, context.error().what);
    }
    Connected connected = co_await std::move(plain);
    if (!connected.stream) {
        co_return connected;
    }
    Expected expected;
    expected.settings = options.tls->settings();
    expected.name = expected.settings.server_name.empty() ? name : expected.settings.server_name;
    auto stream = std::make_unique<TlsStream>(time, std::move(connected.stream), expected);
    const auto prepared = stream->prepare(context.value().get());
    if (prepared.has_error()) {
        co_return not_connected(Fault::untrusted, prepared.error().what);
    }
    Transfer shaken = co_await stream->shake_hands(until);
    if (shaken.fault != Fault::none) {
        co_return not_connected(shaken.fault, std::move(shaken.what));
    }
    connected.stream = std::move(stream);
    co_return connected;
}

}  // namespace rop::net
