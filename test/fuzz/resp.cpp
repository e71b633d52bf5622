// Replies of Redis, as bytes from the wire: cut anywhere they mean the same, what was read can be
// written and read again, and no header makes us take memory for what has not come.

#include "operator/redis/resp.hpp"

#include <string>

#include "test/fuzz/target.hpp"

namespace {

using rop::fuzz::require;
using rop::ports::Reply;
using rop::redis::RespReader;

void write(const Reply& reply, std::string& out) {
    switch (reply.kind) {
        case Reply::Kind::nil:
            out += "$-1\r\n";
            return;
        case Reply::Kind::integer:
            out += ":" + std::to_string(reply.integer) + "\r\n";
            return;
        case Reply::Kind::text:
            out += "$" + std::to_string(reply.text.size()) + "\r\n" + reply.text + "\r\n";
            return;
        case Reply::Kind::status:
        case Reply::Kind::error:
            out += (reply.is_error() ? "-" : "+") + reply.text + "\r\n";
            return;
        case Reply::Kind::array:
            break;
    }
    out += "*" + std::to_string(reply.elements.size()) + "\r\n";
    for (const auto& element : reply.elements) {
        write(element, out);
    }
}

/// All replies in `bytes`, written canonically, and '!' for an error at the end.
std::string read(std::string_view bytes, std::size_t piece, rop::redis::RespLimits limits) {
    RespReader reader(limits);
    std::string replies;
    while (!bytes.empty()) {
        const std::string_view head = bytes.substr(0, piece);
        bytes.remove_prefix(head.size());
        reader.feed(head);
        for (;;) {
            const auto reply = reader.next();
            if (reply.has_error()) {
                require(!reader.is_between_replies(), "an error is not the end of a reply");
                return replies + "!";
            }
            if (!reply.value()) {
                break;
            }
            write(*reply.value(), replies);
        }
    }
    return replies;
}

std::size_t elements_of(const Reply& reply) {
    std::size_t count = reply.elements.size();
    for (const auto& element : reply.elements) {
        count += elements_of(element);
    }
    return count;
}

/// With limits that such an input can reach.
void hold_small_limits(std::string_view bytes) {
    const rop::redis::RespLimits small{.reply_bytes = 256, .line_bytes = 64, .elements = 16};
    RespReader reader(small);
    reader.feed(bytes);
    for (;;) {
        const auto reply = reader.next();
        if (reply.has_error() || !reply.value()) {
            return;
        }
        require(elements_of(*reply.value()) <= small.elements, "no more elements than allowed");
    }
}

/// What we send is read as what we meant.
void send_and_read(const std::vector<std::string_view>& parts) {
    const rop::ports::Words words(parts.begin(), parts.end());
    std::string bytes;
    rop::redis::append_command(bytes, words);
    RespReader reader;
    reader.feed(bytes);
    const auto reply = reader.next();
    require(reply.has_value() && reply.value(), "a command is whole");
    require(reply.value()->elements.size() == words.size(), "no word is lost");
    for (std::size_t i = 0; i < words.size(); ++i) {
        require(reply.value()->elements[i].text == words[i], "a word arrives as it is");
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 96 * 1024, .per_byte = 4 * 1024});
    rop::fuzz::Input input(bytes, size);
    const std::uint8_t choice = input.take_byte();
    switch (choice % 8) {
        case 0:
            send_and_read(input.parts(' '));
            return 0;
        case 1:
            hold_small_limits(input.text());
            return 0;
        default:
            break;
    }
    const std::size_t piece = 1 + choice / 8;
    const std::string whole = read(input.text(), input.text().size(), {});
    require(whole == read(input.text(), piece, {}), "cutting the stream changes nothing");
    if (choice % 8 == 2) {
        const std::string_view replies = whole;
        const auto sound = replies.substr(0, replies.size() - (replies.ends_with('!') ? 1 : 0));
        require(read(sound, piece, {}) == sound, "what was read can be written and read again");
    }
    return 0;
}
