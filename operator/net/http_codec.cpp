#include "operator/net/http_codec.hpp"

#include <utility>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "operator/net/tls.hpp"

namespace rop::net {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

namespace {

bool is_visible(char c) {
    return c > ' ' && c < '\x7f';
}

bool fits_in_header(std::string_view value) {
    return value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace

Result<std::string> write_request(const HttpRequest& request, std::string_view host) {
    if (!request.target.starts_with('/')) {
        return Error{ErrorKind::rejected, "the path does not begin with a slash"};
    }
    for (const char c : request.target) {
        if (!is_visible(c)) {
            return Error{ErrorKind::rejected, "the path holds a character that is not encoded"};
        }
    }

    std::string text(to_string(request.method));
    text.append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ").append(host);
    text.append("\r\nUser-Agent: redis-operator/" ROP_VERSION "\r\nAccept: application/json\r\n");
    for (const auto& header : request.headers) {
        if (!fits_in_header(header.value)) {
            return Error{ErrorKind::rejected, header.name + " holds a line break"};
        }
        text.append(header.name).append(": ").append(header.value).append("\r\n");
    }
    if (request.method != HttpRequest::Method::get || !request.body.empty()) {
        text.append("Content-Length: ").append(std::to_string(request.body.size()));
        text.append("\r\n");
    }
    text.append("\r\n").append(request.body);
    return text;
}

struct ResponseReader::Parser {
    /// Beast asserts five bytes when it looks at the last chunk ("0", two line ends) for a second
    /// time, and may have seen three at the first. No answer in chunks ends with fewer.
    [[nodiscard]] bool is_too_little(std::string_view bytes) const {
        constexpr std::size_t last_chunk = 5;
        return answer.is_header_done() && answer.chunked() && bytes.size() < last_chunk;
    }

    http::response_parser<http::string_body> answer;
    std::string pending;  // Arrived, and not yet a whole line or chunk head.
    HttpLimits limits;
};

ResponseReader::ResponseReader(HttpLimits limits) : parser_(std::make_unique<Parser>()) {
    parser_->limits = limits;
    parser_->answer.eager(true);
    parser_->answer.header_limit(static_cast<std::uint32_t>(limits.header_bytes));
    parser_->answer.body_limit(limits.body_bytes);
}

ResponseReader::~ResponseReader() = default;
ResponseReader::ResponseReader(ResponseReader&&) noexcept = default;
ResponseReader& ResponseReader::operator=(ResponseReader&&) noexcept = default;

Result<ResponseReader::State> ResponseReader::put(std::string_view bytes) {
    parser_->pending.append(bytes);
    if (!parser_->answer.got_some() && looks_like_tls(parser_->pending)) {
        return Error{ErrorKind::malformed,
                     "the server speaks TLS; next: begin the address with https://"};
    }
    std::string_view rest = parser_->pending;
    while (!parser_->answer.is_done() && !rest.empty() && !parser_->is_too_little(rest)) {
        error_code code;
        const std::size_t used = parser_->answer.put(asio::buffer(rest), code);
        rest.remove_prefix(used);
        if (code == http::error::need_more || (!code && used == 0)) {
            break;
        }
        if (code == http::error::body_limit) {
            return Error{ErrorKind::malformed, "the answer is larger than " +
                                                   std::to_string(parser_->limits.body_bytes) +
                                                   " bytes"};
        }
        if (code) {
            return Error{ErrorKind::malformed, "the answer is not HTTP: " + code.message()};
        }
    }
    parser_->pending.erase(0, parser_->pending.size() - rest.size());
    // Beast bounds the header; the head of a chunk and what may follow the last one it gathers
    // without end.
    if (!parser_->answer.is_done() && parser_->pending.size() > parser_->limits.header_bytes) {
        return Error{ErrorKind::malformed, "the answer has a line of more than " +
                                               std::to_string(parser_->limits.header_bytes) +
                                               " bytes"};
    }
    return parser_->answer.is_done() ? State::complete : State::incomplete;
}

ResponseReader::State ResponseReader::put_end() {
    if (!parser_->answer.got_some() || !parser_->pending.empty()) {
        return State::incomplete;
    }
    error_code code;
    parser_->answer.put_eof(code);
    return !code && parser_->answer.is_done() ? State::complete : State::incomplete;
}

bool ResponseReader::has_begun() const {
    return parser_->answer.got_some() || !parser_->pending.empty();
}

bool ResponseReader::may_reuse() const {
    return parser_->answer.keep_alive() && parser_->pending.empty();
}

HttpResponse ResponseReader::take() {
    auto message = parser_->answer.release();
    HttpResponse response;
    response.status = message.result_int();
    for (const auto& field : message) {
        response.headers.push_back(
            HttpHeader{std::string(field.name_string()), std::string(field.value())});
    }
    response.body = std::move(message.body());
    return response;
}

}  // namespace rop::net
