#include "api/plan.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rop {
namespace {

const InstanceId allocation{"8d1f0f4e-35c1-4a3e-9d1c-0b1a2c3d4e5f"};
const NodeId node{"07c37dfeb235213a872192d90877d0cd55635b91"};

std::vector<SlotRange> slots(std::uint16_t first, std::uint16_t last) {
    return {SlotRange{Slot{first}, Slot{last}}};
}

struct Case {
    Action action;
    std::string kind;
    std::string text;
};

Meet full_mesh(std::initializer_list<const char*> names) {
    Meet meet;
    for (const auto* from : names) {
        for (const auto* to : names) {
            if (std::string_view(from) < to) {
                meet.pairs.push_back({InstanceId{from}, InstanceId{to}});
            }
        }
    }
    return meet;
}

AssignSlots five_shares() {
    AssignSlots assign;
    for (std::uint16_t i = 0; i < 5; ++i) {
        const auto first = static_cast<std::uint16_t>(i * 10);
        assign.shares.push_back({InstanceId{std::to_string(i)},
                                 slots(first, static_cast<std::uint16_t>(first + 9)), false});
    }
    return assign;
}

PrepareNodes five_nodes() {
    PrepareNodes prepare;
    for (const auto& share : five_shares().shares) {
        prepare.nodes.push_back({share.owner, 1, share.slots});
    }
    return prepare;
}

std::vector<SlotRange> scattered() {
    std::vector<SlotRange> ranges;
    for (std::uint16_t i = 0; i < 20; ++i) {
        const auto slot = Slot{static_cast<std::uint16_t>(i * 2)};
        ranges.push_back(SlotRange{slot, slot});
    }
    return ranges;
}

const Follow five_follow{.pairs = {{InstanceId{"d"}, NodeId{"a"}},
                                   {InstanceId{"e"}, NodeId{"b"}},
                                   {InstanceId{"f"}, NodeId{"a"}},
                                   {InstanceId{"g"}, NodeId{"b"}},
                                   {InstanceId{"h"}, NodeId{"a"}}}};

const std::vector<InstanceId> six{InstanceId{"a"}, InstanceId{"b"}, InstanceId{"c"},
                                  InstanceId{"d"}, InstanceId{"e"}, InstanceId{"f"}};

std::vector<Case> cases() {
    using std::chrono::milliseconds;
    return {
        {WriteRecord{{}, "accept spec 812"}, "write-record", "accept spec 812"},
        {EndOlderConnections{{{InstanceId{"a"}, {7, 8}}, {allocation, {9}}}},
         "end-older-connections", "end 3 connections of earlier leaders at 8d1f0f4e, a"},
        {PrepareNodes{{{InstanceId{"a"}, 1, slots(0, 16383)}, {InstanceId{"b"}, {}, {}}}, {}},
         "prepare-nodes", "prepare a with slots 0-16383 at config epoch 1, b (node timeout 0ms)"},
        {five_nodes(), "prepare-nodes", "prepare 5 instances (50 slots, node timeout 500ms)"},
        {full_mesh({"a", "b"}), "meet", "let a meet b"},
        {full_mesh({"a", "b", "c"}), "meet", "let a meet b, a meet c, b meet c"},
        {full_mesh({"a", "b", "c", "d", "e", "f"}), "meet", "let 6 instances meet (15 pairs)"},
        {Follow{{{InstanceId{"d"}, node}}}, "follow", "let d follow 07c37dfe"},
        {five_follow, "follow", "let 5 instances follow 2 primaries"},
        {AssignSlots{
             {{InstanceId{"a"}, slots(0, 99), false}, {InstanceId{"b"}, slots(100, 100), true}}},
         "assign-slots", "assign 0-99 to a, 100 to b with a raised epoch"},
        {AssignSlots{{{InstanceId{"a"}, scattered(), false}}}, "assign-slots",
         "assign 20 slots to a"},
        {five_shares(), "assign-slots", "assign 50 slots to 5 instances"},
        {SetNodeTimeout{six, milliseconds(15'000)}, "set-node-timeout",
         "set node timeout 15s at 6 instances"},
        {ForbidReplicaMigration{six}, "forbid-replica-migration",
         "forbid replica migration at 6 instances"},
        {Forget{{node}, {InstanceId{"a"}, InstanceId{"b"}}}, "forget", "forget 07c37dfe at a, b"},
        {RaiseCount{{.job = "redis-cache", .group = "redis"}, 3, 6, 99}, "raise-count",
         "raise the count of redis-cache/redis from 3 to 6"},
    };
}

TEST(Action, IsReadable) {
    for (const auto& row : cases()) {
        EXPECT_EQ(to_string(row.action), row.text);
        EXPECT_EQ(kind_of(row.action), row.kind);
    }
}

TEST(Action, HasDistinctKinds) {
    std::set<std::string_view> seen;
    for (const auto& row : cases()) {
        seen.insert(kind_of(row.action));
    }

    EXPECT_EQ(seen, std::set<std::string_view>(action_kinds().begin(), action_kinds().end()));
    EXPECT_EQ(seen.size(), std::variant_size_v<Action>);
}

TEST(Plan, HasALinePerStepAndFinding) {
    const Plan plan{.based_on = Revision{1},
                    .concern = "formation",
                    .steps = {Step{Meet{{{InstanceId{"a"}, InstanceId{"b"}}}}, "a knows nobody"},
                              Step{WriteRecord{{}, "call it formed"}, ""}},
                    .findings = {Finding{ConditionType::members_known, "WrongPassword",
                                         "c refuses our password", InstanceId{"c"}}},
                    .look_again = {}};

    EXPECT_EQ(to_string(plan),
              "formation: let a meet b (a knows nobody)\n"
              "formation: call it formed\n"
              "note: MembersKnown/WrongPassword: c refuses our password\n");
}

TEST(Plan, SaysWhenThereIsNothingToDo) {
    EXPECT_EQ(to_string(Plan{}), "nothing to do\n");
}

}  // namespace
}  // namespace rop
