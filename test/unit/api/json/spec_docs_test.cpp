// The reference must not promise what the parser refuses, nor keep quiet about a field.

#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "api/json/document.hpp"
#include "api/json/spec_json.hpp"

namespace rop::json {
namespace {

std::string reference() {
    const std::ifstream file(std::string(ROP_SOURCE_DIR) + "/docs/reference/spec.md");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::vector<std::string> json_blocks(const std::string& text) {
    constexpr std::string_view begin = "```json\n";
    std::vector<std::string> blocks;
    for (auto at = text.find(begin); at != std::string::npos; at = text.find(begin, at)) {
        at += begin.size();
        blocks.push_back(text.substr(at, text.find("```", at) - at));
    }
    return blocks;
}

TEST(SpecReference, HasExamplesThatAreRight) {
    const auto blocks = json_blocks(reference());

    ASSERT_EQ(blocks.size(), 2U);
    for (const auto& block : blocks) {
        const SpecParse parse = parse_spec(block, "cache");
        EXPECT_TRUE(parse.spec) << block
                                << (parse.problems.empty() ? "" : to_string(parse.problems[0]));
    }
}

// The list of known fields comes from the parser itself.
TEST(SpecReference, NamesEveryField) {
    const std::string text = reference();
    for (const auto* part : {"", "nomad", "placement", "auth", "tls", "failover", "balance"}) {
        const std::string odd = R"({"?":0})";
        const std::string document =
            *part == '\0' ? odd : "{\"" + std::string(part) + "\":" + odd + "}";
        std::string known;
        for (const auto& problem :
             parse_spec(R"({"version":1,)" + document.substr(1), "c").problems) {
            const auto at = problem.rule.find("known here: ");
            known = at == std::string::npos ? known : problem.rule.substr(at + 12);
        }
        ASSERT_NE(known, "") << part;
        std::istringstream names(known);
        for (std::string name; std::getline(names >> std::ws, name, ',');) {
            EXPECT_NE(text.find(name), std::string::npos) << part << "." << name;
        }
    }
}

}  // namespace
}  // namespace rop::json
