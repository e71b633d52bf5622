#include "operator/execute/script.hpp"

#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "test/support/topology.hpp"

namespace rop::execute {
namespace {

constexpr std::string_view three = R"(
    record formed a,b,c
    spec 3x0 allow=noReplicas
    a primary 0-5460
    b primary 5461-10922
    c primary 10923-16383)";

std::string draw(const Script& script) {
    std::string text;
    for (const auto& stage : script) {
        if (const auto* redis = std::get_if<RedisStage>(&stage)) {
            text += "stage\n";
            for (const auto& batch : *redis) {
                for (const auto& command : batch.commands) {
                    text += "  " + batch.at.value() + " " + to_string(batch.to) + ":";
                    for (const auto& word : command.words) {
                        text += " " + word;
                    }
                    text +=
                        command.already_so.empty() ? "\n" : " (or " + command.already_so + ")\n";
                }
            }
        } else if (std::holds_alternative<WriteRecord>(stage)) {
            text += "record\n";
        } else {
            text += "count\n";
        }
    }
    return text;
}

std::string script_of(const Action& action, std::string_view drawing = three) {
    const Snapshot seen = testing::topology(drawing);
    const auto script = write_script(action, seen);
    return script.has_value() ? draw(script.value()) : "refused: " + script.error().what;
}

std::vector<SlotRange> slots(std::string_view text) {
    return SlotSet::parse(text).value().ranges();
}

TEST(Script, ReadiesEveryInstanceInOneStageTimeoutFirst) {
    PrepareNodes prepare;
    prepare.nodes.push_back({InstanceId{"a"}, 1, slots("0-100 200")});
    prepare.nodes.push_back({InstanceId{"b"}, {}, {}});

    EXPECT_EQ(script_of(prepare),
              "stage\n"
              "  a 127.0.0.1:21000: CONFIG SET cluster-node-timeout 500\n"
              "  a 127.0.0.1:21000: CONFIG SET cluster-allow-replica-migration no\n"
              "  a 127.0.0.1:21000: CLUSTER SET-CONFIG-EPOCH 1\n"
              "  a 127.0.0.1:21000: CLUSTER ADDSLOTSRANGE 0 100 200 200\n"
              "  b 127.0.0.1:21001: CONFIG SET cluster-node-timeout 500\n"
              "  b 127.0.0.1:21001: CONFIG SET cluster-allow-replica-migration no\n");
}

TEST(Script, MeetsAtTheAddressThatAnsweredAndTheBusPortThatItReported) {
    const Meet meet{{{InstanceId{"a"}, InstanceId{"b"}},
                     {InstanceId{"a"}, InstanceId{"c"}},
                     {InstanceId{"b"}, InstanceId{"c"}}}};

    EXPECT_EQ(script_of(meet),
              "stage\n"
              "  a 127.0.0.1:21000: CLUSTER MEET 127.0.0.1 21001 31001\n"
              "  a 127.0.0.1:21000: CLUSTER MEET 127.0.0.1 21002 31002\n"
              "  b 127.0.0.1:21001: CLUSTER MEET 127.0.0.1 21002 31002\n");
}

TEST(Script, RefusesWhoDidNotAnswer) {
    const Meet meet{{{InstanceId{"a"}, InstanceId{"c"}}}};

    EXPECT_EQ(script_of(meet, "record formed a,c\na primary 0-16383\nc primary timed-out"),
              "refused: instance c did not answer lately");
}

TEST(Script, ForgetsAtAllInOneStageAndToleratesThatItWasSo) {
    const Forget forget{{NodeId{"x"}, NodeId{"y"}}, {InstanceId{"a"}, InstanceId{"b"}}};

    EXPECT_EQ(script_of(forget),
              "stage\n"
              "  a 127.0.0.1:21000: CLUSTER FORGET x (or ERR Unknown node)\n"
              "  a 127.0.0.1:21000: CLUSTER FORGET y (or ERR Unknown node)\n"
              "  b 127.0.0.1:21001: CLUSTER FORGET x (or ERR Unknown node)\n"
              "  b 127.0.0.1:21001: CLUSTER FORGET y (or ERR Unknown node)\n");
}

TEST(Script, RaisesTheEpochAfterSlotsThatAnotherMayStillClaim) {
    AssignSlots assign;
    assign.shares.push_back({InstanceId{"a"}, slots("7-9"), true});
    assign.shares.push_back({InstanceId{"b"}, slots("10"), false});

    EXPECT_EQ(script_of(assign),
              "stage\n"
              "  a 127.0.0.1:21000: CLUSTER ADDSLOTSRANGE 7 9\n"
              "  a 127.0.0.1:21000: CLUSTER BUMPEPOCH\n"
              "  b 127.0.0.1:21001: CLUSTER ADDSLOTSRANGE 10 10\n");
}

TEST(Script, EndsOlderConnectionsById) {
    EndOlderConnections end;
    end.client_ids[InstanceId{"a"}] = {7, 9};

    EXPECT_EQ(script_of(end),
              "stage\n"
              "  a 127.0.0.1:21000: CLIENT KILL ID 7 (or ERR No such client)\n"
              "  a 127.0.0.1:21000: CLIENT KILL ID 9 (or ERR No such client)\n");
}

TEST(Script, FollowsAndPutsTheTimeoutBack) {
    EXPECT_EQ(script_of(Follow{{{InstanceId{"a"}, NodeId{"p"}}}}),
              "stage\n  a 127.0.0.1:21000: CLUSTER REPLICATE p\n");
    EXPECT_EQ(script_of(SetNodeTimeout{{InstanceId{"b"}}, std::chrono::milliseconds{15'000}}),
              "stage\n  b 127.0.0.1:21001: CONFIG SET cluster-node-timeout 15000\n");
    EXPECT_EQ(script_of(ForbidReplicaMigration{{InstanceId{"b"}}}),
              "stage\n  b 127.0.0.1:21001: CONFIG SET cluster-allow-replica-migration no\n");
}

TEST(Script, WhatIsNotRedisGoesToItsOwnStage) {
    EXPECT_EQ(script_of(WriteRecord{}), "record\n");
    EXPECT_EQ(script_of(RaiseCount{}), "count\n");
}

}  // namespace
}  // namespace rop::execute
