// What people write in flags, files and variables: addresses, durations, slots, times, paths. What
// was read can be written and read again.

#include <string>

#include "api/duration.hpp"
#include "api/json/status_json.hpp"
#include "api/nearest.hpp"
#include "api/path.hpp"
#include "api/slot.hpp"
#include "operator/consul/base64.hpp"
#include "operator/net/url.hpp"
#include "test/fuzz/target.hpp"

namespace {

using rop::fuzz::require;

template <class Parse, class Write>
void read_twice(std::string_view text, Parse parse, Write write) {
    const auto value = parse(text);
    if (value.has_error()) {
        require(value.error().what.size() < 1'000 + 4 * text.size(), "an error is a line");
        return;
    }
    const auto again = parse(write(value.value()));
    require(again.has_value() && again.value() == value.value(),
            "what was read can be written and read again");
}

void encode(std::string_view text) {
    const std::string encoded = rop::net::percent_encode(text);
    require(encoded.size() <= 3 * text.size(), "an encoded byte is three");
    std::string decoded;
    for (std::size_t i = 0; i < encoded.size(); ++i) {
        if (encoded[i] == '%') {
            decoded += static_cast<char>(std::stoi(encoded.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            decoded += encoded[i];
        }
    }
    require(decoded == text, "what was encoded can be decoded");
    require(encoded.find('/') == std::string::npos, "it stays one segment");
    if (rop::is_clean_path(text)) {
        require(text.find("//") == std::string_view::npos && !text.starts_with('/'),
                "a clean path has no empty segment");
    }
    require(rop::consul::base64_decode(rop::consul::base64_encode(text)) == text, "base64");
    const auto bytes = rop::consul::base64_decode(text);
    require(!bytes || rop::consul::base64_decode(rop::consul::base64_encode(*bytes)) == bytes,
            "what was decoded can be encoded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 32 * 1024, .per_byte = 8 * 1024});
    rop::fuzz::Input input(bytes, size);
    const std::string_view text = input.text();
    read_twice(text, &rop::net::parse_server_url,
               [](const rop::net::ServerUrl& server) { return rop::net::to_string(server); });
    read_twice(text, &rop::parse_duration,
               [](std::chrono::milliseconds span) { return rop::to_string(span); });
    read_twice(text, &rop::parse_slot_range,
               [](const rop::SlotRange& range) { return rop::to_string(range); });
    read_twice(text, &rop::SlotSet::parse,
               [](const rop::SlotSet& slots) { return slots.to_string(); });
    read_twice(text, &rop::json::parse_time, &rop::json::write_time);
    encode(text);
    return 0;
}
