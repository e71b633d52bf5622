#include <gtest/gtest.h>

#include "operator/telemetry/log.hpp"
#include "test/simulation/tests/oracle_fixture.hpp"
#include "test/simulation/world.hpp"

// Rules 2, 4 and 7: what the record may say next. Each violation beside the nearest thing that is
// lawful.
namespace rop::simulation {
namespace {

using std::chrono::seconds;

class OracleRecordTest : public OracleTest {};

TEST_F(OracleRecordTest, ARecordCanBeRead) {
    lead("a", 1);
    write(record_key, "{}");
    EXPECT_TRUE(judged().starts_with("a writes a record that cannot be read: ")) << judged();
}

TEST_F(OracleRecordTest, ARecordGoesOn) {
    const RedisServer& member = start(7001);
    begin(RecordState::accepted, {});
    write_record(record_of(RecordState::forming, {&member}));
    write_record(record_of(RecordState::forming, {&member}));
    write_record(record_of(RecordState::formed, {&member}));
    EXPECT_EQ(judged(), "fine");
    EXPECT_TRUE(oracle_.was_formed());
    write_record(record_of(RecordState::forming, {&member}));
    EXPECT_EQ(judged(), "the record goes back to forming");
}

TEST_F(OracleRecordTest, ARecordBeginsAnewOnceSomebodyDeletedIt) {
    const RedisServer& member = start(7001);
    begin(RecordState::formed, {&member});
    oracle_.key_put(record_key, std::nullopt);
    write_record(record_of(RecordState::accepted, {}));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRecordTest, AMemberThatLivesIsKept) {
    const RedisServer& one = start(7001);
    const RedisServer& other = start(7002);
    begin(RecordState::formed, {&one, &other});
    run_for(seconds{4});
    write_record(record_of(RecordState::formed, {&one}));
    EXPECT_EQ(judged(), "member " + instance_of(other).value() + " is retired, and lives");
}

TEST_F(OracleRecordTest, AMemberThatIsGoneIsRetired) {
    const RedisServer& one = start(7001);
    const RedisServer& other = start(7002);
    begin(RecordState::formed, {&one, &other});
    run_for(seconds{4});
    fleet_.kill(other.id());
    write_record(record_of(RecordState::formed, {&one}));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleRecordTest, AMemberUnderAnotherIdentityIsKept) {
    const RedisServer& one = start(7001);
    begin(RecordState::formed, {&one});
    run_for(seconds{4});
    Record moved = record_of(RecordState::formed, {});
    moved.members[InstanceId{"another allocation"}] = Member{one.node()};
    write_record(moved);
    EXPECT_EQ(judged(), "fine");
}

class OracleLayoutTest : public OracleRecordTest {
  protected:
    /// Of two shards with a replica each, on two hosts.
    Record laid_out(std::size_t first_replica, std::size_t second_replica) {
        Record record = record_of(RecordState::forming, {servers_.begin(), servers_.end()});
        record.layout = {shard(0, first_replica, {Slot{0}, Slot{8'191}}),
                         shard(1, second_replica, {Slot{8'192}, Slot{16'383}})};
        return record;
    }
    ShardLayout shard(std::size_t primary, std::size_t replica, SlotRange slots) {
        return ShardLayout{
            instance_of(*servers_[primary]), {slots}, {instance_of(*servers_[replica])}};
    }

    std::vector<RedisServer*> servers_{&start(at(7001, "127.0.0.1")), &start(at(7002, "127.0.0.2")),
                                       &start(at(7003, "127.0.0.1")),
                                       &start(at(7004, "127.0.0.2"))};
};

TEST_F(OracleLayoutTest, AReplicaIsElsewhereThanItsPrimary) {
    lead("a", 1);
    write_record(laid_out(3, 2));
    EXPECT_EQ(judged(), "fine");
}

TEST_F(OracleLayoutTest, AReplicaBesideItsPrimaryWithoutNeed) {
    lead("a", 1);
    write_record(laid_out(2, 3));
    EXPECT_EQ(judged(), "the layout has a replica beside its primary");
}

TEST_F(OracleLayoutTest, AReplicaBesideItsPrimaryWhereOneHostHasMost) {
    lead("a", 1);
    RedisServer& fifth = start(at(7005, "127.0.0.1"));
    servers_[3] = &fifth;  // Three of four are on one host.
    write_record(laid_out(2, 3));
    EXPECT_EQ(judged(), "fine");
}

TEST(WorldTest, AnErrorInAnOperatorsLogFailsItsLife) {
    World world{WorldOptions{}};
    log::warn("something is slow");
    EXPECT_EQ(world.oracle().violation(), std::nullopt);
    log::error("something is broken");
    EXPECT_NE(world.oracle().violation().value_or("").find("something is broken"),
              std::string::npos);
}

}  // namespace
}  // namespace rop::simulation
