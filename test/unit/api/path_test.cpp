#include "api/path.hpp"

#include <gtest/gtest.h>

namespace rop {
namespace {

TEST(Path, KnowsPathsThatAServerWouldClean) {
    EXPECT_TRUE(is_clean_path("a"));
    EXPECT_TRUE(is_clean_path("redis-operator/clusters/"));
    EXPECT_TRUE(is_clean_path("a/..b/.c"));
    for (const char* path : {"", "/", "/a", "a//b", "a/../b", "a/.", "..", "a//"}) {
        EXPECT_FALSE(is_clean_path(path)) << path;
    }
}

}  // namespace
}  // namespace rop
