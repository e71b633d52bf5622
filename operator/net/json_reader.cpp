#include "operator/net/json_reader.hpp"

#include <cmath>
#include <cstddef>
#include <optional>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>

namespace rop::net {

namespace json = boost::json;

namespace {

// A value takes 24 bytes, where a list of zeros brings one with every second byte. The largest
// answers that we know, the allocations of a job with a thousand instances, have 300,000.
constexpr std::size_t values_max = 1'000'000;
constexpr std::size_t depth_max = 128;  // A job's free-form driver configuration nests.

/// Builds the document while boost::json::basic_parser checks the syntax. boost::json::parse()
/// would take any number of values, and 1e400 as infinity.
class Builder {
  public:
    using Code = boost::system::error_code;
    static constexpr std::size_t max_object_size = json::object::max_size();
    static constexpr std::size_t max_array_size = json::array::max_size();
    static constexpr std::size_t max_key_size = json::string::max_size();
    static constexpr std::size_t max_string_size = json::string::max_size();

    explicit Builder(json::storage_ptr memory) { stack_.reset(std::move(memory)); }

    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code&) { return true; }
    bool on_object_end(std::size_t size, Code& code) {
        stack_.push_object(size);
        members_ += size;
        return counted(code);
    }
    bool on_array_begin(Code&) { return true; }
    bool on_array_end(std::size_t size, Code& code) {
        stack_.push_array(size);
        return counted(code);
    }
    bool on_key_part(json::string_view part, std::size_t, Code&) { return gathered(part); }
    bool on_key(json::string_view part, std::size_t, Code&) {
        stack_.push_key(part);
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, Code&) { return gathered(part); }
    bool on_string(json::string_view part, std::size_t, Code& code) {
        stack_.push_string(part);
        return counted(code);
    }
    bool on_number_part(json::string_view, Code&) { return true; }
    bool on_int64(std::int64_t number, json::string_view, Code& code) {
        stack_.push_int64(number);
        return counted(code);
    }
    bool on_uint64(std::uint64_t number, json::string_view, Code& code) {
        stack_.push_uint64(number);
        return counted(code);
    }
    bool on_double(double number, json::string_view, Code& code) {
        if (!std::isfinite(number)) {
            code = json::error::exponent_overflow;
            return false;
        }
        stack_.push_double(number);
        return counted(code);
    }
    bool on_bool(bool value, Code& code) {
        stack_.push_bool(value);
        return counted(code);
    }
    bool on_null(Code& code) {
        stack_.push_null();
        return counted(code);
    }
    bool on_comment_part(json::string_view, Code&) { return true; }
    bool on_comment(json::string_view, Code&) { return true; }

    [[nodiscard]] json::value take() { return stack_.release(); }
    /// Of all objects, doubled names counted twice.
    [[nodiscard]] std::size_t members() const { return members_; }

  private:
    bool gathered(json::string_view part) {
        stack_.push_chars(part);
        return true;
    }
    bool counted(Code& code) {
        if (++values_ <= values_max) {
            return true;
        }
        code = json::error::array_too_large;
        return false;
    }

    json::value_stack stack_;
    std::size_t values_ = 0;
    std::size_t members_ = 0;
};

/// Less than the parser saw where a name stood twice: an object keeps one of the two.
std::size_t members_of(const json::value& value) {
    std::size_t count = 0;
    if (const auto* object = value.if_object()) {
        count = object->size();
        for (const auto& member : *object) {
            count += members_of(member.value());
        }
    } else if (const auto* array = value.if_array()) {
        for (const auto& element : *array) {
            count += members_of(element);
        }
    }
    return count;
}

std::string what_of(const boost::system::error_code& code) {
    if (code == json::error::array_too_large) {
        return "more than " + std::to_string(values_max) + " values";
    }
    if (code == json::error::too_deep) {
        return "nested deeper than " + std::to_string(depth_max) + " levels";
    }
    return code == json::error::exponent_overflow ? "a number out of range"
                                                  : "not JSON: " + code.message();
}

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
    Storage() : root(json::storage_ptr(&memory)) {}  // Else it would be copied there.

    json::monotonic_resource memory;
    json::value root;
};

JsonDocument::JsonDocument() : storage_(std::make_unique<Storage>()) {}
JsonDocument::~JsonDocument() = default;

Result<std::unique_ptr<JsonDocument>> JsonDocument::parse(std::string_view text) {
    std::unique_ptr<JsonDocument> document(new JsonDocument);
    json::parse_options options;
    options.max_depth = depth_max;
    json::basic_parser<Builder> parser(options, json::storage_ptr(&document->storage_->memory));
    boost::system::error_code code;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), code);
    if (!code && used < text.size()) {
        code = json::error::extra_data;
    }
    if (code) {
        return Error{ErrorKind::malformed, what_of(code)};
    }
    document->storage_->root = parser.handler().take();
    if (members_of(document->storage_->root) != parser.handler().members()) {
        return Error{ErrorKind::malformed, "a name stands twice in one object"};
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
