#include "operator/net/http_message.hpp"

#include <algorithm>
#include <charconv>

namespace rop::net {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_same_name(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace

std::optional<std::string_view> HttpResponse::header(std::string_view name) const {
    for (const auto& header : headers) {
        if (is_same_name(header.name, name)) {
            return header.value;
        }
    }
    return std::nullopt;
}

std::optional<std::uint64_t> HttpResponse::number(std::string_view name) const {
    const auto text = header(name);
    if (!text) {
        return std::nullopt;
    }
    std::uint64_t number = 0;
    const char* end = text->data() + text->size();
    const auto [stopped, failed] = std::from_chars(text->data(), end, number);
    if (failed != std::errc{} || stopped != end) {
        return std::nullopt;
    }
    return number;
}

std::string_view to_string(HttpRequest::Method method) {
    switch (method) {
        case HttpRequest::Method::get:
            return "GET";
        case HttpRequest::Method::put:
            return "PUT";
        case HttpRequest::Method::post:
            return "POST";
        case HttpRequest::Method::del:
            return "DELETE";
    }
    return "GET";
}

std::string describe(const HttpRequest& request) {
    return std::string(to_string(request.method)) + " " +
           request.target.substr(0, request.target.find('?'));
}

}  // namespace rop::net
