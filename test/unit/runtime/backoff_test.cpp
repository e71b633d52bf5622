#include "operator/runtime/backoff.hpp"

#include <gtest/gtest.h>

namespace rop::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheMostAndStartsOverAfterASuccess) {
    Backoff backoff(200ms, 1'000ms);
    EXPECT_EQ(backoff.next(0), 200ms);
    EXPECT_EQ(backoff.next(0), 400ms);
    EXPECT_EQ(backoff.next(0), 800ms);
    EXPECT_EQ(backoff.next(0), 1'000ms);
    EXPECT_EQ(backoff.next(0), 1'000ms);
    EXPECT_EQ(backoff.failures(), 5U);

    backoff.reset();
    EXPECT_EQ(backoff.failures(), 0U);
    EXPECT_EQ(backoff.next(0), 200ms);
}

TEST(Backoff, ChanceTakesOffUpToAHalf) {
    Backoff backoff(200ms, 200ms);
    EXPECT_EQ(backoff.next(50'000), 150ms);
    EXPECT_EQ(backoff.next(100'000), 100ms);
    EXPECT_EQ(backoff.next(100'001), 200ms);
}

TEST(Backoff, StaysAtTheMostHoweverOftenItFails) {
    Backoff backoff(1ms, 10'000ms);
    for (int i = 0; i < 1'000; ++i) {
        EXPECT_LE(backoff.next(0), 10'000ms);
    }
    EXPECT_EQ(backoff.next(0), 10'000ms);
}

}  // namespace
}  // namespace rop::runtime
