#include <string>

#include <gmock/gmock.h>

#include "test/unit/commands/workshop.hpp"

// wait: until it is so, or why it is not.
namespace rop::commands {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

using Wait = Workshop;

TEST_F(Wait, EndsAtOnceWhenItIsSo) {
    declare();
    publish(ready());
    elect();
    const Outcome outcome = run(wait(tools(), WaitRequest{.name = cache}));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.out, "cache is ready: 3 primaries, 3 replicas, 16384 slots served\n");
}

TEST_F(Wait, IsWokenByTheStatus) {
    declare();
    elect();
    std::optional<Outcome> ended;
    start(wait(tools(), WaitRequest{.name = cache}), ended);
    time_.advance(seconds(2));
    EXPECT_FALSE(ended.has_value());
    publish(ready());
    EXPECT_TRUE(time_.advance_until([&] { return ended.has_value(); }, milliseconds(100)));
    EXPECT_EQ(ended->code, ExitCode::done);
}

TEST_F(Wait, DoesNotTakeTheStatusOfAnOlderSpec) {
    declare();
    publish(ready());
    declare();
    elect();
    const Outcome outcome = run(wait(tools(), WaitRequest{.name = cache, .timeout = seconds(3)}));
    EXPECT_EQ(outcome.code, ExitCode::not_so);
    EXPECT_EQ(outcome.err,
              "cache is not ready after 3s: the leader has not accepted the newest spec\n"
              "next: redis-operator describe cache\n");
}

TEST_F(Wait, SaysWhyTheNewestSpecIsRefused) {
    declare();
    ClusterStatus status = ready();
    status.conditions.push_back({.type = ConditionType::spec_valid,
                                 .status = Truth::no,
                                 .reason = "ServiceTaken",
                                 .message = "cluster other has redis-cache",
                                 .since = ago(seconds(2))});
    publish(status);
    declare();
    elect();
    EXPECT_THAT(run(wait(tools(), WaitRequest{.name = cache, .timeout = seconds(1)})).err,
                HasSubstr("has not accepted the newest spec (ServiceTaken): cluster other has "
                          "redis-cache\nnext: "));
}

TEST_F(Wait, SaysOnlyOneNextStep) {
    line_.line = testing::FakeConsulClient::Line::refused;
    const std::string err =
        run(wait(tools(), WaitRequest{.name = cache, .timeout = seconds(1)})).err;
    EXPECT_THAT(err, HasSubstr("\nnext: is an agent running there?"));
    EXPECT_EQ(err.find("next:"), err.rfind("next:")) << err;
}

TEST_F(Wait, NoticesANewLeader) {
    declare();
    publish(ready());
    std::optional<Outcome> ended;
    start(wait(tools(), WaitRequest{.name = cache}), ended);
    time_.advance(seconds(3));
    EXPECT_FALSE(ended.has_value()) << "a status without a leader proves nothing";
    elect();
    EXPECT_TRUE(time_.advance_until([&] { return ended.has_value(); }, seconds(2)));
}

TEST_F(Wait, ForFormedAsksTheCondition) {
    declare();
    ClusterStatus status = ready();
    status.phase = Phase::degraded;
    publish(status);
    elect();
    EXPECT_EQ(run(wait(tools(), WaitRequest{.name = cache, .what = WaitRequest::For::formed})).code,
              ExitCode::done);
    EXPECT_EQ(run(wait(tools(), WaitRequest{.name = cache, .timeout = seconds(1)})).code,
              ExitCode::not_so);
}

TEST_F(Wait, OutlivesAConsulThatRestarts) {
    declare();
    publish(ready());
    elect();
    line_.line = testing::FakeConsulClient::Line::refused;
    std::optional<Outcome> ended;
    start(wait(tools(), WaitRequest{.name = cache}), ended);
    time_.advance(seconds(2));
    EXPECT_FALSE(ended.has_value());
    line_.line = testing::FakeConsulClient::Line::fine;
    EXPECT_TRUE(time_.advance_until([&] { return ended.has_value(); }, seconds(1)));
    EXPECT_EQ(ended->code, ExitCode::done);
}

TEST_F(Wait, GivesUpWhereWaitingCannotHelp) {
    EXPECT_EQ(run(wait(tools(), WaitRequest{.name = cache})).code, ExitCode::failed);
    line_.line = testing::FakeConsulClient::Line::denied;
    EXPECT_EQ(run(wait(tools(), WaitRequest{.name = cache})).code, ExitCode::failed);
}

}  // namespace
}  // namespace rop::commands
