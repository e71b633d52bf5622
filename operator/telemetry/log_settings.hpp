#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace rop::log {

enum class Level { debug, info, warn, error };
enum class Format { logfmt, json };

/// "debug", "info", "warn", "error"; "logfmt", "json". Anything else: nullopt.
[[nodiscard]] std::optional<Level> parse_level(std::string_view word);
[[nodiscard]] std::optional<Format> parse_format(std::string_view word);
[[nodiscard]] std::string_view to_string(Level level);
[[nodiscard]] std::string_view to_string(Format format);

struct Settings {
    Level level = Level::info;
    Format format = Format::logfmt;
};

/// Holds for every later line of the process. Lines go to standard error, with their time in
/// UTC to the millisecond.
void configure(Settings settings);

/// Lines go there instead, without their time, until called with nothing: where another time than
/// the machine's holds, as in the simulator.
void divert(std::function<void(Level, const std::string& line)> to);

}  // namespace rop::log
