#include "operator/commands/foresight.hpp"

#include <gmock/gmock.h>

#include "reconcilers/registry.hpp"
#include "test/support/topology.hpp"
#include "test/unit/commands/workshop.hpp"

// What a leader would do, past what it writes down first.
namespace rop::commands {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Foresight = Workshop;

constexpr auto six_blank = R"(
not-leading
spec 3x1
a blank
b blank
c blank
d blank
e blank
f blank
)";

std::vector<Plan> after(std::string_view drawing) {
    const Snapshot seen = testing::topology(drawing);
    return plans_after(seen, reconcilers::plan_round(seen));
}

TEST(PlansAfter, AcceptanceShowTheFormation) {
    const std::vector<Plan> plans = after(six_blank);
    ASSERT_THAT(plans, SizeIs(1));
    EXPECT_EQ(plans.front().concern, "formation");
    EXPECT_THAT(
        in_words(plans),
        AllOf(HasSubstr("Then, once that is written:\n"), HasSubstr("commit to forming 3 shards"),
              HasSubstr("let 6 instances meet"), HasSubstr("What follows depends on the answers")));
}

TEST(PlansAfter, AcceptanceSayWhatIsMissing) {
    const std::vector<Plan> plans =
        after("not-leading\nspec 3x1\nnomad-count 2\na blank\nb blank\n");
    ASSERT_THAT(plans, SizeIs(1));
    EXPECT_THAT(in_words(plans), AllOf(HasSubstr("2 of 6 instances"),
                                       HasSubstr("raise the count of redis-cache/redis")));
}

TEST(PlansAfter, WhatActsAreNotGuessed) {
    EXPECT_THAT(after("spec 3x1\nrecord accepted\na blank\nb blank\nc blank\nd blank\ne blank\n"
                      "f blank\n"),
                IsEmpty());
    EXPECT_EQ(in_words({}), "");
}

TEST(PlansAfter, NothingIsNothing) {
    const std::vector<Plan> plans = after("spec 3x1\nuncertain consul\na blank\n");
    EXPECT_THAT(plans, IsEmpty());
}

TEST_F(Foresight, IsPartOfADryRunAndOfPlan) {
    auto seen = std::make_shared<Snapshot>(testing::topology(six_blank));
    snapshot_ = seen;
    plan_ = reconcilers::plan_round(*seen);
    const ApplyRequest dry{SpecFile{"cache.json", cache_spec, ""}, true};
    const std::string text = run(apply(tools(), dry)).out;
    EXPECT_THAT(text, AllOf(HasSubstr("A leader would begin with:\ngate: accept the spec"),
                            HasSubstr("\nThen, once that is written:\nformation: commit to"),
                            HasSubstr("\nNothing was written: --dry-run.\n")));
    const std::string json = run(apply(tools(Format::json), dry)).out;
    EXPECT_THAT(json, AllOf(HasSubstr("\"then\":[{"), HasSubstr("commit to forming")));

    declare();
    EXPECT_THAT(run(plan(tools(), cache)).out, HasSubstr("Then, once that is written:\n"));
    EXPECT_THAT(run(plan(tools(Format::json), cache)).out, Not(HasSubstr("commit to forming")))
        << "for programs it is one round's plan";
}

}  // namespace
}  // namespace rop::commands
