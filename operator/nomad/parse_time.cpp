#include <chrono>

#include "operator/nomad/parse.hpp"

namespace rop::nomad {
namespace {

/// Takes exactly `digits` digits from the front, and `after` behind them unless that is 0.
std::optional<int> take_number(std::string_view& text, std::size_t digits, char after) {
    const std::size_t length = digits + (after == '\0' ? 0 : 1);
    if (text.size() < length || (after != '\0' && text[digits] != after)) {
        return std::nullopt;
    }
    int number = 0;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        number = number * 10 + (c - '0');
    }
    text.remove_prefix(length);
    return number;
}

/// "" or ".265321725": milliseconds, rounded down.
std::optional<std::chrono::milliseconds> take_fraction(std::string_view& text) {
    int ms = 0;
    if (!text.starts_with('.')) {
        return std::chrono::milliseconds(0);
    }
    text.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
        ms = digits < 3 ? ms * 10 + (text[digits] - '0') : ms;
        ++digits;
    }
    if (digits == 0) {
        return std::nullopt;
    }
    text.remove_prefix(digits);
    for (; digits < 3; ++digits) {
        ms *= 10;
    }
    return std::chrono::milliseconds(ms);
}

/// "Z" or "+01:00", to the end of the text.
std::optional<std::chrono::minutes> zone_of(std::string_view text) {
    if (text == "Z") {
        return std::chrono::minutes(0);
    }
    if (!text.starts_with('+') && !text.starts_with('-')) {
        return std::nullopt;
    }
    const int sign = text.front() == '-' ? -1 : 1;
    text.remove_prefix(1);
    const auto hours = take_number(text, 2, ':');
    const auto minutes = take_number(text, 2, '\0');
    if (!hours || !minutes || !text.empty()) {
        return std::nullopt;
    }
    return std::chrono::minutes(sign * (*hours * 60 + *minutes));
}

}  // namespace

std::optional<Timestamp> parse_time(std::string_view text) {
    const auto year = take_number(text, 4, '-');
    const auto month = take_number(text, 2, '-');
    const auto day = take_number(text, 2, 'T');
    const auto hour = take_number(text, 2, ':');
    const auto minute = take_number(text, 2, ':');
    const auto second = take_number(text, 2, '\0');
    if (!year || !month || !day || !hour || !minute || !second) {
        return std::nullopt;
    }
    const auto fraction = take_fraction(text);
    const auto zone = zone_of(text);
    const std::chrono::year_month_day date{std::chrono::year(*year),
                                           std::chrono::month(static_cast<unsigned>(*month)),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!fraction || !zone || !date.ok() || *hour > 23 || *minute > 59 || *second > 60) {
        return std::nullopt;
    }
    if (*year == 1) {
        return Timestamp{};
    }
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second) + *fraction - *zone;
}

}  // namespace rop::nomad
