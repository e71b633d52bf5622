#include "test/simulation/story.hpp"

#include <gtest/gtest.h>

namespace rop::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(StoryTest, OneSeedIsLivedTheSameWayEveryTime) {
    for (const std::uint64_t seed : {3U, 4U, 5U}) {
        const Verdict once = live(seed);
        const Verdict again = live(seed);
        EXPECT_EQ(once.trace_hash, again.trace_hash) << seed;
        EXPECT_EQ(once.events, again.events) << seed;
        EXPECT_EQ(once.failure, "") << seed;
    }
    EXPECT_NE(live(3).trace_hash, live(4).trace_hash);
}

TEST(StoryTest, AnUndisturbedClusterIsReadySoonAfterItIsDeclared) {
    World world(WorldOptions{});
    world.run_job();
    world.start_operator(0);
    world.run_for(seconds{5});
    world.declare();
    const Moment declared = world.clock().now();
    EXPECT_TRUE(world.run_until([&] { return world.unfinished().empty(); }, seconds{5}))
        << world.unfinished();
    EXPECT_LT(world.clock().now() - declared, milliseconds{1'500});
    EXPECT_EQ(world.oracle().violation(), std::nullopt);
}

}  // namespace
}  // namespace rop::simulation
