#include <gtest/gtest.h>

#include "test/simulation/tests/oracle_fixture.hpp"

// Rules 1 and 9: who may write at all, and under which epoch. Each violation beside the nearest
// thing that is lawful.
namespace rop::simulation {
namespace {

using std::chrono::milliseconds;

const ports::Words change{"CLUSTER", "BUMPEPOCH"};

class OracleLeaseTest : public OracleTest {
  protected:
    RedisServer& server_ = start(7001);
};

TEST_F(OracleLeaseTest, AProofIsGoodForALeaseFromItsSending) {
    begin(RecordState::formed, {&server_});
    run_for(milliseconds{1'500});
    say(change);
    EXPECT_EQ(judged(), "fine");
    run_for(milliseconds{1});
    say(change);
    EXPECT_EQ(judged(), "a writes 'CLUSTER BUMPEPOCH' without a lease");
}

TEST_F(OracleLeaseTest, QuestionsNeedNoLease) {
    say({"CLUSTER", "NODES"});
    say({"CONFIG", "GET", "cluster-node-timeout"});
    EXPECT_EQ(judged(), "fine");
    say(change);
    EXPECT_EQ(judged(), "a writes 'CLUSTER BUMPEPOCH' without a lease");
}

TEST_F(OracleLeaseTest, AProofOfSomebodyElsesSessionProvesNothing) {
    begin(RecordState::formed, {&server_});
    run_for(milliseconds{1'600});
    oracle_.lock_proved("a", leader_key, session_of("b"), clock_.now());
    oracle_.lock_proved("a", "another key", session_of("a"), clock_.now());
    say(change);
    EXPECT_EQ(judged(), "a writes 'CLUSTER BUMPEPOCH' without a lease");
}

TEST_F(OracleLeaseTest, WhoGaveTheLockBackHasNoLease) {
    begin(RecordState::formed, {&server_});
    oracle_.kv_written("a", {ports::KvUnlock{leader_key, lock_of("a", 1), session_of("a")}});
    prove("a");  // It was on its way.
    say(change);
    EXPECT_EQ(judged(), "a writes 'CLUSTER BUMPEPOCH' without a lease");
}

TEST_F(OracleLeaseTest, TheNextLeaderWaitsUntilTheFormerOneCannotWrite) {
    begin(RecordState::formed, {&server_});
    run_for(milliseconds{1'000});
    lead("b", 2);
    write_record(record_of(RecordState::formed, {&server_}, 2), "b");
    run_for(milliseconds{501});
    say(change, "b", 2);
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleLeaseTest, TheNextLeaderThatDoesNotWait) {
    begin(RecordState::formed, {&server_});
    run_for(milliseconds{1'000});
    lead("b", 2);
    write_record(record_of(RecordState::formed, {&server_}, 2), "b");
    run_for(milliseconds{499});
    say(change, "b", 2);
    EXPECT_EQ(judged(), "b writes 'CLUSTER BUMPEPOCH' while a may still write");
}

TEST_F(OracleLeaseTest, NobodyIsWaitedForWhoHasEnded) {
    begin(RecordState::formed, {&server_});
    lead("b", 2);
    write_record(record_of(RecordState::formed, {&server_}, 2), "b");
    oracle_.process_ended("a");
    say(change, "b", 2);
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleLeaseTest, NothingIsChangedBeforeTheRecordCommitsToIt) {
    begin(RecordState::accepted, {});
    say({"CLIENT", "KILL", "ID", "7"});  // Its own earlier connections.
    EXPECT_EQ(judged(), "fine");
    say(change);
    EXPECT_EQ(judged(), "'CLUSTER BUMPEPOCH' before the record says forming");
}

TEST_F(OracleLeaseTest, NothingIsChangedWithoutARecord) {
    begin(RecordState::forming, {&server_});
    say(change);
    EXPECT_EQ(judged(), "fine");
    oracle_.key_put(record_key, std::nullopt);
    say(change);
    EXPECT_EQ(judged(), "'CLUSTER BUMPEPOCH' before the record says forming");
}

TEST_F(OracleLeaseTest, AConnectionIsNamedByTheEpochOfItsLeader) {
    begin(RecordState::formed, {&server_});
    say(change, "a", 2);
    EXPECT_EQ(judged(), "a writes under the name redis-operator:installation:2 in epoch 1");
}

TEST_F(OracleLeaseTest, AConnectionWithoutOurNameChangesNothing) {
    begin(RecordState::formed, {&server_});
    oracle_.commands_written("a", server_.options().at, "somebody", {change});
    EXPECT_EQ(judged(), "a writes under the name somebody in epoch 1");
}

TEST_F(OracleLeaseTest, TheRecordNamesTheEpochOfACommand) {
    begin(RecordState::formed, {&server_});
    run_for(milliseconds{1'600});
    lead("b", 2);
    say({"CLIENT", "KILL", "ID", "7"}, "b", 2);
    EXPECT_EQ(judged(), "fine");
    say(change, "b", 2);
    EXPECT_EQ(judged(),
              "b writes under the name redis-operator:installation:2, and the record is signed "
              "with 1");
}

TEST_F(OracleLeaseTest, NoCommandTakesEffectAfterANewerLeaders) {
    begin(RecordState::formed, {&server_});
    apply(server_, change, "b", 2);
    apply(server_, change, "b", 2);
    EXPECT_EQ(judged(), "fine");
    apply(server_, {"CLUSTER", "NODES"}, "a", 1);
    EXPECT_EQ(judged(), "fine");
    apply(server_, change, "a", 1);
    EXPECT_EQ(judged(), "a command of epoch 1 after one of epoch 2");
}

TEST_F(OracleLeaseTest, ANameBelongsToOneProcess) {
    begin(RecordState::formed, {&server_});
    RedisServer& other = start(7002);
    apply(server_, change, "a", 1);
    apply(other, change, "a", 1);
    EXPECT_EQ(judged(), "fine");
    apply(server_, change, "b", 1);
    EXPECT_EQ(judged(), "b acts as redis-operator:installation:1, which a was");
}

TEST_F(OracleLeaseTest, KeysAreWrittenUnderTheLock) {
    begin(RecordState::formed, {&server_});
    write(status_key, "whatever");
    EXPECT_EQ(judged(), "fine");
    oracle_.kv_written("a", {ports::KvSet{status_key, "whatever"}});
    EXPECT_EQ(judged(), "a writes " + status_key + " without check-session");
}

TEST_F(OracleLeaseTest, AnIndexIsNoLock) {
    begin(RecordState::formed, {&server_});
    oracle_.kv_written("a", {ports::KvCheckIndex{leader_key, 3}, ports::KvCas{status_key, "x", 4}});
    EXPECT_EQ(judged(), "a writes " + status_key + " without check-session");
}

// --- Epochs ------------------------------------------------------------------------------------

TEST_F(OracleLeaseTest, EpochsGoOn) {
    lead("a", 1);
    lead("b", 2);
    lead("a", 7);
    EXPECT_EQ(judged(), "fine");
    lead("b", 7);
    EXPECT_EQ(judged(), "epoch key '7', and " + epoch_key + " names 7");
}

TEST_F(OracleLeaseTest, AnEpochIsANumber) {
    oracle_.kv_written("a", {ports::KvLock{leader_key, lock_of("a", 3), session_of("a")}});
    write(epoch_key, "four");
    EXPECT_EQ(judged(), "epoch key 'four', and " + leader_key + " names 3");
}

TEST_F(OracleLeaseTest, AnEpochGoesOnAboveWhatTheOtherKeysName) {
    begin(RecordState::formed, {&server_});
    write_record(record_of(RecordState::formed, {&server_}, 5));
    for (const std::string& key : {leader_key, epoch_key}) {
        oracle_.key_put(key, std::nullopt);
    }
    lead("b", 6);
    EXPECT_EQ(judged(), "fine");
    for (const std::string& key : {leader_key, epoch_key}) {
        oracle_.key_put(key, std::nullopt);
    }
    lead("a", 5);
    EXPECT_EQ(judged(), "epoch key '5', and " + record_key + " names 5");
}

TEST_F(OracleLeaseTest, ARecordThatWasJustPutBackNeedNotHaveBeenRead) {
    const std::string restored = json::write_record(record_of(RecordState::formed, {&server_}, 5));
    oracle_.key_put(record_key, restored);
    lead("a", 1);
    EXPECT_EQ(judged(), "fine");
    run_for(milliseconds{10'001});
    lead("b", 2);
    EXPECT_EQ(judged(), "epoch key '2', and " + record_key + " names 5");
}

TEST_F(OracleLeaseTest, AnEpochUnderWhichWasActedIsNotTakenAgain) {
    begin(RecordState::formed, {&server_});
    write_record(record_of(RecordState::formed, {&server_}, 3));
    apply(server_, change, "a", 3);
    for (const std::string& key : {leader_key, epoch_key}) {
        oracle_.key_put(key, std::nullopt);
    }
    write_record(record_of(RecordState::formed, {&server_}, 1));  // Signed by one from before.
    lead("b", 2);
    EXPECT_EQ(judged(), "epoch key '2' after acts in epoch 3");
}

TEST_F(OracleLeaseTest, WhoeverTookAwayAllThatNamedTheEpochsMadeThemBeginAnew) {
    begin(RecordState::formed, {&server_});
    apply(server_, change, "a", 1);
    for (const std::string& key : {leader_key, epoch_key, record_key}) {
        oracle_.key_put(key, std::nullopt);
    }
    lead("b", 1);
    write_record(record_of(RecordState::formed, {&server_}, 1), "b");
    run_for(milliseconds{1'600});
    prove("b");
    say(change, "b", 1);
    apply(server_, change, "b", 1);
    EXPECT_EQ(judged(), "fine");
}

}  // namespace
}  // namespace rop::simulation
