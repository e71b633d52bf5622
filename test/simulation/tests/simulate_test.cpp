#include <array>
#include <cstdio>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include "test/simulation/story.hpp"

// The program: whoever runs it must be told by its exit code and its words that a life has failed.
namespace rop::simulation {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Said {
    int code = -1;
    std::string words;
};

Said simulate(const std::string& arguments) {
    const std::string line = std::string(ROP_SIMULATE) + " " + arguments + " 2>&1";
    std::FILE* const pipe = popen(line.c_str(), "r");
    Said said;
    if (pipe == nullptr) {
        return said;
    }
    std::array<char, 4'096> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
        said.words += buffer.data();
    }
    const int status = pclose(pipe);
    said.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return said;
}

/// Two instances, three are declared, and there is no Nomad that could be asked for another.
constexpr char impossible_world[] =
    "world seed=3 hosts=3 primaries=3 replicas=0 instances=2 nomad=0 operators=2 "
    "lasts=3000\n"
    "rates slow=0.05\n"
    "at 0 run-job\n"
    "at 100 start-operator who=0\n"
    "at 200 start-operator who=1\n"
    "at 500 declare\n"
    "at 1000 crash-operator lasts=500\n"
    "at 1500 pause-operator lasts=300 who=999\n"
    "at 2000 end-sessions\n";

class SimulateTest : public testing::Test {
  protected:
    std::string keep(const std::string& text) {
        const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
        const std::string path =
            testing::TempDir() + name + "-" + std::to_string(++files_) + ".txt";
        std::ofstream(path) << text;
        return path;
    }

  private:
    int files_ = 0;
};

TEST_F(SimulateTest, AStoryThatEndsWellIsToldInOneLine) {
    const Said said = simulate("--seed 3");
    EXPECT_EQ(said.code, 0) << said.words;
    EXPECT_THAT(said.words, HasSubstr("1 seeds, 0 failed; 1 clusters formed"));
    EXPECT_THAT(said.words, Not(HasSubstr("replay")));
}

TEST_F(SimulateTest, AStoryThatFailsIsPrintedShortenedAndCanBeReplayed) {
    const std::string path = keep(impossible_world);
    const Said said = simulate("--story " + path);
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.words, HasSubstr(path + " failed: not as declared after two minutes: only 2 "
                                             "instances run\n"));
    EXPECT_THAT(said.words, HasSubstr("\nreplay: " + std::string(ROP_SIMULATE) + " --story " +
                                      path + " --trace\n"));
    EXPECT_THAT(said.words, HasSubstr("1 seeds, 1 failed"));

    const std::string begin =
        "the shortest story found that fails (not as declared after two "
        "minutes: only 2 instances run):\n";
    const auto from = said.words.find(begin);
    ASSERT_NE(from, std::string::npos) << said.words;
    const auto end = said.words.find("1 seeds, 1 failed", from);
    ASSERT_NE(end, std::string::npos) << said.words;
    const std::string text = said.words.substr(from + begin.size(), end - from - begin.size());
    const auto shortest = parse_script(text);
    ASSERT_TRUE(shortest) << text;
    // What has no part in it is left out: one operator, and nothing that goes wrong.
    EXPECT_EQ(shortest.value().events.size(), 3) << text;
    EXPECT_EQ(shortest.value().operators, 1) << text;
    EXPECT_EQ(shortest.value().rates.slow, 0) << text;

    const Said again = simulate("--story " + keep(text));
    EXPECT_EQ(again.code, 1);
    EXPECT_THAT(again.words, HasSubstr("only 2 instances run"));
}

TEST_F(SimulateTest, OneInstanceMoreAndTheSameStoryEndsWell) {
    std::string text = impossible_world;
    text.replace(text.find("instances=2"), 11, "instances=3");
    const Said said = simulate("--story " + keep(text));
    EXPECT_EQ(said.code, 0) << said.words;
}

TEST_F(SimulateTest, AKeptStoryInWhichItsFaultDidNotHappenFails) {
    std::string text = impossible_world;
    text.replace(text.find("instances=2"), 11, "instances=3");
    text += "at 100 clone-instance lasts=500\n";  // Nothing is formed by then.
    const Said said = simulate("--story " + keep(text));
    EXPECT_EQ(said.code, 1);
    EXPECT_THAT(said.words,
                HasSubstr("failed: clone-instance found nobody to whom it could happen"));
    EXPECT_THAT(said.words, Not(HasSubstr("the shortest story")));
}

TEST_F(SimulateTest, WhatCannotBeReadIsNotLived) {
    EXPECT_EQ(simulate("--story " + keep("at 3 fall-asleep\n")).code, 2);
    EXPECT_EQ(simulate("--story /nowhere").code, 2);
    EXPECT_EQ(simulate("--seed seven").code, 2);
    EXPECT_EQ(simulate("--fly").code, 2);
}

}  // namespace
}  // namespace rop::simulation
