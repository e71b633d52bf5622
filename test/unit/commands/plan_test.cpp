#include <string>

#include <gmock/gmock.h>

#include "test/unit/commands/workshop.hpp"

// plan: what a leader would do, without one.
namespace rop::commands {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

using Plans = Workshop;

TEST_F(Plans, NeedNoLeader) {
    declare();
    plan_.concern = "formation";
    plan_.steps = {
        Step{.action = SetNodeTimeout{.at = {InstanceId{"a"}}, .timeout = milliseconds(500)},
             .reason = "faster while forming"}};
    const Outcome outcome = run(plan(tools(), cache));
    EXPECT_EQ(outcome.code, ExitCode::done);
    EXPECT_EQ(outcome.out, "cache: Pending (TooFewInstances): 2 of 6 instances answer\n" +
                               to_string(plan_) +
                               "next: nobody leads, so nobody does this: is a redis-operator "
                               "running? Consul shows none: start one with redis-operator run\n");
    EXPECT_EQ(looked_instead_, std::nullopt);
    elect();
    EXPECT_THAT(run(plan(tools(), cache)).out, HasSubstr("next: host-1 leads and does this\n"));
    EXPECT_EQ(run(plan(tools(Format::json), cache)).out, json::write_plan(plan_) + "\n");
}

TEST_F(Plans, SayWhyThereIsNone) {
    EXPECT_THAT(run(plan(tools(), cache)).err, HasSubstr("cache is not declared"));
    declare();
    look_fails_ = Error{ErrorKind::unavailable, "no answer"};
    const Outcome outcome = run(plan(tools(), cache));
    EXPECT_EQ(outcome.code, ExitCode::failed);
    EXPECT_THAT(outcome.err, HasSubstr("error: no plan for cache: no answer\nnext: "));
}

}  // namespace
}  // namespace rop::commands
