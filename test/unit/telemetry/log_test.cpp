#include "operator/telemetry/log.hpp"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/telemetry/log_settings.hpp"

namespace rop::log {
namespace {

using ::testing::MatchesRegex;
using ::testing::internal::CaptureStderr;
using ::testing::internal::GetCapturedStderr;

constexpr auto time_of_day = "[0-9]+-[0-9]+-[0-9]+T[0-9]+:[0-9]+:[0-9]+\\.[0-9][0-9][0-9]Z";

class Log : public ::testing::Test {
  protected:
    ~Log() override { configure(Settings{}); }

    static std::string written_by(void (*statement)()) {
        CaptureStderr();
        statement();
        return GetCapturedStderr();
    }
};

TEST_F(Log, WritesLogfmtToStandardError) {
    const std::string line = written_by([] {
        info("step done", {{"concern", "formation"}, {"revision", 3}});
    });
    EXPECT_THAT(line, MatchesRegex("time=" + std::string(time_of_day) +
                                   " level=info event=\"step done\" concern=formation "
                                   "revision=3\n"));
}

TEST_F(Log, WritesJsonWhenAsked) {
    configure(Settings{.level = Level::info, .format = Format::json});
    const std::string line = written_by([] { warn("watch failed", {{"error", "a \"b\"\n"}}); });
    EXPECT_THAT(line, MatchesRegex("\\{\"time\":\"" + std::string(time_of_day) +
                                   "\",\"level\":\"warn\",\"event\":\"watch failed\","
                                   "\"error\":\"a \\\\\"b\\\\\"\\\\n\"\\}\n"));
}

TEST_F(Log, KeepsOneLineOneLine) {
    const std::string line = written_by([] {
        info("x", {{"error", "two\nlines \x1b[31m=\\"}, {"empty", ""}});
    });
    EXPECT_THAT(line,
                ::testing::EndsWith("event=x error=\"two\\nlines \\u001b[31m=\\\\\" empty=\"\"\n"));
}

TEST_F(Log, GoesElsewhereWhenDivertedWithoutItsTime) {
    std::string line;
    divert([&](Level, const std::string& text) { line = text; });
    EXPECT_EQ(written_by([] { warn("lost", {{"epoch", 3}}); }), "");
    divert({});
    EXPECT_EQ(line, " level=warn event=lost epoch=3");
    EXPECT_NE(written_by([] { warn("lost"); }), "");
}

TEST_F(Log, LeavesOutWhatIsBelowTheLevel) {
    configure(Settings{.level = Level::warn, .format = Format::logfmt});
    EXPECT_EQ(written_by([] { info("quiet"); }), "");
    EXPECT_NE(written_by([] { error("loud"); }), "");
    configure(Settings{.level = Level::debug, .format = Format::logfmt});
    EXPECT_NE(written_by([] { debug("quiet"); }), "");
}

TEST_F(Log, ReadsItsOwnWords) {
    for (const auto level : {Level::debug, Level::info, Level::warn, Level::error}) {
        EXPECT_EQ(parse_level(to_string(level)), level);
    }
    for (const auto format : {Format::logfmt, Format::json}) {
        EXPECT_EQ(parse_format(to_string(format)), format);
    }
    EXPECT_EQ(parse_level("loud"), std::nullopt);
    EXPECT_EQ(parse_format("xml"), std::nullopt);
}

}  // namespace
}  // namespace rop::log
