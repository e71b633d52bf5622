#include <chrono>
#include <string>

#include <gtest/gtest.h>

#include "reconcilers/evidence.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

NodeId node(std::size_t number) {
    std::string digits = std::to_string(number);
    return NodeId(std::string(40 - digits.size(), '0') + digits);
}

TEST(GiveUp, KeepsTheNewestWhereInstancesDieAgainAndAgain) {
    Record record;
    record.members[InstanceId("a")] = Member{node(1)};
    for (std::size_t i = 0; i < former_max + 5; ++i) {
        give_up(record, node(100 + i), Timestamp{} + std::chrono::seconds{i});
    }
    EXPECT_EQ(record.former.size(), former_max);
    EXPECT_FALSE(is_former(record, node(104)));
    EXPECT_TRUE(is_former(record, node(105)));
    EXPECT_TRUE(is_former(record, node(100 + former_max + 4)));
    EXPECT_TRUE(is_member(record, node(1)));
}

TEST(GiveUp, LeavesNobodyAFormerNodeWhoIsLetInAgain) {
    Record record;
    give_up(record, node(1), Timestamp{});
    enter(record, InstanceId("a"), node(1));
    EXPECT_FALSE(is_former(record, node(1)));
    EXPECT_TRUE(is_member(record, node(1)));
    EXPECT_TRUE(is_of_record(record, node(1)));
}

}  // namespace
}  // namespace rop::reconcilers
