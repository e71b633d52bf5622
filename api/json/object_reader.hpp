#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/json/document.hpp"
#include "api/spec.hpp"
#include "api/time.hpp"

namespace rop::json {

/// What is wrong with a document, sorted as the document is. Bounded: beyond 200 they are counted.
class ProblemList {
  public:
    void add(const Node& at, Problem problem) { place(at.order * 2, std::move(problem)); }
    /// Of what is missing in an object: comes after what is wrong within it.
    void add_after(const Node& object, Problem problem) {
        place(object.last * 2 + 1, std::move(problem));
    }
    [[nodiscard]] bool empty() const { return problems_.empty(); }
    /// What is added now is only counted.
    [[nodiscard]] bool is_full() const { return problems_.size() == problems_max; }
    [[nodiscard]] std::vector<Problem> take() &&;

  private:
    static constexpr std::size_t problems_max = 200;

    struct Placed {
        std::size_t place = 0;
        Problem problem;
    };
    void place(std::size_t place, Problem problem);

    std::vector<Placed> problems_;
    std::size_t dropped_ = 0;
};

/// secret: values below are never shown, nor names that we do not know.
enum class Secrecy { open, secret };

/// What to do with fields that are not in the list: a newer status may have more than we know.
enum class UnknownFields { refused, ignored };

struct NumberRange {
    std::uint64_t min = 0;
    std::uint64_t max = 0;
};

/// What a text may be, in the words that the user is shown.
struct TextRule {
    std::string_view rule;
    bool (*holds)(std::string_view text);
};

struct RealRule {
    std::string_view rule;
    bool (*holds)(double number);
};

using Words = std::span<const std::string_view>;

/// How an object is read.
struct Reading {
    Words fields;  // What it may have.
    Secrecy secrecy = Secrecy::open;
    UnknownFields unknown = UnknownFields::refused;
};

/// Reads the fields of one object. Whatever is wrong goes to the list with path, value and rule,
/// and leaves the target as it was.
class ObjectReader {
  public:
    ObjectReader(ProblemList& problems, const Node& node, std::string path, Reading how);

    /// false: not even an object, which was said.
    [[nodiscard]] bool is_object() const { return node_.kind == Node::Kind::object; }
    /// Null when absent.
    [[nodiscard]] const Node* find(std::string_view name) const { return node_.find(name); }
    /// Null when absent, which is a problem; `rule` says what belongs there.
    const Node* require(std::string_view name, std::string_view rule);

    // Each returns whether the field is there and right. Absent is no problem.
    bool number(std::string_view name, NumberRange range, std::uint64_t& target);
    bool number(std::string_view name, NumberRange range, std::uint32_t& target);
    bool real(std::string_view name, const RealRule& rule, double& target);
    bool boolean(std::string_view name, bool& target);
    bool text(std::string_view name, const TextRule& rule, std::string& target);
    bool word(std::string_view name, Words words, std::string& target);
    bool duration(std::string_view name, std::chrono::milliseconds min,
                  std::chrono::milliseconds max, std::chrono::milliseconds& target);
    bool time(std::string_view name, Timestamp& target);
    const Node* array(std::string_view name);

    /// Of the value at `path` somewhere below this object, for maps that are read in their order.
    bool real_at(const Node& at, const std::string& path, const RealRule& rule, double& target);

    void refuse(std::string_view name, std::string rule, std::string nearest = "");
    /// Of the value at `path` somewhere below this object.
    void refuse_at(const Node& at, const std::string& path, std::string rule,
                   std::string nearest = "");
    [[nodiscard]] std::string path_to(std::string_view name) const { return path_of(path_, name); }
    [[nodiscard]] ProblemList& problems() { return problems_; }
    [[nodiscard]] const Node& node() const { return node_; }
    [[nodiscard]] Secrecy secrecy() const { return secrecy_; }

  private:
    void check_fields(Words fields);

    ProblemList& problems_;
    const Node& node_;
    std::string path_;
    Secrecy secrecy_;
};

/// As the user wrote it: "3", "\"three\"", "{...}"; "***" for secrets.
[[nodiscard]] std::string shown_value(const Node& node, Secrecy secrecy);

/// Whether a field of that name may hold a secret, wherever it stands.
[[nodiscard]] bool sounds_secret(std::string_view name);

/// A whole number without sign, point or exponent, that fits.
[[nodiscard]] std::optional<std::uint64_t> whole_number(const Node& node);

}  // namespace rop::json
