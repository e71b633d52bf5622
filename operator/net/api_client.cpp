#include "operator/net/api_client.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <utility>

#include "api/shortened.hpp"
#include "operator/net/api_settings.hpp"

namespace rop::net {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

// Longer polls are cut by Consul 1.22.3 and by many proxies, at 30 s.
constexpr std::chrono::milliseconds longest_wait = 25s;
constexpr std::size_t longest_token = 64U * 1024;

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// A bad token is told by its status, except by servers that only pass on what another one said.
bool is_about_access(const HttpResponse& response) {
    if (response.status == 401 || response.status == 403) {
        return true;
    }
    return response.status == 500 && (contains(response.body, "Permission denied") ||
                                      contains(response.body, "ACL not found") ||
                                      contains(response.body, "ACL token not found"));
}

/// Empty: there is nothing in it.
Result<std::string> read_token(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return Error{ErrorKind::denied, "the token file " + path + " cannot be opened"};
    }
    std::string text(longest_token, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    constexpr std::string_view space = " \t\r\n";
    const auto begin = text.find_first_not_of(space);
    if (begin == std::string::npos) {
        return std::string();
    }
    return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

HttpClientOptions client_options(const ApiOptions& options) {
    HttpClientOptions client;
    client.tls = options.tls;
    return client;
}

std::string password_in(const std::string& name_and_password) {
    const auto colon = name_and_password.find(':');
    return colon == std::string::npos ? "" : name_and_password.substr(colon + 1);
}

void replace_all(std::string& text, const std::string& part, std::string_view by) {
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + by.size())) {
        text.replace(at, part.size(), by);
    }
}

}  // namespace

ApiClient::ApiClient(ports::TimePort& time, ports::RandomPort& random, ApiOptions options)
    : time_(time),
      random_(random),
      options_(std::move(options)),
      given_token_(options_.token),
      http_(time, options_.server, client_options(options_)) {
    if (!options_.basic_auth.empty()) {
        options_.headers.push_back({"Authorization", basic_authorization(options_.basic_auth)});
    }
}

Result<> ApiClient::load_token() {
    if (!is_token_loaded_ && !options_.token_file.empty()) {
        ROP_TRY(std::string token, read_token(options_.token_file));
        if (token.empty() && given_token_.empty()) {
            return Error{ErrorKind::denied, "the token file " + options_.token_file +
                                                " is empty; it must hold a token"};
        }
        options_.token = token.empty() ? given_token_ : std::move(token);
    }
    is_token_loaded_ = true;
    return ok();
}

bool ApiClient::has_new_token(const HttpResponse& response) {
    if (options_.token_file.empty() || !is_about_access(response)) {
        return false;
    }
    auto token = read_token(options_.token_file);
    return token.has_value() && !token.value().empty() &&
           std::exchange(options_.token, token.value()) != token.value();
}

HttpRequest ApiClient::with_token(HttpRequest request) const {
    request.headers = options_.headers;
    if (!options_.token.empty()) {
        request.headers.push_back(HttpHeader{"X-" + options_.product + "-Token", options_.token});
    }
    return request;
}

asio::awaitable<Result<HttpResponse>> ApiClient::send(HttpRequest request) {
    ROP_CO_TRY(load_token());
    ROP_CO_TRY(HttpResponse response, co_await http_.send(with_token(request)));
    if (has_new_token(response)) {
        co_return co_await http_.send(with_token(std::move(request)));
    }
    co_return response;
}

asio::awaitable<Result<std::optional<HttpResponse>>> ApiClient::poll(HttpRequest request) {
    ROP_CO_TRY(load_token());
    ROP_CO_TRY(auto response, co_await http_.poll(with_token(request)));
    if (response && has_new_token(*response)) {
        co_return co_await http_.poll(with_token(std::move(request)));
    }
    co_return response;
}

asio::awaitable<Result<ApiAnswer>> ApiClient::ask(HttpRequest::Method method, Target target,
                                                  std::string body) {
    HttpRequest request;
    request.method = method;
    request.target = target.text();
    request.body = std::move(body);
    request.deadline = options_.deadline;
    std::string what = describe(request);
    ROP_CO_TRY(HttpResponse response, co_await send(std::move(request)));
    co_return ApiAnswer{std::move(what), std::move(response)};
}

asio::awaitable<Result<ApiAnswer>> ApiClient::ask(HttpRequest::Method method, Target target) {
    return ask(method, std::move(target), std::string());
}

asio::awaitable<Result<ApiAnswer>> ApiClient::read(Target target, ports::BlockingQuery query) {
    if (query.index == 0 || query.consistent) {
        co_return co_await ask(HttpRequest::Method::get, target);
    }
    if (!http_.may_poll()) {
        const auto pause = 1s + std::chrono::microseconds(random_.next() % 1'000'000);
        co_await time_.sleep_for(pause);
        co_return co_await ask(HttpRequest::Method::get, target);
    }

    const auto wait = std::clamp<std::chrono::milliseconds>(query.wait, 1ms, longest_wait);
    Target polled = target;
    polled.with("index", std::to_string(query.index));
    polled.with("wait", std::to_string(wait.count()) + "ms");
    HttpRequest request;
    request.target = polled.text();
    request.deadline = wait + wait / 16 + 5s;  // Servers add up to a sixteenth, at random.
    std::string what = describe(request);
    ROP_CO_TRY(auto response, co_await poll(std::move(request)));
    if (!response) {
        co_return co_await ask(HttpRequest::Method::get, target);
    }
    co_return ApiAnswer{std::move(what), std::move(*response)};
}

Error ApiClient::refusal(const ApiAnswer& answer) const {
    const HttpResponse& response = answer.response;
    ErrorKind kind = ErrorKind::rejected;
    if (is_about_access(response)) {
        kind = ErrorKind::denied;
    } else if (response.status < 300) {
        kind = ErrorKind::malformed;
    } else if (response.status == 429) {
        kind = ErrorKind::unavailable;
    } else if (response.status >= 500) {
        const bool is_refused = std::ranges::any_of(
            options_.refusals, [&](const auto& part) { return contains(response.body, part); });
        kind = is_refused ? ErrorKind::rejected : ErrorKind::unavailable;
    }
    constexpr std::size_t shown = 200;
    const std::size_t hidden = std::max(options_.token.size(), options_.basic_auth.size());
    std::string text = response.body.substr(0, shown + hidden);
    for (const auto& secret : {options_.token, password_in(options_.basic_auth)}) {
        if (!secret.empty()) {
            replace_all(text, secret, "***");
        }
    }
    // What servers written in Go say to who speaks without TLS.
    const bool wants_tls = contains(response.body, "HTTP request to an HTTPS server");
    const std::string next = wants_tls ? "; next: begin the address with https://" : "";
    return Error{kind, answer.what + ": " + std::to_string(response.status) + " " +
                           shortened(text, shown) + next};
}

Result<std::uint64_t> ApiClient::index_of(const ApiAnswer& answer) const {
    const std::string prefix = "X-" + options_.product;
    if (answer.response.header(prefix + "-KnownLeader") == "false") {
        return Error{ErrorKind::unavailable,
                     answer.what + ": " + options_.product + " knew no leader"};
    }
    const auto index = answer.response.number(prefix + "-Index");
    if (!index) {
        return Error{ErrorKind::malformed, answer.what + ": no " + prefix + "-Index"};
    }
    return std::max<std::uint64_t>(*index, 1);  // 0 would make the next question not wait.
}

std::string shortened(std::string_view text, std::size_t bytes) {
    return rop::shortened(text, bytes);
}

}  // namespace rop::net
