#include "operator/net/json_reader.hpp"

#include <optional>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace rop::net {

namespace json = boost::json;

namespace {

/// Where `wanted` stands below `value`, as "[2].Service.Port". Only looked for when something is
/// wrong, so that reading a sound document costs nothing.
std::optional<std::string> path_to(const json::value& value, const json::value* wanted) {
    if (&value == wanted) {
        return "";
    }
    if (const auto* object = value.if_object()) {
        for (const auto& member : *object) {
            if (auto below = path_to(member.value(), wanted)) {
                return "." + std::string(member.key()) + *below;
            }
        }
    }
    if (const auto* array = value.if_array()) {
        for (std::size_t i = 0; i < array->size(); ++i) {
            if (auto below = path_to((*array)[i], wanted)) {
                return "[" + std::to_string(i) + "]" + *below;
            }
        }
    }
    return std::nullopt;
}

const json::value* present(const json::value* value) {
    return value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

struct JsonDocument::Storage {
    json::monotonic_resource memory;
    json::value root;
};

JsonDocument::JsonDocument() : storage_(std::make_unique<Storage>()) {}
JsonDocument::~JsonDocument() = default;

Result<std::unique_ptr<JsonDocument>> JsonDocument::parse(std::string_view text) {
    std::unique_ptr<JsonDocument> document(new JsonDocument);
    json::parse_options options;
    options.max_depth = 128;  // A job's free-form driver configuration nests.
    boost::system::error_code code;
    document->storage_->root =
        json::parse(text, code, json::storage_ptr(&document->storage_->memory), options);
    if (code) {
        return Error{ErrorKind::malformed, "not JSON: " + code.message()};
    }
    return document;
}

JsonField JsonDocument::root() {
    return {this, present(&storage_->root)};
}

Result<> JsonDocument::verdict() const {
    if (!problem_.empty()) {
        return Error{ErrorKind::malformed, problem_};
    }
    return ok();
}

void JsonDocument::note(const json::value* where, std::string_view member, std::string problem) {
    if (!problem_.empty()) {
        return;
    }
    const std::string path = where == nullptr ? "" : path_to(storage_->root, where).value_or("");
    const std::string below = member.empty() ? "" : "." + std::string(member);
    problem_ = "$" + path + below + ": " + std::move(problem);
}

JsonField::JsonField(JsonDocument* document, const json::value* value)
    : document_(document), value_(value) {}

JsonField JsonField::operator[](std::string_view name) const {
    if (value_ == nullptr) {
        return {document_, nullptr};
    }
    const auto* object = value_->if_object();
    if (object == nullptr) {
        note_type("an object");
        return {document_, nullptr};
    }
    return {document_, present(object->if_contains(name))};
}

JsonField JsonField::at(std::string_view name) const {
    const JsonField field = (*this)[name];
    if (field.is_absent()) {
        document_->note(value_, name, "missing");
    }
    return field;
}

std::string JsonField::text() const {
    if (value_ == nullptr) {
        return {};
    }
    const auto* text = value_->if_string();
    if (text == nullptr) {
        note_type("a string");
        return {};
    }
    return {text->data(), text->size()};
}

bool JsonField::boolean() const {
    if (value_ == nullptr) {
        return false;
    }
    const bool* boolean = value_->if_bool();
    if (boolean == nullptr) {
        note_type("true or false");
        return false;
    }
    return *boolean;
}

std::uint64_t JsonField::number() const {
    if (value_ == nullptr) {
        return 0;
    }
    if (const auto* number = value_->if_uint64()) {
        return *number;
    }
    if (const auto* number = value_->if_int64(); number != nullptr && *number >= 0) {
        return static_cast<std::uint64_t>(*number);
    }
    note_type("a whole number of 0 or more");
    return 0;
}

std::int64_t JsonField::integer() const {
    if (value_ == nullptr) {
        return 0;
    }
    if (const auto* number = value_->if_int64()) {
        return *number;
    }
    note_type("a whole number");
    return 0;
}

std::vector<JsonField> JsonField::elements() const {
    std::vector<JsonField> elements;
    if (value_ == nullptr) {
        return elements;
    }
    const auto* array = value_->if_array();
    if (array == nullptr) {
        note_type("a list");
        return elements;
    }
    elements.reserve(array->size());
    for (const auto& element : *array) {
        elements.push_back(JsonField(document_, present(&element)));
    }
    return elements;
}

std::vector<std::pair<std::string, JsonField>> JsonField::members() const {
    std::vector<std::pair<std::string, JsonField>> members;
    if (value_ == nullptr) {
        return members;
    }
    const auto* object = value_->if_object();
    if (object == nullptr) {
        note_type("an object");
        return members;
    }
    members.reserve(object->size());
    for (const auto& member : *object) {
        members.emplace_back(std::string(member.key()),
                             JsonField(document_, present(&member.value())));
    }
    return members;
}

std::map<std::string, std::string> JsonField::texts() const {
    std::map<std::string, std::string> texts;
    for (const auto& [name, field] : members()) {
        texts.emplace(name, field.text());
    }
    return texts;
}

void JsonField::note(std::string problem) const {
    document_->note(value_, "", std::move(problem));
}

void JsonField::note_type(std::string_view wanted) const {
    const std::string_view found = json::to_string(value_->kind());
    note("want " + std::string(wanted) + ", not a value of type " + std::string(found));
}

}  // namespace rop::net
