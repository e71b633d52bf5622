#include <gtest/gtest.h>

#include "test/simulation/tests/oracle_fixture.hpp"

// Rule 8: while Nomad cannot be asked nothing is formed, forgotten or scaled. Each violation beside
// the nearest thing that is lawful.
namespace rop::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class OracleNomadTest : public OracleTest {
  protected:
    void hear_everything() {
        for (const char* question : {"allocations", "nodes", "group"}) {
            oracle_.nomad_answered("a", question, true);
        }
    }
    /// Nobody knows whether a round of before may still act on what Nomad said.
    void look() { say({"CLUSTER", "NODES"}); }

    static Record with_nomad(Record record) {
        record.spec.nomad = NomadTarget{"redis-cache", "redis"};
        return record;
    }
    /// As a process does it: it asks, and it is done.
    void put(const Record& record) {
        const std::string text = json::write_record(record);
        oracle_.kv_asked("a", {ports::KvCheckSession{leader_key, session_of("a")},
                               ports::KvCas{record_key, text, 7}});
        write(record_key, text);
    }
    void lead_with(RecordState state, const std::vector<const RedisServer*>& members) {
        lead("a", 1);
        hear_everything();
        put(with_nomad(record_of(state, members)));
        ASSERT_EQ(judged(), "fine");
    }
    void lose_nomad(const std::string& question = "group") {
        oracle_.nomad_answered("a", question, false);
        run_for(seconds{3});
        prove("a");
        look();
    }
};

const std::string why = " although Nomad does not tell a about its group";

TEST_F(OracleNomadTest, FormingWhileNomadIsAway) {
    const RedisServer& member = start(7001);
    lead_with(RecordState::accepted, {});
    lose_nomad();
    put(with_nomad(record_of(RecordState::accepted, {})));
    EXPECT_EQ(judged(), "fine");
    put(with_nomad(record_of(RecordState::forming, {&member})));
    EXPECT_EQ(judged(), "the record says forming" + why);
}

TEST_F(OracleNomadTest, AdoptingWhileNomadIsAway) {
    const RedisServer& member = start(7001);
    lead_with(RecordState::accepted, {});
    lose_nomad("allocations");
    put(with_nomad(record_of(RecordState::formed, {&member})));
    EXPECT_EQ(judged(),
              "the record says formed although Nomad does not tell a about its allocations");
}

TEST_F(OracleNomadTest, FormingBeforeNomadSaidAnything) {
    const RedisServer& member = start(7001);
    lead("a", 1);
    oracle_.nomad_answered("a", "allocations", true);
    oracle_.nomad_answered("a", "group", true);
    put(with_nomad(record_of(RecordState::forming, {&member})));
    EXPECT_EQ(judged(), "the record says forming although Nomad has not told a about its nodes");
}

TEST_F(OracleNomadTest, FormingOnceNomadAnswersAgain) {
    const RedisServer& member = start(7001);
    lead_with(RecordState::accepted, {});
    lose_nomad();
    hear_everything();
    put(with_nomad(record_of(RecordState::forming, {&member})));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleNomadTest, FormingInARoundThatLookedBefore) {
    const RedisServer& member = start(7001);
    lead_with(RecordState::accepted, {});
    oracle_.nomad_answered("a", "group", false);
    run_for(milliseconds{2'500});
    look();
    run_for(seconds{3});
    put(with_nomad(record_of(RecordState::forming, {&member})));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleNomadTest, WhoDeclaresNoNomadNeedsNone) {
    const RedisServer& member = start(7001);
    lead("a", 1);
    put(record_of(RecordState::forming, {&member}));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleNomadTest, GivingUpWhileNomadIsAway) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    lead_with(RecordState::formed, {&one, &other});
    fleet_.kill(other.id());
    lose_nomad();
    Record record = with_nomad(record_of(RecordState::formed, {&one, &other}));
    record.members.erase(instance_of(other));
    record.members[InstanceId{"another allocation"}] = Member{other.node()};
    put(record);
    EXPECT_EQ(judged(), "fine");
    record.members.erase(InstanceId{"another allocation"});
    record.former.push_back(FormerNode{other.node(), clock_.wall()});
    put(record);
    EXPECT_EQ(judged(), "the record gives " + short_name(other) + " up" + why);
}

TEST_F(OracleNomadTest, ARecordThatWasAskedForBeforeMayComeLate) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    lead_with(RecordState::formed, {&one, &other});
    fleet_.kill(other.id());
    Record record = with_nomad(record_of(RecordState::formed, {&one}));
    record.former.push_back(FormerNode{other.node(), clock_.wall()});
    oracle_.kv_asked("a", {ports::KvCas{record_key, json::write_record(record), 7}});
    lose_nomad();
    write_record(record);
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleNomadTest, ForgettingWhileNomadIsAway) {
    const RedisServer& member = start(7001);
    lead_with(RecordState::formed, {&member});
    const ports::Words forget{"CLUSTER", "FORGET", std::string(40, 'f')};
    say(forget);
    EXPECT_EQ(judged(), "fine");
    lose_nomad();
    say({"CLUSTER", "REPLICATE", std::string(40, 'f')});
    EXPECT_EQ(judged(), "fine");
    say(forget);
    EXPECT_EQ(judged(), "'CLUSTER FORGET ffffffff'" + why);
}

TEST_F(OracleNomadTest, ScalingWhileNomadIsAway) {
    const RedisServer& member = start(7001);
    lead_with(RecordState::formed, {&member});
    oracle_.scale_asked("a", 6);
    EXPECT_EQ(judged(), "fine");
    lose_nomad();
    oracle_.scale_asked("a", 6);
    EXPECT_EQ(judged(), "asked to scale to 6" + why);
}

}  // namespace
}  // namespace rop::simulation
