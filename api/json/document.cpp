#include "api/json/document.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include <boost/json/basic_parser_impl.hpp>

#include "api/json/writer.hpp"

namespace rop::json {
namespace {

namespace bj = boost::json;

constexpr std::size_t depth_max = 16;
constexpr std::size_t values_max = 100'000;
constexpr std::size_t shown_max = 60;

/// Builds the tree. Called by boost::json::basic_parser, which checks the syntax.
class TreeHandler {
  public:
    static constexpr std::size_t max_object_size = document_size_max;
    static constexpr std::size_t max_array_size = document_size_max;
    static constexpr std::size_t max_key_size = document_size_max;
    static constexpr std::size_t max_string_size = document_size_max;

    bool on_document_begin(bj::error_code&) { return true; }
    bool on_document_end(bj::error_code&) { return true; }
    bool on_object_begin(bj::error_code& ec) { return open(Node::Kind::object, ec); }
    bool on_object_end(std::size_t, bj::error_code&) { return close(); }
    bool on_array_begin(bj::error_code& ec) { return open(Node::Kind::array, ec); }
    bool on_array_end(std::size_t, bj::error_code&) { return close(); }

    bool on_key_part(bj::string_view part, std::size_t, bj::error_code&) { return gather(part); }
    bool on_key(bj::string_view part, std::size_t, bj::error_code&) {
        gather(part);
        key_ = std::exchange(gathered_, {});
        return true;
    }
    bool on_string_part(bj::string_view part, std::size_t, bj::error_code&) { return gather(part); }
    bool on_string(bj::string_view part, std::size_t, bj::error_code& ec) {
        gather(part);
        return add_gathered(Node::Kind::text, ec);
    }
    bool on_number_part(bj::string_view part, bj::error_code&) { return gather(part); }
    bool on_int64(std::int64_t, bj::string_view part, bj::error_code& ec) {
        gather(part);
        return add_gathered(Node::Kind::number, ec);
    }
    bool on_uint64(std::uint64_t, bj::string_view part, bj::error_code& ec) {
        gather(part);
        return add_gathered(Node::Kind::number, ec);
    }
    bool on_double(double, bj::string_view part, bj::error_code& ec) {
        gather(part);
        return add_gathered(Node::Kind::number, ec);
    }
    bool on_bool(bool value, bj::error_code& ec) {
        Node* node = add(Node::Kind::boolean, ec);
        if (node != nullptr) {
            node->boolean = value;
        }
        return node != nullptr;
    }
    bool on_null(bj::error_code& ec) { return add(Node::Kind::null, ec) != nullptr; }
    bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
    bool on_comment(bj::string_view, bj::error_code&) { return true; }

    Node root;

  private:
    bool gather(bj::string_view part) {
        gathered_.append(part.data(), part.size());
        return true;
    }

    Node* add(Node::Kind kind, bj::error_code& ec) {
        if (count_ == values_max) {
            ec = bj::error::array_too_large;
            return nullptr;
        }
        Node* node = &root;
        if (!open_.empty()) {
            Node& parent = *open_.back();
            if (parent.kind == Node::Kind::object) {
                node = &parent.fields.emplace_back(Field{std::move(key_), {}}).value;
                key_.clear();
            } else {
                node = &parent.elements.emplace_back();
            }
        }
        node->kind = kind;
        node->order = count_++;
        node->last = node->order;
        return node;
    }

    bool add_gathered(Node::Kind kind, bj::error_code& ec) {
        Node* node = add(kind, ec);
        if (node == nullptr) {
            return false;
        }
        node->text = std::exchange(gathered_, {});
        return true;
    }

    bool open(Node::Kind kind, bj::error_code& ec) {
        Node* node = add(kind, ec);
        if (node == nullptr) {
            return false;
        }
        open_.push_back(node);  // Stays valid: its parent grows only after it was closed.
        return true;
    }

    bool close() {
        open_.back()->last = count_ - 1;
        open_.pop_back();
        return true;
    }

    std::vector<Node*> open_;
    std::string key_;
    std::string gathered_;
    std::size_t count_ = 0;
};

/// The most frequent slips, told apart by the byte at which the parser stopped.
std::string hint_of(std::string_view text, std::size_t offset) {
    const std::string_view rest = text.substr(offset);
    for (const auto* word : {"NaN", "nan", "Infinity", "inf", "-Infinity", "-inf"}) {
        if (rest.starts_with(word) || (offset > 0 && text.substr(offset - 1).starts_with(word))) {
            return "NaN and Infinity are no JSON numbers";
        }
    }
    const char at = rest.empty() ? '\0' : rest.front();
    if (at == '\'') {
        return "JSON writes texts in double quotes";
    }
    if (at == '/' || at == '#') {
        return "JSON has no comments";
    }
    if (at == '}' || at == ']') {
        const auto before = text.substr(0, offset).find_last_not_of(" \t\r\n");
        return before != std::string_view::npos && text[before] == ','
                   ? "a comma stands between two values only, not after the last"
                   : "a bracket that nothing opened, or a value missing before it";
    }
    if (static_cast<unsigned char>(at) < 0x20 && !rest.empty()) {
        return "a control character; in texts they are written as escapes";
    }
    return static_cast<unsigned char>(at) >= 0x80 ? "not valid UTF-8, or not within a text"
                                                  : "not JSON";
}

std::string what_of(const bj::error_code& ec, std::string_view text, std::size_t offset) {
    if (ec == bj::error::incomplete) {
        return text.empty() ? "the document is empty" : "the document ends too early";
    }
    if (ec == bj::error::extra_data) {
        return "something follows after the end of the document";
    }
    if (ec == bj::error::too_deep) {
        return "nested deeper than " + std::to_string(depth_max) + " levels";
    }
    if (ec == bj::error::array_too_large) {
        return "more than " + std::to_string(values_max) + " values";
    }
    if (ec == bj::error::exponent_overflow) {
        return "a number with an exponent out of range";
    }
    return ec == bj::error::syntax ? hint_of(text, offset) : ec.message();
}

Error malformed_at(std::string_view text, std::size_t offset, const bj::error_code& ec) {
    const std::string_view before = text.substr(0, offset);
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const auto line_start = before.rfind('\n');
    const std::size_t column =
        line_start == std::string_view::npos ? offset + 1 : offset - line_start;
    return Error{ErrorKind::malformed,
                 "line " + std::to_string(line) + ", column " + std::to_string(column) + " (byte " +
                     std::to_string(offset) + "): " + what_of(ec, text, offset)};
}

bool is_plain_key(std::string_view key) {
    return !key.empty() && key.size() <= shown_max && (key.front() < '0' || key.front() > '9') &&
           std::all_of(key.begin(), key.end(), [](char c) {
               return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9');
           });
}

}  // namespace

const Node* Node::find(std::string_view key) const {
    const auto it = std::find_if(fields.begin(), fields.end(),
                                 [&](const Field& field) { return field.key == key; });
    return it == fields.end() ? nullptr : &it->value;
}

Result<Node> parse_document(std::string_view text) {
    if (text.size() > document_size_max) {
        return Error{ErrorKind::malformed, std::to_string(text.size()) + " bytes: at most " +
                                               std::to_string(document_size_max) +
                                               " fit into a Consul value"};
    }
    bj::parse_options options;
    options.max_depth = depth_max;
    bj::basic_parser<TreeHandler> parser(options);
    bj::error_code ec;
    const std::size_t offset = parser.write_some(false, text.data(), text.size(), ec);
    if (!ec && offset < text.size()) {
        ec = bj::error::extra_data;
    }
    if (ec) {
        return malformed_at(text, std::min(offset, text.size()), ec);
    }
    return std::move(parser.handler().root);
}

std::string path_of(const std::string& parent, std::string_view key) {
    // Names that users choose stand in brackets, names of the contract after a point.
    const bool is_map = parent.ends_with(".settings") || parent.ends_with(".weights");
    return is_plain_key(key) && !is_map ? parent + "." + std::string(key)
                                        : parent + "[" + in_quotes(key) + "]";
}

std::string path_of(const std::string& parent, std::size_t index) {
    return parent + "[" + std::to_string(index) + "]";
}

std::string in_quotes(std::string_view text) {
    std::size_t end = std::min(text.size(), shown_max);
    while (end < text.size() && end > 0 &&
           (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) {
        --end;  // Not in the middle of a character.
    }
    Writer writer;
    writer.value(text.substr(0, end));
    std::string shown = std::move(writer).text();
    if (end < text.size()) {
        shown.insert(shown.size() - 1, "...");
    }
    return shown;
}

}  // namespace rop::json
