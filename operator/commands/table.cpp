#include "operator/commands/table.hpp"

#include <algorithm>

namespace rop::commands {
namespace {

/// Code points, which is columns for everything that we print ourselves.
std::size_t width_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    }));
}

/// Bytes of the first character of UTF-8; 0 when it is not one.
std::size_t length_of_first(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const std::size_t length = byte(0) < 0x80U   ? 1
                               : byte(0) < 0xc2U ? 0
                               : byte(0) < 0xe0U ? 2
                               : byte(0) < 0xf0U ? 3
                               : byte(0) < 0xf5U ? 4
                                                 : 0;
    if (length > text.size()) {
        return 0;
    }
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xc0U) != 0x80U) {
            return 0;
        }
    }
    return length;
}

/// Control characters, those of 8 bits too, and what turns the direction of writing:
/// U+0000-001F, U+007F-009F, U+202A-202E, U+2066-2069.
bool steers(std::string_view character) {
    using namespace std::string_view_literals;
    if (character.size() == 1) {
        return static_cast<unsigned char>(character[0]) < 0x20U || character[0] == '\x7f';
    }
    return (character >= "\xc2\x80"sv && character <= "\xc2\x9f"sv) ||
           (character >= "\xe2\x80\xaa"sv && character <= "\xe2\x80\xae"sv) ||
           (character >= "\xe2\x81\xa6"sv && character <= "\xe2\x81\xa9"sv);
}

std::string_view escape_of(Paint paint) {
    switch (paint) {
        case Paint::plain:
            return "";
        case Paint::good:
            return "\x1b[32m";
        case Paint::busy:
            return "\x1b[33m";
        case Paint::bad:
            return "\x1b[31m";
        case Paint::faint:
            return "\x1b[2m";
    }
    return "";
}

}  // namespace

std::string Style::operator()(Paint paint, std::string_view text) const {
    if (!colours || paint == Paint::plain) {
        return std::string(text);
    }
    return std::string(escape_of(paint)) + std::string(text) + "\x1b[0m";
}

Cell::Cell(std::string_view the_text, Paint the_paint)
    : text(the_text.empty() ? "-" : printable(the_text)), paint(the_paint) {}

std::string draw_table(const std::vector<std::vector<Cell>>& rows, Style style,
                       std::string_view indent) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t column = 0; column < row.size(); ++column) {
            widths[column] = std::max(widths[column], width_of(row[column].text));
        }
    }
    std::string drawn;
    for (const auto& row : rows) {
        drawn += indent;
        for (std::size_t column = 0; column < row.size(); ++column) {
            drawn += style(row[column].paint, row[column].text);
            if (column + 1 < row.size()) {
                drawn.append(widths[column] - width_of(row[column].text) + 2, ' ');
            }
        }
        drawn += '\n';
    }
    return drawn;
}

std::string printable(std::string_view text) {
    std::string safe;
    safe.reserve(text.size());
    while (!text.empty()) {
        const std::size_t length = length_of_first(text);
        const std::string_view character = text.substr(0, std::max<std::size_t>(1, length));
        if (length == 0 || steers(character)) {
            safe += '?';
        } else {
            safe += character;
        }
        text.remove_prefix(character.size());
    }
    return safe;
}

std::string age(Timestamp then, Timestamp now) {
    if (then == Timestamp{}) {
        return "-";
    }
    const auto seconds = std::max<std::int64_t>(
        0, std::chrono::duration_cast<std::chrono::seconds>(now - then).count());
    if (seconds < 60) {
        return std::to_string(seconds) + "s";
    }
    if (seconds < 60 * 60) {
        return std::to_string(seconds / 60) + "m";
    }
    if (seconds < 48 * 60 * 60) {
        return std::to_string(seconds / (60 * 60)) + "h";
    }
    return std::to_string(seconds / (24 * 60 * 60)) + "d";
}

Paint paint_of(Phase phase) {
    switch (phase) {
        case Phase::ready:
            return Paint::good;
        case Phase::down:
            return Paint::bad;
        case Phase::paused:
            return Paint::faint;
        case Phase::pending:
        case Phase::forming:
        case Phase::scaling:
        case Phase::rebalancing:
        case Phase::rolling:
        case Phase::degraded:
            return Paint::busy;
    }
    return Paint::plain;
}

Paint paint_of(Truth truth) {
    switch (truth) {
        case Truth::yes:
            return Paint::good;
        case Truth::no:
            return Paint::bad;
        case Truth::unknown:
            return Paint::busy;
    }
    return Paint::plain;
}

std::string short_id(const InstanceId& instance) {
    const std::string& id = instance.value();
    const bool is_uuid = id.size() == 36 && id[8] == '-' && id[13] == '-' && id[18] == '-' &&
                         id[23] == '-' && id.find('/') == std::string::npos;
    return is_uuid ? id.substr(0, 8) : id;
}

std::string counted(std::size_t count, std::string_view noun) {
    return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

}  // namespace rop::commands
