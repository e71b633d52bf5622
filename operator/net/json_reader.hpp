#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/fwd.hpp>

#include "api/base/result.hpp"

namespace rop::net {

class JsonDocument;

/// A value in somebody else's document, or the place where none is. Reading never fails: what is
/// absent or null gives an empty value, what has another type does so too and is noted in the
/// document. Must not outlive the document.
class JsonField {
  public:
    /// A member of an object. Absent and null are the same.
    [[nodiscard]] JsonField operator[](std::string_view name) const;
    /// As above, but its absence is noted.
    [[nodiscard]] JsonField at(std::string_view name) const;

    [[nodiscard]] bool is_absent() const { return value_ == nullptr; }
    [[nodiscard]] std::string text() const;
    [[nodiscard]] bool boolean() const;
    [[nodiscard]] std::uint64_t number() const;  // Unsigned; a negative one is noted.
    [[nodiscard]] std::int64_t integer() const;
    [[nodiscard]] std::vector<JsonField> elements() const;
    [[nodiscard]] std::vector<std::pair<std::string, JsonField>> members() const;
    [[nodiscard]] std::map<std::string, std::string> texts() const;  // An object of strings.

    /// For what the type alone does not tell: "want an address, not "x"".
    void note(std::string problem) const;

  private:
    friend class JsonDocument;
    JsonField(JsonDocument* document, const boost::json::value* value);
    void note_type(std::string_view wanted) const;

    JsonDocument* document_;
    const boost::json::value* value_;  // Null: absent, or null in the document.
};

/// A JSON text from another program, with the first thing that was not as expected of it.
class JsonDocument {
  public:
    /// Malformed when it is not JSON, has a name twice in one object or a number that is none of
    /// a computer's, nests deeper than 128 levels or has more than a million values.
    [[nodiscard]] static Result<std::unique_ptr<JsonDocument>> parse(std::string_view text);
    ~JsonDocument();
    JsonDocument(const JsonDocument&) = delete;
    JsonDocument& operator=(const JsonDocument&) = delete;

    [[nodiscard]] JsonField root();
    /// To be asked after reading: malformed, with the path, if anything was noted.
    [[nodiscard]] Result<> verdict() const;

  private:
    friend class JsonField;
    struct Storage;
    JsonDocument();
    void note(const boost::json::value* where, std::string_view member, std::string problem);

    std::unique_ptr<Storage> storage_;
    std::string problem_;  // Empty: none.
};

}  // namespace rop::net
