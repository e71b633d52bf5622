#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/slot.hpp"

namespace rop::testing {

/// "keys=3 refused" as {"keys": "3", "refused": ""}.
using DrawnWords = std::map<std::string, std::string>;

enum class DrawnKind { blank, primary, replica };

/// A node as a line states it. See topology.hpp for the grammar.
struct DrawnNode {
    std::string name;
    std::size_t index = 0;
    DrawnKind kind = DrawnKind::blank;
    SlotSet slots;
    std::string primary;      // Of a replica.
    bool is_foreign = false;  // In tables only.
    DrawnWords words;

    [[nodiscard]] bool has(const std::string& word) const { return words.contains(word); }
    [[nodiscard]] std::string get(const std::string& word, const std::string& otherwise) const {
        const auto it = words.find(word);
        return it == words.end() ? otherwise : it->second;
    }
};

/// One table's row that differs from what the node's own line says.
struct DrawnOpinion {
    std::string viewer;
    std::string node;
    std::optional<DrawnKind> kind;
    SlotSet slots;
    std::string primary;
    DrawnWords words;
};

/// "record formed a,b": a line that is about no node.
struct DrawnFact {
    std::string keyword;
    std::vector<std::string> rest;
};

struct Drawing {
    std::vector<DrawnNode> nodes;
    std::vector<DrawnOpinion> opinions;
    std::vector<DrawnFact> facts;

    [[nodiscard]] const DrawnFact* find(std::string_view keyword) const;
    [[nodiscard]] const DrawnNode* node(std::string_view name) const;
};

[[nodiscard]] Drawing parse_drawing(std::string_view text);

[[nodiscard]] std::vector<std::string> split(std::string_view text, char separator);

/// Throws std::invalid_argument.
[[nodiscard]] std::uint64_t number_of(const std::string& text);
[[noreturn]] void not_understood(const std::string& what, const std::string& text);

}  // namespace rop::testing
