#include <gtest/gtest.h>

#include "test/simulation/redis_reply.hpp"
#include "test/simulation/tests/oracle_fixture.hpp"

// Rules 2, 4, 5, 6 and 11: what is done to Redis. Each violation beside the nearest thing that is
// lawful.
namespace rop::simulation {
namespace {

using std::chrono::seconds;

class OracleRedisTest : public OracleTest {
  protected:
    static ports::Words slots(std::uint32_t first, std::uint32_t last) {
        return {"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)};
    }
    static ports::Words forget(const RedisServer& whom) {
        return {"CLUSTER", "FORGET", whom.node().value()};
    }
    RedisServer& start_with_slots(std::uint16_t port, std::uint16_t first, std::uint16_t last) {
        RedisOptions options = at(port);
        options.slots = {SlotRange{Slot{first}, Slot{last}}};
        return start(std::move(options));
    }
    RedisServer& start_with_keys(std::uint16_t port, std::set<Key> keys) {
        RedisOptions options = at(port);
        options.keys = std::move(keys);
        return start(std::move(options));
    }
};

// --- Rules 4 and 6: which commands, and to whom
// ---------------------------------------------------

TEST_F(OracleRedisTest, WhatFormingAndMendingNeedIsLawful) {
    RedisServer& member = start(7001);
    begin(RecordState::forming, {&member});
    for (const ports::Words& words : std::vector<ports::Words>{
             {"CLUSTER", "SET-CONFIG-EPOCH", "3"},
             slots(0, 100),
             {"CLUSTER", "BUMPEPOCH"},
             {"CONFIG", "SET", "cluster-node-timeout", "500"},
             {"CONFIG", "REWRITE"},
             {"CLIENT", "KILL", "ID", "99"},
         }) {
        apply(member, words);
        EXPECT_EQ(judged(), "fine") << shown(words);
    }
}

class OracleForbidsTest : public OracleRedisTest,
                          public testing::WithParamInterface<ports::Words> {};

TEST_P(OracleForbidsTest, ACommandThatIsNeverNeeded) {
    RedisServer& member = start(7001);
    begin(RecordState::formed, {&member});
    apply(member, GetParam());
    EXPECT_EQ(judged(), "'" + shown(GetParam()) + "' is never needed");
}

INSTANTIATE_TEST_SUITE_P(All, OracleForbidsTest,
                         testing::Values(ports::Words{"FLUSHALL"}, ports::Words{"FLUSHDB"},
                                         ports::Words{"CLUSTER", "RESET", "HARD"},
                                         ports::Words{"CLUSTER", "FAILOVER"},
                                         ports::Words{"CLUSTER", "FAILOVER", "TAKEOVER"},
                                         ports::Words{"CLUSTER", "DELSLOTSRANGE", "0", "1"},
                                         ports::Words{"CLUSTER", "FLUSHSLOTS"},
                                         ports::Words{"REPLICAOF", "NO", "ONE"},
                                         ports::Words{"SET", "1", "x"}, ports::Words{"SHUTDOWN"}));

TEST_F(OracleRedisTest, AStrangerIsLookedAtAndNothingElse) {
    RedisServer& stranger = start(7001);
    oracle_.add_stranger(stranger.id());
    begin(RecordState::formed, {});
    apply(stranger, {"CLUSTER", "NODES"});
    apply(stranger, {"INFO"});
    EXPECT_EQ(judged(), "fine");
    apply(stranger, {"CONFIG", "SET", "cluster-node-timeout", "500"});
    EXPECT_EQ(judged(), "'CONFIG SET cluster-node-timeout 500' to a stranger");
}

TEST_F(OracleRedisTest, WhoWasReplacedIsAStrangerUnlessTheRecordTakesItBack) {
    RedisServer& back = start(7001);
    oracle_.add_replaced(back.id());
    begin(RecordState::forming, {});
    EXPECT_TRUE(oracle_.knows_strangers());
    write_record(record_of(RecordState::forming, {&back}));
    apply(back, {"CLUSTER", "BUMPEPOCH"});
    EXPECT_EQ(judged(), "fine");
    EXPECT_FALSE(oracle_.knows_strangers());
}

TEST_F(OracleRedisTest, WhoWasReplacedIsNotTouched) {
    RedisServer& back = start(7001);
    oracle_.add_replaced(back.id());
    begin(RecordState::forming, {});
    apply(back, {"CLUSTER", "BUMPEPOCH"});
    EXPECT_EQ(judged(), "'CLUSTER BUMPEPOCH' to a stranger");
}

// --- Rule 4: MEET --------------------------------------------------------------------------------

TEST_F(OracleRedisTest, MembersAreIntroducedEitherWay) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    begin(RecordState::forming, {&one, &other});
    apply(one, meet(other));
    apply(other, meet(one));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, MeetNamesTheBusPort) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    begin(RecordState::forming, {&one, &other});
    apply(one, {"CLUSTER", "MEET", "127.0.0.1", "7002"});
    EXPECT_EQ(judged(), "MEET without a bus port");
}

TEST_F(OracleRedisTest, MeetAtOneThatIsNotOfRecord) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    begin(RecordState::forming, {&other});
    apply(one, meet(other));
    EXPECT_EQ(judged(), "MEET at an instance that the record does not name");
}

TEST_F(OracleRedisTest, MeetTowardOneThatIsNotOfRecord) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    begin(RecordState::forming, {&one});
    apply(one, meet(other));
    EXPECT_EQ(judged(), "MEET toward an instance that the record does not prove");
}

TEST_F(OracleRedisTest, MeetTowardAStrangerAtTheAddressOfAMember) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    begin(RecordState::forming, {&one, &other});
    fleet_.kill(other.id());
    apply(one, meet(other));  // Nobody is there.
    EXPECT_EQ(judged(), "fine");
    oracle_.add_stranger(start(7002).id());
    apply(one, meet(other));
    EXPECT_EQ(judged(), "MEET toward an instance that the record does not prove");
}

TEST_F(OracleRedisTest, ANewcomerMeetsAMember) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    acquaint({&one, &other});
    RedisServer& newcomer = start(7003);
    begin(RecordState::formed, {&one, &other, &newcomer});
    apply(newcomer, meet(one));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, AMemberThatIsMadeToMeetANewcomer) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    acquaint({&one, &other});
    RedisServer& newcomer = start(7003);
    begin(RecordState::formed, {&one, &other, &newcomer});
    apply(one, meet(newcomer));
    EXPECT_EQ(judged(), "MEET at a member toward a newcomer");
}

// --- Rule 5: slots -------------------------------------------------------------------------------

TEST_F(OracleRedisTest, ASlotHasOneOwner) {
    RedisServer& owner = start_with_slots(7001, 0, 5'460);
    RedisServer& other = start(7002);
    begin(RecordState::formed, {&owner, &other});
    apply(other, slots(5'461, 9'000));
    EXPECT_EQ(judged(), "fine");
    apply(other, slots(5'460, 5'460));  // It has not heard of the owner.
    EXPECT_EQ(judged(), "slots of " + short_name(owner) + " get a second owner");
}

TEST_F(OracleRedisTest, SlotsThatTheServerRefusesAreGivenToNobody) {
    RedisServer& owner = start_with_slots(7001, 0, 5'460);
    RedisServer& other = start(7002);
    acquaint({&owner, &other});
    begin(RecordState::formed, {&owner, &other});
    EXPECT_TRUE(apply(other, slots(0, 0)).is_error());
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, SlotsOfAStrangerAreNoneOfOurs) {
    RedisServer& stranger = start_with_slots(7001, 0, 16'383);
    oracle_.add_stranger(stranger.id());
    RedisServer& member = start(7002);
    begin(RecordState::forming, {&member});
    apply(member, slots(0, 100));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, ASlotIsGivenWhereItsKeysAre) {
    constexpr Key key = 5;
    const std::uint16_t slot = slot_of(key).value();
    RedisServer& holder = start_with_keys(7001, {key});
    RedisServer& other = start_with_slots(7002, slot == 0 ? 1 : 0, slot == 0 ? 1 : 0);
    begin(RecordState::formed, {&holder, &other});
    apply(holder, slots(slot, slot));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, ASlotIsGivenAwayFromItsKeys) {
    constexpr Key key = 5;
    const std::uint32_t slot = slot_of(key).value();
    RedisServer& holder = start_with_keys(7001, {key});
    RedisServer& other = start(7002);
    begin(RecordState::forming, {&holder, &other});
    apply(other, slots(slot + 1, slot + 1));
    EXPECT_EQ(judged(), "fine");
    apply(other, slots(slot, slot));
    EXPECT_EQ(judged(), "slots are given away from the keys that " + short_name(holder) + " holds");
}

// --- Rule 7 --------------------------------------------------------------------------------------

TEST_F(OracleRedisTest, NothingIsAssignedAfterEverythingWasLost) {
    RedisServer& member = start(7001);
    begin(RecordState::forming, {&member});
    apply(member, slots(0, 100));
    EXPECT_EQ(judged(), "fine");
    RedisServer& anew = start(7002);
    fleet_.kill(member.id());
    write_record(record_of(RecordState::formed, {&anew}));
    ASSERT_EQ(judged(), "fine");
    apply(anew, slots(0, 16'383));
    EXPECT_EQ(judged(), "slots are assigned although everything was lost");
}

// --- Rules 2 and 11: FORGET ----------------------------------------------------------------------

TEST_F(OracleRedisTest, ForgetOfOneThatLives) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    acquaint({&one, &other});
    begin(RecordState::formed, {&one, &other});
    apply(one, forget(other));
    EXPECT_EQ(judged(), "FORGET of " + short_name(other) + ", which lives");
}

TEST_F(OracleRedisTest, ForgetOfOneThatIsGone) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    acquaint({&one, &other});
    begin(RecordState::formed, {&one, &other});
    fleet_.kill(other.id());
    EXPECT_FALSE(apply(one, forget(other)).is_error());
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, ForgetOfOneThatCannotBeKnownToBeBack) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    acquaint({&one, &other});
    begin(RecordState::formed, {&one, &other});
    fleet_.kill(other.id());
    RedisOptions again = at(7003);
    again.disk = other.disk();
    start(std::move(again));
    run_for(seconds{2});
    ASSERT_FALSE(apply(one, forget(other)).is_error());
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, ForgetOfOneThatIsBackForLong) {
    RedisServer& one = start(7001);
    RedisServer& other = start(7002);
    acquaint({&one, &other});
    begin(RecordState::formed, {&one, &other});
    fleet_.kill(other.id());
    RedisOptions again = at(7003);
    again.disk = other.disk();
    start(std::move(again));
    run_for(seconds{4});
    ASSERT_FALSE(apply(one, forget(other)).is_error());
    EXPECT_EQ(judged(), "FORGET of " + short_name(other) + ", which lives");
}

TEST_F(OracleRedisTest, ForgetOfAnOwnerOfSlots) {
    RedisServer& one = start(7001);
    RedisServer& owner = start_with_slots(7002, 0, 99);
    acquaint({&one, &owner});
    begin(RecordState::formed, {&one, &owner});
    fleet_.kill(owner.id());
    apply(one, forget(owner));
    EXPECT_EQ(judged(), "FORGET at " + short_name(one) + " of the owner of 100 slots");
}

TEST_F(OracleRedisTest, ForgetOfAnOwnerWhoseSlotsAreAnothersNow) {
    RedisServer& heir = start_with_slots(7001, 0, 99);
    RedisServer& owner = start(7002);
    acquaint({&heir, &owner});
    begin(RecordState::formed, {&heir, &owner});
    fleet_.kill(owner.id());
    EXPECT_FALSE(apply(heir, forget(owner)).is_error());
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, WhileFormingAnOwnerIsForgottenAsLongAsNobodyHoldsAKey) {
    RedisServer& one = start(7001);
    RedisServer& owner = start_with_slots(7002, 0, 99);
    acquaint({&one, &owner});
    begin(RecordState::forming, {&one, &owner});
    fleet_.kill(owner.id());
    EXPECT_FALSE(apply(one, forget(owner)).is_error());
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, WhileFormingAnOwnerIsKeptOnceSomebodyHoldsAKey) {
    RedisServer& one = start_with_keys(7001, {5});
    RedisServer& owner = start_with_slots(7002, 0, 99);
    acquaint({&one, &owner});
    begin(RecordState::forming, {&one, &owner});
    fleet_.kill(owner.id());
    apply(one, forget(owner));
    EXPECT_EQ(judged(), "FORGET at " + short_name(one) + " of the owner of 100 slots");
}

// --- Rule 5: keys --------------------------------------------------------------------------------

TEST_F(OracleRedisTest, AnAcknowledgedKeyThatNobodyHoldsAnyMore) {
    const RedisServer& server = start(7001);
    oracle_.keys_dropped(server, {5}, "another node owns their slots");  // Nobody was promised it.
    EXPECT_EQ(judged(), "fine");
    oracle_.key_acknowledged(5);
    oracle_.keys_dropped(server, {5}, "another node owns their slots");
    EXPECT_EQ(judged(), "key 5 is lost: another node owns their slots");
}

TEST_F(OracleRedisTest, AKeyThatSomebodyElseHolds) {
    const RedisServer& server = start(7001);
    start_with_keys(7002, {5});
    oracle_.key_acknowledged(5);
    oracle_.keys_dropped(server, {5}, "it follows another one");
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRedisTest, AKeyThatDiedWithTheOnlyOneThatHadIt) {
    RedisServer& holder = start_with_keys(7001, {5, 6});
    RedisServer& other = start_with_keys(7002, {6});
    oracle_.key_acknowledged(5);
    oracle_.key_acknowledged(6);
    oracle_.about_to_die(holder);
    fleet_.kill(holder.id());
    oracle_.keys_dropped(other, {5}, "it follows another one");
    EXPECT_EQ(judged(), "fine");
    fleet_.kill(other.id());
    oracle_.keys_dropped(other, {6}, "it follows another one");
    EXPECT_EQ(judged(), "key 6 is lost: it follows another one");
}

}  // namespace
}  // namespace rop::simulation
