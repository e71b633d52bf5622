#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "reconcilers/evidence.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

NodeId node(std::size_t number) {
    std::string digits = std::to_string(number);
    return NodeId(std::string(40 - digits.size(), '0') + digits);
}

/// One that answers, and has these nodes in its table.
Snapshot seen_by_one(std::vector<NodeId> known) {
    Snapshot seen;
    Instance one;
    one.id = InstanceId("a");
    one.contact = Contact::answered;
    one.report.emplace();
    for (auto& id : known) {
        TableRow row;
        row.id = std::move(id);
        one.report->table.push_back(std::move(row));
    }
    seen.instances.emplace(one.id, std::move(one));
    return seen;
}

TEST(GiveUp, KeepsTheNewestWhereInstancesDieAgainAndAgain) {
    const Snapshot seen = seen_by_one({node(100), node(102)});
    Record record;
    record.members[InstanceId("a")] = Member{node(1)};
    for (std::size_t i = 0; i < former_max + 5; ++i) {
        give_up(seen, record, node(100 + i));
    }
    EXPECT_EQ(record.former.size(), former_max);
    EXPECT_TRUE(is_former(record, node(100))) << "somebody's table has it";
    EXPECT_FALSE(is_former(record, node(101)));
    EXPECT_TRUE(is_former(record, node(102))) << "somebody's table has it";
    EXPECT_FALSE(is_former(record, node(106)));
    EXPECT_TRUE(is_former(record, node(107)));
    EXPECT_TRUE(is_former(record, node(100 + former_max + 4)));
    EXPECT_TRUE(is_member(record, node(1)));
}

TEST(GiveUp, KeepsWhoeverIsStillInATable) {
    std::vector<NodeId> all;
    for (std::size_t i = 0; i < former_max + 5; ++i) {
        all.push_back(node(100 + i));
    }
    const Snapshot seen = seen_by_one(all);
    Record record;
    for (const NodeId& one : all) {
        give_up(seen, record, one);
    }
    EXPECT_EQ(record.former.size(), former_max + 5);
}

TEST(GiveUp, LeavesNobodyAFormerNodeWhoIsLetInAgain) {
    Record record;
    give_up(Snapshot(), record, node(1));
    enter(record, InstanceId("a"), node(1));
    EXPECT_FALSE(is_former(record, node(1)));
    EXPECT_TRUE(is_member(record, node(1)));
    EXPECT_TRUE(is_of_record(record, node(1)));
}

}  // namespace
}  // namespace rop::reconcilers
