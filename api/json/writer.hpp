#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rop::json {

/// Writes JSON from left to right. Whatever the texts hold, the result is valid JSON in valid
/// UTF-8 (bytes that are not become U+FFFD): Redis' answers end up in messages.
class Writer {
  public:
    Writer& object();
    Writer& array();
    Writer& end();  // Of the innermost open object or array.
    Writer& key(std::string_view name);

    Writer& value(std::string_view text);
    Writer& value(const char* text) { return value(std::string_view(text)); }
    Writer& value(std::uint64_t number);
    Writer& value(std::uint32_t number) { return value(std::uint64_t{number}); }
    Writer& value(std::uint16_t number) { return value(std::uint64_t{number}); }
    Writer& value(double number);  // Finite.
    Writer& value(bool truth);
    Writer& null();
    Writer& raw(std::string_view json);  // A whole value that is JSON already.

    template <class T>
    Writer& field(std::string_view name, const T& what) {
        return key(name).value(what);
    }

    [[nodiscard]] std::string text() && { return std::move(text_); }

  private:
    void separate();

    std::string text_;
    std::string closers_;  // The bracket that ends each open object and array.
    bool is_first_ = true;
    bool after_key_ = false;
};

}  // namespace rop::json
