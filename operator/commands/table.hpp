#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "api/status.hpp"
#include "api/time.hpp"

namespace rop::commands {

enum class Paint { plain, good, busy, bad, faint };

/// Colours only where somebody looks: on a terminal, and not against NO_COLOR.
struct Style {
    bool colours = false;

    [[nodiscard]] std::string operator()(Paint paint, std::string_view text) const;
};

struct Cell {
    Cell(std::string_view the_text, Paint the_paint = Paint::plain);
    Cell(const std::string& the_text, Paint the_paint = Paint::plain)
        : Cell(std::string_view(the_text), the_paint) {}
    Cell(const char* the_text) : Cell(std::string_view(the_text)) {}

    std::string text;  // Printable: control characters became '?'.
    Paint paint = Paint::plain;
};

/// Columns as wide as their widest cell, two spaces apart; no spaces at the end of a line. The
/// first row is the header. Empty cells show "-".
[[nodiscard]] std::string draw_table(const std::vector<std::vector<Cell>>& rows, Style style,
                                     std::string_view indent = "");

/// Others write into KV: what they wrote must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// "0s", "59s", "12m", "3h", "4d": how long ago. The future is "0s", the epoch "-".
[[nodiscard]] std::string age(Timestamp then, Timestamp now);

[[nodiscard]] Paint paint_of(Phase phase);
[[nodiscard]] Paint paint_of(Truth truth);

/// A Nomad allocation id as Nomad shortens it, anything else whole.
[[nodiscard]] std::string short_id(const InstanceId& instance);

/// "1 replica", "3 replicas".
[[nodiscard]] std::string counted(std::size_t count, std::string_view noun);

}  // namespace rop::commands
