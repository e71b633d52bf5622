// Our two readers of JSON, the one for users' documents and the one for other programs' answers,
// against each other: both read strict JSON, and neither keeps one of two fields of a name.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>

#include "api/json/document.hpp"
#include "operator/net/json_reader.hpp"
#include "test/fuzz/target.hpp"

namespace {

using rop::fuzz::require;
using rop::json::Node;
using rop::net::JsonField;

enum class Verdict { read, refused, either };

/// A zero may have any exponent; Boost.JSON finds out only after it took it for a number.
Verdict verdict_on(const std::string& number) {
    if (!std::isfinite(std::strtod(number.c_str(), nullptr))) {
        return Verdict::refused;
    }
    const auto exponent = number.find_first_of("eE");
    return exponent != std::string::npos && number.size() - exponent > 3 ? Verdict::either
                                                                         : Verdict::read;
}

Verdict verdict_on(const Node& node) {
    Verdict verdict = node.kind == Node::Kind::number ? verdict_on(node.text) : Verdict::read;
    const auto add = [&](const Node& below) {
        const Verdict found = verdict_on(below);
        verdict = verdict == Verdict::refused || found == Verdict::read ? verdict : found;
    };
    std::set<std::string_view> names;
    for (const auto& field : node.fields) {
        if (!names.insert(field.key).second) {
            return Verdict::refused;
        }
        add(field.value);
    }
    std::ranges::for_each(node.elements, add);
    return verdict;
}

void compare(const Node& node, const JsonField& field) {
    switch (node.kind) {
        case Node::Kind::null:
            require(field.is_absent(), "null is absent");
            return;
        case Node::Kind::boolean:
            require(field.boolean() == node.boolean, "the same truth");
            return;
        case Node::Kind::text:
            require(field.text() == node.text, "the same text");
            return;
        case Node::Kind::number:
            return;  // Ours keeps how it was written.
        case Node::Kind::array:
            break;
        case Node::Kind::object:
            require(field.members().size() == node.fields.size(), "as many members");
            for (const auto& [key, value] : node.fields) {
                compare(value, field[key]);
            }
            return;
    }
    const auto elements = field.elements();
    require(elements.size() == node.elements.size(), "as many elements");
    for (std::size_t i = 0; i < elements.size(); ++i) {
        compare(node.elements[i], elements[i]);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 64 * 1024, .per_byte = 4 * 1024});
    const rop::fuzz::Input input(bytes, size);
    const auto ours = rop::json::parse_document(input.text());
    const auto theirs = rop::net::JsonDocument::parse(input.text());
    if (ours.has_error()) {
        const bool deeper = ours.error().what.find("nested deeper") != std::string::npos;
        require(theirs.has_error() || deeper, "what is no JSON here is none there");
        return 0;
    }
    const Verdict verdict = verdict_on(ours.value());
    require(verdict == Verdict::either || theirs.has_value() == (verdict == Verdict::read),
            "others' documents are read unless a name is doubled or a number too great");
    if (theirs.has_value()) {
        compare(ours.value(), theirs.value()->root());
        const auto found = theirs.value()->verdict();
        require(found.has_value(), "nothing was found of another type");
    }
    return 0;
}
