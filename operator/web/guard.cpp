#include "operator/web/guard.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operator/telemetry/log.hpp"

namespace rop::web {
namespace {

constexpr std::size_t token_bytes_max = 4096;

Error unfit(const std::string& file, const std::string& why) {
    return Error{ErrorKind::rejected, "the token file " + file + " " + why};
}

bool is_visible(char c) {
    return c > ' ' && c < '\x7f';
}

Response refused(unsigned status, std::string_view error, std::string_view next_step) {
    const boost::json::value text{{"error", error}, {"next", next_step}};
    return Response{status, "application/json", boost::json::serialize(text) + "\n", {}};
}

/// The token after "Bearer ", a word in which case does not matter. Empty: none is shown.
std::string_view bearer_token(std::string_view authorization) {
    constexpr std::string_view scheme = "bearer ";
    if (authorization.size() < scheme.size()) {
        return {};
    }
    for (std::size_t i = 0; i < scheme.size(); ++i) {
        const char c = authorization[i];
        if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c) != scheme[i]) {
            return {};
        }
    }
    std::string_view token = authorization.substr(scheme.size());
    while (token.starts_with(' ')) {
        token.remove_prefix(1);
    }
    return token;
}

}  // namespace

bool is_same_secret(std::string_view shown, std::string_view wanted) {
    if (wanted.empty()) {
        return false;
    }
    volatile unsigned char difference = shown.size() == wanted.size() ? 0 : 1;
    for (std::size_t i = 0; i < shown.size(); ++i) {
        const auto a = static_cast<unsigned char>(shown[i]);
        const auto b = static_cast<unsigned char>(wanted[i % wanted.size()]);
        difference = static_cast<unsigned char>(difference | (a ^ b));
    }
    return difference == 0;
}

BearerGuard::BearerGuard(std::string token, std::string token_file)
    : token_(std::move(token)), file_(std::move(token_file)) {}

Result<> BearerGuard::open() {
    if (file_.empty()) {
        return ok();
    }
    static_cast<void>(has_changed());  // Before reading: what changes meanwhile is read again.
    return read_file();
}

Result<> BearerGuard::read_file() {
    token_.clear();
    const int file = ::open(file_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return unfit(file_, std::string("cannot be read: ") + std::strerror(errno));
    }
    std::array<char, token_bytes_max + 1> buffer{};
    const ssize_t count = ::read(file, buffer.data(), buffer.size());
    const int failure = errno;
    ::close(file);
    if (count < 0) {
        return unfit(file_, std::string("cannot be read: ") + std::strerror(failure));
    }
    if (static_cast<std::size_t>(count) > token_bytes_max) {
        return unfit(file_, "is larger than 4 KiB: it holds something else");
    }
    std::string_view text(buffer.data(), static_cast<std::size_t>(count));
    while (!text.empty() && !is_visible(text.back())) {
        text.remove_suffix(1);
    }
    for (const char c : text) {
        if (!is_visible(c)) {
            return unfit(file_, "holds more than one word; it must hold the token alone");
        }
    }
    if (text.empty()) {
        return unfit(file_, "is empty; it must hold the token");
    }
    token_ = text;
    return ok();
}

bool BearerGuard::has_changed() {
    struct stat seen {};
    const bool is_there = stat(file_.c_str(), &seen) == 0;
    const std::int64_t changed =
        is_there ? std::int64_t{seen.st_mtim.tv_sec} * 1'000'000'000 + seen.st_mtim.tv_nsec : 0;
    const std::uint64_t inode = is_there ? seen.st_ino : 0;
    const std::int64_t size = is_there ? seen.st_size : 0;
    const bool is_new = changed != changed_ns_ || inode != inode_ || size != size_;
    changed_ns_ = changed;
    inode_ = inode;
    size_ = size;
    return is_new;
}

std::optional<Response> BearerGuard::refusal(const Request& request) {
    const std::string_view target = request.target;
    if (!asks_for_token() || target.substr(0, target.find('?')) == "/healthz") {
        return std::nullopt;
    }
    if (!file_.empty() && has_changed()) {
        const auto read = read_file();
        if (read.has_error()) {
            log::warn("nobody is let in", {{"error", read.error().what}});
        }
    }
    const std::string_view shown = bearer_token(request.authorization);
    if (is_same_secret(shown, token_)) {
        return std::nullopt;
    }
    std::string challenge = "Bearer realm=\"redis-operator\"";
    if (!shown.empty()) {
        challenge += ", error=\"invalid_token\"";
    }
    Response response = refused(
        401, shown.empty() ? "this page asks for a bearer token" : "this is not the bearer token",
        "send the header Authorization: Bearer TOKEN, with the token of the operator's "
        "--http-token-file or REDIS_OPERATOR_HTTP_TOKEN; /healthz needs none");
    response.headers.emplace_back("WWW-Authenticate", std::move(challenge));
    return response;
}

}  // namespace rop::web
