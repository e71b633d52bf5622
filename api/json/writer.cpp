#include "api/json/writer.hpp"

#include <array>
#include <charconv>

namespace rop::json {
namespace {

bool is_continuation(unsigned char byte) {
    return (byte & 0xC0U) == 0x80U;
}

/// Length of the valid UTF-8 sequence at the start of `text`, or 0 (RFC 3629, table 3-7 of
/// Unicode: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    const unsigned second = byte(1);
    std::size_t length = 0;
    unsigned low = 0x80;
    unsigned high = 0xBF;
    if (first >= 0xC2 && first <= 0xDF) {
        length = 2;
    } else if (first >= 0xE0 && first <= 0xEF) {
        length = 3;
        low = first == 0xE0 ? 0xA0 : low;
        high = first == 0xED ? 0x9F : high;
    } else if (first >= 0xF0 && first <= 0xF4) {
        length = 4;
        low = first == 0xF0 ? 0x90 : low;
        high = first == 0xF4 ? 0x8F : high;
    }
    if (length == 0 || second < low || second > high) {
        return 0;
    }
    for (std::size_t i = 2; i < length; ++i) {
        if (!is_continuation(static_cast<unsigned char>(byte(i)))) {
            return 0;
        }
    }
    return length;
}

void append_escaped(std::string& out, unsigned char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    switch (c) {
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    if (c < 0x20 || c == 0x7F) {
        out += "\\u00";
        out += digits[c >> 4U];
        out += digits[c & 15U];
    } else {
        out += static_cast<char>(c);
    }
}

template <class Number>
std::string number_text(Number number) {
    std::array<char, 64> buffer{};
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number).ptr;
    return std::string(buffer.data(), end);
}

}  // namespace

void Writer::separate() {
    if (!is_first_ && !after_key_) {
        text_ += ',';
    }
    is_first_ = false;
    after_key_ = false;
}

Writer& Writer::object() {
    separate();
    text_ += '{';
    closers_ += '}';
    is_first_ = true;
    return *this;
}

Writer& Writer::array() {
    separate();
    text_ += '[';
    closers_ += ']';
    is_first_ = true;
    return *this;
}

Writer& Writer::end() {
    text_ += closers_.back();
    closers_.pop_back();
    is_first_ = false;
    return *this;
}

Writer& Writer::key(std::string_view name) {
    value(name);
    text_ += ':';
    after_key_ = true;
    return *this;
}

Writer& Writer::value(std::string_view text) {
    separate();
    text_ += '"';
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) {
            text_ += "\xEF\xBF\xBD";  // U+FFFD
        } else if (length == 1) {
            append_escaped(text_, static_cast<unsigned char>(text.front()));
        } else {
            text_ += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    text_ += '"';
    return *this;
}

Writer& Writer::value(std::uint64_t number) {
    return raw(number_text(number));
}

Writer& Writer::value(double number) {
    return raw(number_text(number));
}

Writer& Writer::value(bool truth) {
    return raw(truth ? "true" : "false");
}

Writer& Writer::null() {
    return raw("null");
}

Writer& Writer::raw(std::string_view json) {
    separate();
    text_ += json;
    return *this;
}

}  // namespace rop::json
