#include "api/duration.hpp"

#include <array>
#include <charconv>
#include <cstdint>

namespace rop {
namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};

// Largest first: to_string takes the first that divides.
constexpr std::array units{Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                           Unit{"ms", 1}};
constexpr std::int64_t duration_max_ms = 366LL * 24 * 3'600'000;

}  // namespace

std::string to_string(std::chrono::milliseconds duration) {
    const std::int64_t count = duration.count();
    for (const auto& unit : units) {
        if (count != 0 && count % unit.milliseconds == 0) {
            return std::to_string(count / unit.milliseconds) + std::string(unit.name);
        }
    }
    return "0ms";
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const Error malformed{ErrorKind::malformed, "not a duration: '" + std::string(text) + "'"};
    std::int64_t number = 0;
    const char* const text_end = text.data() + text.size();
    const auto [end, ec] = std::from_chars(text.data(), text_end, number);
    if (ec != std::errc{} || number < 0 || text.front() == '-') {
        return malformed;
    }
    const std::string_view name(end, static_cast<std::size_t>(text_end - end));
    for (const auto& unit : units) {
        if (name == unit.name && number <= duration_max_ms / unit.milliseconds) {
            return std::chrono::milliseconds(number * unit.milliseconds);
        }
    }
    return malformed;
}

}  // namespace rop
