#include "operator/loop/lock_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace rop::loop {
namespace {

namespace bj = boost::json;

std::string text_at(const bj::object& object, std::string_view key) {
    const bj::value* found = object.if_contains(key);
    const bj::string* text = found == nullptr ? nullptr : found->if_string();
    return text == nullptr ? std::string() : std::string(*text);
}

std::optional<std::uint64_t> number_at(const bj::object& object, std::string_view key) {
    const bj::value* found = object.if_contains(key);
    if (found == nullptr || !found->is_number()) {
        return std::nullopt;
    }
    boost::system::error_code not_exact;
    const auto number = found->to_number<std::uint64_t>(not_exact);
    return not_exact ? std::nullopt : std::optional(number);
}

bool flag_at(const bj::object& object, std::string_view key) {
    const bj::value* found = object.if_contains(key);
    return found != nullptr && found->is_bool() && found->get_bool();
}

}  // namespace

std::string write_lock_value(const LockValue& value) {
    bj::object object;
    object["instance"] = value.instance;
    object["address"] = value.address;
    object["version"] = value.version;
    object["epoch"] = value.epoch.value();
    object["host"] = value.host;
    if (value.released) {
        object["released"] = true;
    }
    return bj::serialize(object);
}

std::optional<LockValue> parse_lock_value(std::string_view text) {
    boost::system::error_code broken;
    const bj::value document = bj::parse(text, broken);
    if (broken || !document.is_object()) {
        return std::nullopt;
    }
    const bj::object& object = document.get_object();
    const std::optional<std::uint64_t> epoch = number_at(object, "epoch");
    LockValue value;
    value.instance = text_at(object, "instance");
    if (!epoch || Epoch(*epoch) > greatest_epoch || value.instance.empty()) {
        return std::nullopt;
    }
    value.epoch = Epoch(*epoch);
    value.address = text_at(object, "address");
    value.version = text_at(object, "version");
    value.host = text_at(object, "host");
    value.released = flag_at(object, "released");
    return value;
}

std::optional<Epoch> parse_epoch(std::string_view text) {
    std::uint64_t number = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || stop != end || Epoch(number) > greatest_epoch) {
        return std::nullopt;
    }
    return Epoch(number);
}

Epoch greatest_written(const std::vector<ports::KvEntry>& keys) {
    Epoch greatest;
    for (const ports::KvEntry& entry : keys) {
        if (!entry.key.ends_with("/record") && !entry.key.ends_with("/status")) {
            continue;
        }
        boost::system::error_code broken;
        const bj::value document = bj::parse(entry.value, broken);
        if (broken || !document.is_object()) {
            continue;
        }
        const Epoch written(number_at(document.get_object(), "epoch").value_or(0));
        if (written < greatest_epoch) {  // The next one must be believed, too.
            greatest = std::max(greatest, written);
        }
    }
    return greatest;
}

std::string hex16(std::uint64_t number) {
    std::array<char, 16> digits{};
    const auto [end, error] = std::to_chars(digits.begin(), digits.end(), number, 16);
    const std::string text(digits.begin(), end);
    return std::string(digits.size() - text.size(), '0') + text;
}

}  // namespace rop::loop
