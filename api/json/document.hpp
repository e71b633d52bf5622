#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.hpp"

namespace rop::json {

/// What fits into one Consul value: 512 KiB, of which base64 takes a quarter, less what the
/// transaction around it needs.
inline constexpr std::size_t document_size_max = 390'000;

struct Field;

/// A JSON value that keeps what boost::json::value forgets: doubled keys, and how a number was
/// written. Problems can then be shown in the user's own words and order.
struct Node {
    enum class Kind { null, boolean, number, text, array, object };

    Kind kind = Kind::null;
    bool boolean = false;
    std::string text;       // A text, or a number as it was written.
    std::size_t order = 0;  // Counts the values of the document.
    std::size_t last = 0;   // Order of the last value inside this one.
    std::vector<Node> elements;
    std::vector<Field> fields;

    /// The first field of that name, or null.
    [[nodiscard]] const Node* find(std::string_view key) const;
};

struct Field {
    std::string key;
    Node value;
};

/// Bounded in size, depth and number of values; strict JSON in valid UTF-8. The error is
/// `malformed` and says where: "line 3, column 14 (byte 77): ...". It never quotes the text,
/// which may hold a secret.
[[nodiscard]] Result<Node> parse_document(std::string_view text);

/// "$.failover", "$.settings[\"maxmemory\"]", "$.allow[2]".
[[nodiscard]] std::string path_of(const std::string& parent, std::string_view key);
[[nodiscard]] std::string path_of(const std::string& parent, std::size_t index);

/// The text in quotes, JSON's escapes included; shortened to about 60 characters.
[[nodiscard]] std::string in_quotes(std::string_view text);

}  // namespace rop::json
