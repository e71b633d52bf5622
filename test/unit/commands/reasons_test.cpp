#include "operator/commands/reasons.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>

#include "test/unit/commands/workshop.hpp"

// Every reason has a sentence and a next step: in the program, in the document, and in `describe`.
namespace rop::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using DescribeReasons = Workshop;

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// As the words of reasons are recognised in sources by hack/check_docs.py, too.
std::set<std::string> given() {
    std::set<std::string> words;
    std::vector<std::filesystem::path> sources{ROP_SOURCE_DIR "/operator/commands/shown.cpp"};
    for (const auto& entry : std::filesystem::directory_iterator(ROP_SOURCE_DIR "/reconcilers")) {
        if (entry.path().extension() == ".cpp") {
            sources.push_back(entry.path());
        }
    }
    const std::regex word("\"([A-Z][a-z]+(?:[A-Z][a-z]+)*)\"");
    for (const auto& source : sources) {
        const std::string text = text_of(source);
        for (std::sregex_iterator it(text.begin(), text.end(), word), end; it != end; ++it) {
            words.insert((*it)[1]);
        }
    }
    return words;
}

TEST(Reasons, AreAllExplained) {
    std::set<std::string> explained;
    for (const auto& one : explanations()) {
        EXPECT_TRUE(explained.insert(std::string(one.reason)).second) << one.reason << " twice";
        EXPECT_EQ(explain(one.reason), &one);
    }
    EXPECT_EQ(explained, given());
    EXPECT_EQ(explain("Nonsense"), nullptr);
}

TEST(Reasons, AreOneSentenceAndANextStep) {
    for (const auto& one : explanations()) {
        EXPECT_TRUE(one.meaning.ends_with(".") && one.meaning.size() > 20) << one.reason;
        EXPECT_EQ(one.meaning.find(". "), std::string_view::npos) << one.reason;
        EXPECT_TRUE(one.next.size() > 10 && !one.next.ends_with(".")) << one.reason;
        EXPECT_TRUE(one.next.front() >= 'a' && one.next.front() <= 'z') << one.reason;
    }
}

TEST(Reasons, AreDocumentedRowByRow) {
    const std::string document = text_of(ROP_SOURCE_DIR "/docs/reference/conditions.md");
    const std::string head = "| reason | what it means | what to do |\n|---|---|---|\n";
    const std::size_t begin = document.find(head);
    ASSERT_NE(begin, std::string::npos);
    std::istringstream rows(document.substr(begin + head.size()));
    for (const auto& one : explanations()) {
        std::string expected;
        for (const auto part : {one.reason, one.meaning, one.next}) {
            expected += "| " + std::string(part) + " ";
        }
        std::string row;
        std::getline(rows, row);
        ASSERT_EQ(row, expected + "|");
    }
    std::string rest;
    EXPECT_FALSE(std::getline(rows, rest)) << rest;
}

TEST(Reasons, SpeakOfTheClusterAtHand) {
    const ClusterName name{"cache"};
    ClusterSpec spec;
    spec.service = "redis-cache";
    const Explanation* reason = explain("ClusterModeOff");
    EXPECT_EQ(next_step_of(*reason, name, &spec),
              "set cluster-enabled yes in job JOB, and run the job again");
    spec.nomad = NomadTarget{.job = "JOBS", .group = "redis"};
    EXPECT_EQ(next_step_of(*reason, name, &spec),
              "set cluster-enabled yes in job JOBS, and run the job again");
    const Explanation whole{"", "", "NAME, RENAME: SERVICE"};
    EXPECT_EQ(next_step_of(whole, name, &spec), "cache, RENAME: redis-cache");
    EXPECT_EQ(next_step_of(whole, name, nullptr), "cache, RENAME: SERVICE");
}

TEST_F(DescribeReasons, ExplainsEachOneWithItsNextStep) {
    declare();
    elect();
    const ClusterSpec spec = json::parse_spec(cache_spec, "cache").spec.value();
    for (const auto& one : explanations()) {
        ClusterStatus status = ready();
        status.phase = Phase::degraded;
        status.reason = one.reason;
        status.conditions = {{.type = ConditionType::observed,
                              .status = Truth::no,
                              .reason = std::string(one.reason),
                              .message = "a message",
                              .since = ago(std::chrono::seconds(2))}};
        publish(status);
        const std::string next = next_step_of(one, cache, &spec);

        const std::string text = run(describe(tools(), cache)).out;

        EXPECT_THAT(text,
                    HasSubstr("\nWhat it means\n  Observed (" + std::string(one.reason) +
                              "): " + std::string(one.meaning) + "\n    next: " + next + "\n\n"));
        EXPECT_THAT(text, HasSubstr("\nNext: " + next + "\n"));
    }
}

TEST_F(DescribeReasons, AlsoThatOfAPhaseAlone) {
    declare();
    elect();
    ClusterStatus status = ready();
    status.phase = Phase::paused;
    status.reason = "Paused";
    publish(status);
    EXPECT_THAT(run(describe(tools(), cache)).out,
                AllOf(HasSubstr("\n  Paused (Paused): The spec's pausedUntil is in the future"),
                      HasSubstr("\nNext: wait, or apply the spec with pausedUntil null")));
    const auto answer = boost::json::parse(run(describe(tools(Format::json), cache)).out);
    const auto& last = answer.at("explanations").as_array().back();
    EXPECT_EQ(last.at("about"), "Paused");
    EXPECT_EQ(last.at("reason"), "Paused");
    EXPECT_EQ(last.at("next"), "wait, or apply the spec with pausedUntil null to go on now");
}

TEST_F(DescribeReasons, IsSilentOfWhatIsTrueOrUnknownToIt) {
    declare();
    elect();
    ClusterStatus status = ready();
    status.conditions.pop_back();
    publish(status);
    EXPECT_THAT(run(describe(tools(), cache)).out, Not(HasSubstr("What it means")));
    status.phase = Phase::degraded;
    status.reason = "FromTheFuture";
    publish(status);
    EXPECT_THAT(run(describe(tools(), cache)).out,
                AllOf(Not(HasSubstr("What it means")),
                      HasSubstr("\nNext: what is missing stands under Conditions")));
}

}  // namespace
}  // namespace rop::commands
