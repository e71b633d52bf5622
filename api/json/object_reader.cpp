#include "api/json/object_reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "api/duration.hpp"
#include "api/json/status_json.hpp"
#include "api/nearest.hpp"

namespace rop::json {
namespace {

constexpr std::size_t number_shown_max = 60;

std::string_view noun_of(Node::Kind kind) {
    switch (kind) {
        case Node::Kind::null:
            return "null";
        case Node::Kind::boolean:
            return "true or false";
        case Node::Kind::number:
            return "a number";
        case Node::Kind::text:
            return "a text";
        case Node::Kind::array:
            return "a list";
        case Node::Kind::object:
            return "an object";
    }
    return "null";
}

/// "must be a text, not a number"
std::string must_be(std::string_view what, const Node& node) {
    return "must be " + std::string(what) + ", not " + std::string(noun_of(node.kind));
}

std::string listed(Words words) {
    std::string text;
    for (const auto& word : words) {
        text += (text.empty() ? "" : ", ") + std::string(word);
    }
    return text;
}

std::optional<double> real_number(const Node& node) {
    double value = 0;
    const char* const end = node.text.data() + node.text.size();
    const auto [stop, ec] = std::from_chars(node.text.data(), end, value);
    if (node.kind != Node::Kind::number || ec != std::errc{} || stop != end ||
        !std::isfinite(value)) {
        return std::nullopt;
    }
    return value;
}

/// `"3"` for 3, when that would have been right.
std::string unquoted_number(const Node& node, NumberRange range) {
    Node bare = node;
    bare.kind = Node::Kind::number;
    const auto number = node.kind == Node::Kind::text ? whole_number(bare) : std::nullopt;
    return number && *number >= range.min && *number <= range.max ? node.text : "";
}

}  // namespace

void ProblemList::place(std::size_t place, Problem problem) {
    if (is_full()) {
        ++dropped_;
        return;
    }
    problems_.push_back(Placed{place, std::move(problem)});
}

std::vector<Problem> ProblemList::take() && {
    std::stable_sort(problems_.begin(), problems_.end(),
                     [](const Placed& a, const Placed& b) { return a.place < b.place; });
    std::vector<Problem> problems;
    problems.reserve(problems_.size() + 1);
    for (auto& placed : problems_) {
        problems.push_back(std::move(placed.problem));
    }
    if (dropped_ > 0) {
        problems.push_back({"$", "", std::to_string(dropped_) + " more problems", ""});
    }
    return problems;
}

ObjectReader::ObjectReader(ProblemList& problems, const Node& node, std::string path, Reading how)
    : problems_(problems), node_(node), path_(std::move(path)), secrecy_(how.secrecy) {
    if (!is_object()) {
        refuse_at(node, path_, must_be("an object", node));
    } else if (how.unknown == UnknownFields::refused) {
        check_fields(how.fields);
    }
}

void ObjectReader::check_fields(Words fields) {
    for (const auto& field : node_.fields) {
        if (std::find(fields.begin(), fields.end(), field.key) != fields.end()) {
            continue;
        }
        // What is only counted needs no comparing: there may be tens of thousands.
        const std::string meant = problems_.is_full() ? "" : nearest(field.key, fields);
        const bool is_secret = secrecy_ == Secrecy::secret || sounds_secret(field.key);
        const bool hides_name = secrecy_ == Secrecy::secret && meant.empty();
        // A text that we know nothing of may be a secret under a name that does not sound so.
        const bool is_text = field.value.kind == Node::Kind::text;
        problems_.add(field.value, {.path = path_of(path_, hides_name ? "***" : field.key),
                                    .value = is_secret ? "***"
                                             : is_text ? std::string(noun_of(field.value.kind))
                                                       : shown_value(field.value, Secrecy::open),
                                    .rule = "unknown field; known here: " + listed(fields),
                                    .nearest = meant});
    }
}

const Node* ObjectReader::require(std::string_view name, std::string_view rule) {
    const Node* node = find(name);
    if (node == nullptr && is_object()) {
        problems_.add_after(node_, {.path = path_to(name),
                                    .value = "",
                                    .rule = "required: " + std::string(rule),
                                    .nearest = ""});
    }
    return node;
}

bool ObjectReader::number(std::string_view name, NumberRange range, std::uint64_t& target) {
    const Node* node = find(name);
    if (node == nullptr) {
        return false;
    }
    const std::string rule =
        "a whole number from " + std::to_string(range.min) + " to " + std::to_string(range.max);
    if (node->kind != Node::Kind::number) {
        refuse(name, must_be(rule, *node), unquoted_number(*node, range));
        return false;
    }
    const auto number = whole_number(*node);
    if (!number || *number < range.min || *number > range.max) {
        refuse(name, "must be " + rule);
        return false;
    }
    target = *number;
    return true;
}

bool ObjectReader::number(std::string_view name, NumberRange range, std::uint32_t& target) {
    std::uint64_t wide = 0;
    range.max = std::min<std::uint64_t>(range.max, std::numeric_limits<std::uint32_t>::max());
    if (!number(name, range, wide)) {
        return false;
    }
    target = static_cast<std::uint32_t>(wide);
    return true;
}

bool ObjectReader::real(std::string_view name, const RealRule& rule, double& target) {
    const Node* node = find(name);
    return node != nullptr && real_at(*node, path_to(name), rule, target);
}

bool ObjectReader::real_at(const Node& at, const std::string& path, const RealRule& rule,
                           double& target) {
    if (at.kind != Node::Kind::number) {
        refuse_at(at, path, must_be(rule.rule, at));
        return false;
    }
    const auto number = real_number(at);
    if (!number || !rule.holds(*number)) {
        refuse_at(at, path, "must be " + std::string(rule.rule));
        return false;
    }
    target = *number;
    return true;
}

bool ObjectReader::boolean(std::string_view name, bool& target) {
    const Node* node = find(name);
    if (node == nullptr) {
        return false;
    }
    if (node->kind != Node::Kind::boolean) {
        const bool is_word = node->text == "true" || node->text == "false";
        refuse(name, must_be("true or false", *node), is_word ? node->text : "");
        return false;
    }
    target = node->boolean;
    return true;
}

bool ObjectReader::text(std::string_view name, const TextRule& rule, std::string& target) {
    const Node* node = find(name);
    if (node == nullptr) {
        return false;
    }
    if (node->kind != Node::Kind::text) {
        refuse(name, must_be(rule.rule, *node));
        return false;
    }
    if (!rule.holds(node->text)) {
        refuse(name, "must be " + std::string(rule.rule));
        return false;
    }
    target = node->text;
    return true;
}

bool ObjectReader::word(std::string_view name, Words words, std::string& target) {
    const Node* node = find(name);
    if (node == nullptr) {
        return false;
    }
    const std::string rule = "one of: " + listed(words);
    if (node->kind != Node::Kind::text) {
        refuse(name, must_be(rule, *node));
        return false;
    }
    if (std::find(words.begin(), words.end(), node->text) == words.end()) {
        refuse(name, "must be " + rule, nearest(node->text, words));
        return false;
    }
    target = node->text;
    return true;
}

bool ObjectReader::duration(std::string_view name, std::chrono::milliseconds min,
                            std::chrono::milliseconds max, std::chrono::milliseconds& target) {
    const Node* node = find(name);
    if (node == nullptr) {
        return false;
    }
    const std::string rule = "a duration as \"500ms\", \"15s\" or \"1m\", from " + to_string(min) +
                             " to " + to_string(max);
    if (node->kind != Node::Kind::text) {
        refuse(name, must_be(rule, *node));
        return false;
    }
    const auto parsed = parse_duration(node->text);
    if (parsed.has_error() || parsed.value() < min || parsed.value() > max) {
        refuse(name, "must be " + rule);
        return false;
    }
    target = parsed.value();
    return true;
}

bool ObjectReader::time(std::string_view name, Timestamp& target) {
    const Node* node = find(name);
    if (node == nullptr) {
        return false;
    }
    constexpr std::string_view rule = "a time as \"2026-11-21T09:00:00Z\" (RFC 3339)";
    if (node->kind != Node::Kind::text) {
        refuse(name, must_be(rule, *node));
        return false;
    }
    const auto parsed = parse_time(node->text);
    if (parsed.has_error()) {
        refuse(name, "must be " + std::string(rule));
        return false;
    }
    target = parsed.value();
    return true;
}

const Node* ObjectReader::array(std::string_view name) {
    const Node* node = find(name);
    if (node != nullptr && node->kind != Node::Kind::array) {
        refuse(name, must_be("a list", *node));
        return nullptr;
    }
    return node;
}

void ObjectReader::refuse(std::string_view name, std::string rule, std::string nearest) {
    refuse_at(*find(name), path_to(name), std::move(rule), std::move(nearest));
}

void ObjectReader::refuse_at(const Node& at, const std::string& path, std::string rule,
                             std::string nearest) {
    problems_.add(at, {.path = path,
                       .value = shown_value(at, secrecy_),
                       .rule = std::move(rule),
                       .nearest = std::move(nearest)});
}

std::string shown_value(const Node& node, Secrecy secrecy) {
    if (secrecy == Secrecy::secret) {
        return "***";
    }
    switch (node.kind) {
        case Node::Kind::null:
            return "null";
        case Node::Kind::boolean:
            return node.boolean ? "true" : "false";
        case Node::Kind::number:
            return node.text.size() <= number_shown_max
                       ? node.text
                       : node.text.substr(0, number_shown_max) + "...";
        case Node::Kind::text: {
            // "s3://key:secret@bucket"
            const auto scheme = node.text.find("://");
            const bool has_credentials =
                scheme != std::string::npos && node.text.find('@', scheme) != std::string::npos;
            return has_credentials ? "***" : in_quotes(node.text);
        }
        // What is inside may be anything, secrets too.
        case Node::Kind::array:
            return node.elements.empty() ? "[]" : "[...]";
        case Node::Kind::object:
            return node.fields.empty() ? "{}" : "{...}";
    }
    return "";
}

bool sounds_secret(std::string_view name) {
    std::string letters(name);
    std::transform(letters.begin(), letters.end(), letters.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    constexpr std::array<std::string_view, 8> sounds{"pass",  "pwd", "secret", "auth",
                                                     "token", "key", "cred",   "user"};
    return std::any_of(sounds.begin(), sounds.end(), [&](std::string_view sound) {
        return letters.find(sound) != std::string::npos;
    });
}

std::optional<std::uint64_t> whole_number(const Node& node) {
    std::uint64_t number = 0;
    const char* const end = node.text.data() + node.text.size();
    const auto [stop, ec] = std::from_chars(node.text.data(), end, number);
    if (node.kind != Node::Kind::number || ec != std::errc{} || stop != end) {
        return std::nullopt;
    }
    return number;
}

}  // namespace rop::json
