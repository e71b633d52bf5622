#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/simulation/redis_server.hpp"
#include "test/simulation/world.hpp"

// What is missing at the end of a story has to be said.
namespace rop::simulation {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;

class WorldEndTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.run_job();
        world_.start_operator(0);
        world_.declare();
        ASSERT_TRUE(world_.run_until([this] { return world_.unfinished().empty(); }, seconds{20}))
            << world_.unfinished();
        for (RedisServer* server : world_.fleet().alive()) {
            if (!server->self().slots.empty()) {
                owners_.push_back(server);
            }
        }
        ASSERT_EQ(owners_.size(), 3);
    }
    static void bump(RedisServer& server) {
        server.execute(server.accept("test", {}), {"CLUSTER", "BUMPEPOCH"});
    }

    World world_{WorldOptions{}};
    std::vector<RedisServer*> owners_;
};

TEST_F(WorldEndTest, OwnersHaveConfigEpochsOfTheirOwn) {
    bump(*owners_[0]);
    bump(*owners_[1]);
    EXPECT_THAT(world_.unfinished(), HasSubstr(" have one config epoch, "));
    world_.run_for(seconds{10});  // Redis itself sets that right.
    EXPECT_EQ(world_.unfinished(), "");
}

TEST_F(WorldEndTest, AllTablesKnowTheConfigEpochsOfOwners) {
    bump(*owners_[0]);
    EXPECT_THAT(world_.unfinished(), HasSubstr(" under config epoch "));
    world_.run_for(seconds{10});
    EXPECT_EQ(world_.unfinished(), "");
}

TEST_F(WorldEndTest, NoTableHasAnEntryInHandshake) {
    owners_[0]->execute(owners_[0]->accept("test", {}), {"CLUSTER", "MEET", "127.0.0.9", "7999"});
    EXPECT_THAT(world_.unfinished(), HasSubstr("knows 7 nodes of 6"));
}

}  // namespace
}  // namespace rop::simulation
