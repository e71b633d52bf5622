#include "test/simulation/redis_reply.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace rop::simulation {

using ports::Reply;

namespace {

Reply of_kind(Reply::Kind kind, std::string text = {}) {
    Reply reply;
    reply.kind = kind;
    reply.text = std::move(text);
    return reply;
}

char lower(char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

}  // namespace

Reply status(std::string text) {
    return of_kind(Reply::Kind::status, std::move(text));
}
Reply error(std::string text) {
    return of_kind(Reply::Kind::error, std::move(text));
}
Reply text(std::string text) {
    return of_kind(Reply::Kind::text, std::move(text));
}
Reply integer(std::int64_t value) {
    Reply reply = of_kind(Reply::Kind::integer);
    reply.integer = value;
    return reply;
}
Reply nil() {
    return of_kind(Reply::Kind::nil);
}
Reply array() {
    return of_kind(Reply::Kind::array);
}

std::string lower(std::string_view text) {
    std::string low(text);
    for (char& letter : low) {
        letter = lower(letter);
    }
    return low;
}

bool same(std::string_view text, std::string_view low) {
    return text.size() == low.size() &&
           std::equal(text.begin(), text.end(), low.begin(),
                      [](char one, char other) { return lower(one) == other; });
}

bool number(std::string_view text, std::int64_t& value) {
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    return code == std::errc{} && end == text.data() + text.size();
}

std::string shown(const Reply& reply) {
    switch (reply.kind) {
        case Reply::Kind::nil:
            return "nil";
        case Reply::Kind::integer:
            return ":" + std::to_string(reply.integer);
        case Reply::Kind::text:
            return reply.text.size() > 60 ? "$(" + std::to_string(reply.text.size()) + " bytes)"
                                          : "$" + reply.text;
        case Reply::Kind::status:
            return "+" + reply.text;
        case Reply::Kind::error:
            return "-" + reply.text;
        case Reply::Kind::array:
            break;
    }
    std::string line = "[";
    for (const Reply& element : reply.elements) {
        line += line.size() == 1 ? "" : " ";
        line += shown(element);
    }
    return line + "]";
}

std::string shown(const ports::Words& words) {
    std::string line;
    for (const std::string& word : words) {
        line += line.empty() ? "" : " ";
        line += word.size() == 40 ? word.substr(0, 8) : word;
    }
    return line.size() > 160 ? line.substr(0, 160) + "..." : line;
}

}  // namespace rop::simulation
