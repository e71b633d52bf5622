#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "operator/net/http_client.hpp"
#include "operator/net/url.hpp"
#include "operator/ports/consul.hpp"
#include "operator/ports/random.hpp"
#include "operator/ports/time.hpp"
#include "operator/ports/tls.hpp"

namespace rop::net {

struct ApiOptions {
    ServerUrl server;
    std::string product;  // "Consul": headers are X-Consul-Token, X-Consul-Index, ...
    std::string token;
    std::string token_file;  // Wins over `token`, unless there is nothing in it.
    /// "name:password" for a proxy in front of the server. Never logged, never part of an error.
    std::string basic_auth;
    /// For https; present with a unix socket: TLS over it.
    std::optional<ports::TlsSettings> tls;
    std::vector<HttpHeader> headers;
    std::chrono::milliseconds deadline{5'000};
    /// Parts of texts which, in an answer of 500, mean that the request was understood and
    /// refused. Everything else there may pass by itself, and a write may have happened.
    std::vector<std::string> refusals;
};

struct ApiAnswer {
    std::string what;  // "GET /v1/nodes", for errors.
    HttpResponse response;

    [[nodiscard]] bool is_success() const {
        return response.status >= 200 && response.status < 300;
    }
};

/// The manners that the APIs of Consul and Nomad share: a token in a header, long polls with an
/// index, errors as plain text. Errors are those of HttpClient, and `denied` for a token file
/// that cannot be read.
class ApiClient {
  public:
    ApiClient(ports::TimePort& time, ports::RandomPort& random, ApiOptions options);

    /// Any status. A refused token is read from its file again, and the request repeated when
    /// the file holds another one now.
    boost::asio::awaitable<Result<ApiAnswer>> ask(HttpRequest::Method method, Target target,
                                                  std::string body);
    boost::asio::awaitable<Result<ApiAnswer>> ask(HttpRequest::Method method, Target target);

    /// A GET that waits for `query.index` to move when there is one. A poll that is cut is asked
    /// again without waiting. When too many polls are under way already, it waits a second or two
    /// on our side instead of the server's.
    boost::asio::awaitable<Result<ApiAnswer>> read(Target target, ports::BlockingQuery query);

    /// What an answer that is no success means: denied, rejected or unavailable, with the
    /// server's words.
    [[nodiscard]] Error refusal(const ApiAnswer& answer) const;

    /// The index to wait from next, at least 1. Unavailable when the server knew no leader.
    [[nodiscard]] Result<std::uint64_t> index_of(const ApiAnswer& answer) const;

  private:
    boost::asio::awaitable<Result<HttpResponse>> send(HttpRequest request);
    boost::asio::awaitable<Result<std::optional<HttpResponse>>> poll(HttpRequest request);
    [[nodiscard]] Result<> load_token();
    [[nodiscard]] bool has_new_token(const HttpResponse& response);
    [[nodiscard]] HttpRequest with_token(HttpRequest request) const;

    ports::TimePort& time_;
    ports::RandomPort& random_;
    ApiOptions options_;
    std::string given_token_;  // Not from a file.
    bool is_token_loaded_ = false;
    HttpClient http_;
};

/// What was parsed from an answer, its error in the context of what was asked.
template <class T>
[[nodiscard]] Result<T> in_answer(const ApiAnswer& answer, Result<T> parsed) {
    if (parsed.has_error()) {
        return in_context(answer.what, parsed.error());
    }
    return parsed;
}

/// One line of at most `bytes`, whole characters of UTF-8, for errors that people read.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t bytes);

}  // namespace rop::net
