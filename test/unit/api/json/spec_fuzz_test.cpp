// Whatever the bytes: an answer, never an exception, and either a spec or problems.

#include <chrono>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "api/json/spec_json.hpp"
#include "test/unit/api/json/spec_cases.hpp"

namespace rop::json {
namespace {

class Mutator {
  public:
    explicit Mutator(std::uint64_t seed) : random_(seed) {}

    std::string operator()(std::string text) {
        const std::size_t changes = 1 + below(4);
        for (std::size_t i = 0; i < changes && !text.empty(); ++i) {
            change(text);
        }
        return text;
    }

  private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

    void change(std::string& text) {
        static const std::array<std::string, 24> words{"null",
                                                       "true",
                                                       "-1",
                                                       "1e400",
                                                       "1e99999999999",
                                                       "\"\"",
                                                       "{}",
                                                       "[]",
                                                       "{",
                                                       "]",
                                                       "\\u0000",
                                                       "\\ud800",
                                                       "\xff",
                                                       "\xed\xa0\x80",
                                                       ",",
                                                       ":",
                                                       "\"",
                                                       "NaN",
                                                       "0.5",
                                                       "99999999999999999999",
                                                       "\"primaries\":3,",
                                                       "\"auth\":1,",
                                                       "[[[[[[[[[[[[[[[[[[",
                                                       "//"};
        const std::size_t at = below(text.size());
        switch (below(6)) {
            case 0:
                text[at] = static_cast<char>(below(256));
                break;
            case 1:
                text.erase(at, 1 + below(20));
                break;
            case 2:
                text.insert(at, words.at(below(words.size())));
                break;
            case 3:  // A part doubled somewhere else.
                text.insert(below(text.size()), text.substr(at, below(40)));
                break;
            case 4:  // A value replaced, so that the document often stays JSON.
                replace_value(text, at, words.at(below(words.size())));
                break;
            default:
                text.resize(at);
        }
    }

    static void replace_value(std::string& text, std::size_t at, const std::string& word) {
        const auto colon = text.find(": ", at);
        const auto end = colon == std::string::npos ? colon : text.find_first_of(",}", colon);
        if (end != std::string::npos) {
            text.replace(colon + 2, end - colon - 2, word);
        }
    }

    std::mt19937_64 random_;
};

TEST(SpecFuzz, AnswersWhateverTheBytes) {
    constexpr int rounds = 6'000;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    int accepted = 0;
    int judged = 0;
    for (int seed = 0; seed < rounds && std::chrono::steady_clock::now() < give_up; ++seed) {
        const std::string text = Mutator(static_cast<std::uint64_t>(seed))(full_spec);
        SpecParse parse;
        ASSERT_NO_THROW(parse = parse_spec(text, "cache")) << "seed " << seed;
        ASSERT_NE(parse.spec.has_value(), !parse.problems.empty()) << "seed " << seed;
        judged += parse.problems.size() == 1 && parse.problems.front().path == "$" ? 0 : 1;
        if (parse.spec) {
            ++accepted;
            ASSERT_EQ(parse_spec(write_spec(*parse.spec), "cache").spec, parse.spec)
                << "seed " << seed;
        }
    }
    // The mutations reach all three outcomes, so the test tests something.
    EXPECT_GT(accepted, 50);
    EXPECT_GT(judged, 300);
}

TEST(SpecFuzz, AnswersPrefixesAndNoise) {
    const std::string text = full_spec;
    for (std::size_t length = 0; length < text.size(); ++length) {
        ASSERT_FALSE(parse_spec(text.substr(0, length), "cache").spec) << length;
    }
    std::mt19937_64 random(7);
    for (int round = 0; round < 2'000; ++round) {
        std::string noise(random() % 64, '\0');
        for (auto& c : noise) {
            c = static_cast<char>(random());
        }
        ASSERT_FALSE(parse_spec(noise, noise).spec) << round;
    }
}

}  // namespace
}  // namespace rop::json
