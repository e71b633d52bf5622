#include "api/status.hpp"

#include <gtest/gtest.h>

namespace rop {
namespace {

// The words are the contract (design, 5.1): a change breaks users' scripts and alert rules.
TEST(Status, UsesTheWordsOfTheContract) {
    EXPECT_EQ(to_string(Phase::pending), "Pending");
    EXPECT_EQ(to_string(Phase::forming), "Forming");
    EXPECT_EQ(to_string(Phase::ready), "Ready");
    EXPECT_EQ(to_string(Phase::scaling), "Scaling");
    EXPECT_EQ(to_string(Phase::rebalancing), "Rebalancing");
    EXPECT_EQ(to_string(Phase::rolling), "Rolling");
    EXPECT_EQ(to_string(Phase::degraded), "Degraded");
    EXPECT_EQ(to_string(Phase::down), "Down");
    EXPECT_EQ(to_string(Phase::paused), "Paused");

    EXPECT_EQ(to_string(ConditionType::spec_valid), "SpecValid");
    EXPECT_EQ(to_string(ConditionType::formed), "Formed");
    EXPECT_EQ(to_string(ConditionType::slots_covered), "SlotsCovered");
    EXPECT_EQ(to_string(ConditionType::replicas_in_sync), "ReplicasInSync");
    EXPECT_EQ(to_string(ConditionType::balanced), "Balanced");
    EXPECT_EQ(to_string(ConditionType::spread), "Spread");
    EXPECT_EQ(to_string(ConditionType::members_known), "MembersKnown");
    EXPECT_EQ(to_string(ConditionType::observed), "Observed");

    EXPECT_EQ(to_string(Truth::yes), "True");
    EXPECT_EQ(to_string(Truth::no), "False");
    EXPECT_EQ(to_string(Truth::unknown), "Unknown");
}

}  // namespace
}  // namespace rop
