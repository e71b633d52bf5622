// A spec, as a user wrote it: a spec or problems, never both; what is accepted can be written and
// read again; a name that stands twice and a number that no computer has are refused.

#include <algorithm>
#include <set>
#include <string>

#include "api/json/document.hpp"
#include "api/json/spec_json.hpp"
#include "test/fuzz/target.hpp"

namespace {

using rop::fuzz::require;
using rop::json::Node;

bool has_doubled_name(const Node& node) {
    std::set<std::string_view> names;
    for (const auto& field : node.fields) {
        if (!names.insert(field.key).second || has_doubled_name(field.value)) {
            return true;
        }
    }
    return std::ranges::any_of(node.elements, has_doubled_name);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const rop::fuzz::Budget budget(size, {.at_once = 256 * 1024, .per_byte = 4 * 1024});
    const rop::fuzz::Input input(bytes, size);
    const auto parse = rop::json::parse_spec(input.text(), "cache");
    require(parse.spec.has_value() == parse.problems.empty(), "a spec or problems");
    require(parse.problems.size() <= 201, "problems are bounded");
    for (const auto& problem : parse.problems) {
        require(problem.path.starts_with('$'), "a problem has its place");
        require(rop::to_string(problem).size() < 2'000, "a problem is a line");
    }
    if (!parse.spec) {
        return 0;
    }
    const auto document = rop::json::parse_document(input.text());
    require(!has_doubled_name(document.value()), "a doubled name is refused");
    const std::string written = rop::json::write_spec(*parse.spec);
    const auto again = rop::json::parse_spec(written, "cache");
    require(again.spec == parse.spec, "what is accepted can be written and read again");
    return 0;
}
