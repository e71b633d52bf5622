#include "test/simulation/story.hpp"

#include <gtest/gtest.h>

namespace rop::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(StoryTest, OneSeedIsLivedTheSameWayEveryTime) {
    for (const std::uint64_t seed : {3U, 4U, 5U}) {
        const Verdict once = live(script_of(seed));
        const Verdict again = live(script_of(seed));
        EXPECT_EQ(once.trace_hash, again.trace_hash) << seed;
        EXPECT_EQ(once.events, again.events) << seed;
        EXPECT_EQ(once.failure, "") << seed;
    }
    EXPECT_NE(live(script_of(3)).trace_hash, live(script_of(4)).trace_hash);
}

TEST(StoryTest, AStoryIsKeptAsText) {
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const std::string text = to_text(script_of(seed));
        const auto read = parse_script(text);
        ASSERT_TRUE(read) << read.error().what << " in\n" << text;
        EXPECT_EQ(to_text(read.value()), text);
    }
    EXPECT_FALSE(parse_script("at 3 fall-asleep"));
    EXPECT_FALSE(parse_script("at noon declare"));
    EXPECT_FALSE(parse_script("world gods=3"));
    EXPECT_FALSE(parse_script("once upon a time"));
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
