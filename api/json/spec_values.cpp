#include "api/json/spec_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace rop::json {
namespace {

constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";
constexpr std::size_t text_max = 4'096;

bool consists_of(std::string_view text, std::string_view others, std::size_t length_max) {
    return !text.empty() && text.size() <= length_max &&
           std::all_of(text.begin(), text.end(), [&](char c) {
               return lower.find(c) != std::string_view::npos ||
                      upper.find(c) != std::string_view::npos ||
                      digits.find(c) != std::string_view::npos ||
                      others.find(c) != std::string_view::npos;
           });
}

struct NumberSpan {
    unsigned min;
    unsigned max;
};

std::optional<unsigned> small_number(std::string_view text) {
    unsigned number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data(), end, number);
    const bool fine = ec == std::errc{} && stop == end && !text.empty() && text.size() <= 4;
    return fine ? std::optional(number) : std::nullopt;
}

std::string_view take_until(std::string_view& text, char separator) {
    const auto end = text.find(separator);
    const auto part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    return part;
}

/// "*", "5", "1-5", each also with "/2".
bool is_cron_part(std::string_view part, NumberSpan span) {
    const bool has_step = part.find('/') != std::string_view::npos;
    std::string_view range = take_until(part, '/');
    const auto step = small_number(part);
    if (has_step && (!step || *step == 0 || *step > span.max)) {
        return false;
    }
    if (range == "*") {
        return true;
    }
    const bool is_range = range.find('-') != std::string_view::npos;
    const auto first = small_number(take_until(range, '-'));
    const auto last = is_range ? small_number(range) : first;
    return first && last && *first >= span.min && *first <= *last && *last <= span.max &&
           (is_range || !has_step);
}

bool is_cron_field(std::string_view field, NumberSpan span) {
    if (field.empty() || field.back() == ',') {
        return false;
    }
    while (!field.empty()) {
        if (!is_cron_part(take_until(field, ','), span)) {
            return false;
        }
    }
    return true;
}

struct SizeUnit {
    std::string_view name;
    std::uint64_t bytes;
};

// Largest first: write_size takes the first that divides. redis.conf, "Note on units".
constexpr std::array size_units{SizeUnit{"gb", 1ULL << 30U},
                                SizeUnit{"mb", 1ULL << 20U},
                                SizeUnit{"kb", 1ULL << 10U},
                                SizeUnit{"g", 1'000'000'000},
                                SizeUnit{"m", 1'000'000},
                                SizeUnit{"k", 1'000},
                                SizeUnit{"b", 1}};

}  // namespace

bool is_cluster_name(std::string_view text) {
    constexpr std::size_t length_max = 63;
    return consists_of(text, "-", length_max) && text.front() != '-' &&
           text.find_first_of(upper) == std::string_view::npos;
}

bool is_service_name(std::string_view text) {
    return consists_of(text, "-_.", 128);
}

bool is_job_word(std::string_view text) {
    return is_printable(text) && text.size() <= 128 && text.find(' ') == std::string_view::npos;
}

bool is_namespace(std::string_view text) {
    return consists_of(text, "-_", 128);
}

bool is_variable_name(std::string_view text) {
    return consists_of(text, "_", 128) && digits.find(text.front()) == std::string_view::npos;
}

bool is_spread(std::string_view text) {
    constexpr std::string_view meta = "meta.";
    return text == "host" || text == "datacenter" ||
           (text.starts_with(meta) && consists_of(text.substr(meta.size()), "-_.", 128));
}

bool is_path(std::string_view text) {
    return is_printable(text) && text.back() != '/';
}

bool is_printable(std::string_view text) {
    return !text.empty() && text.size() <= text_max &&
           std::none_of(text.begin(), text.end(),
                        [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

bool is_nomad_variable(std::string_view text) {
    const bool has_item = text.find('#') != std::string_view::npos;
    const std::string_view path = take_until(text, '#');
    return consists_of(path, "-_~/", 128) && path.front() != '/' && path.back() != '/' &&
           (has_item ? is_job_word(text) : text.empty());
}

bool is_consul_key(std::string_view text) {
    if (!is_printable(text) || text.size() > 512 || text.back() == '/') {
        return false;
    }
    while (!text.empty()) {
        const std::string_view segment = take_until(text, '/');
        if (segment.empty() || segment == "." || segment == "..") {
            return false;
        }
    }
    return true;
}

bool is_cron(std::string_view text) {
    constexpr std::array spans{NumberSpan{0, 59}, NumberSpan{0, 23}, NumberSpan{1, 31},
                               NumberSpan{1, 12}, NumberSpan{0, 7}};
    if (text.size() > text_max || (!text.empty() && text.back() == ' ')) {
        return false;
    }
    for (const auto& span : spans) {
        if (!is_cron_field(take_until(text, ' '), span)) {
            return false;
        }
    }
    return text.empty();
}

bool is_backup_target(std::string_view text) {
    if (!is_printable(text) || text.find_first_of(" @?#") != std::string_view::npos) {
        return false;
    }
    constexpr std::string_view file = "file:///";
    constexpr std::string_view s3 = "s3://";
    if (text.starts_with(file)) {
        return text.size() > file.size();
    }
    std::string_view rest = text.starts_with(s3) ? text.substr(s3.size()) : std::string_view{};
    return consists_of(take_until(rest, '/'), "-.", 63);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, ec] = std::from_chars(text.data(), end, number);
    if (ec != std::errc{}) {
        return std::nullopt;
    }
    const std::string_view unit_name(stop, static_cast<std::size_t>(end - stop));
    for (const auto& unit : size_units) {
        if (unit.name == unit_name &&
            number <= std::numeric_limits<std::uint64_t>::max() / unit.bytes) {
            return number * unit.bytes;
        }
    }
    return std::nullopt;
}

std::string write_size(std::uint64_t bytes) {
    for (const auto& unit : size_units) {
        if (bytes != 0 && bytes % unit.bytes == 0) {
            return std::to_string(bytes / unit.bytes) + std::string(unit.name);
        }
    }
    return "0b";
}

}  // namespace rop::json
