#include "api/shortened.hpp"

#include <gtest/gtest.h>

namespace rop {
namespace {

TEST(Shortened, IsOneLineOfWholeCharacters) {
    EXPECT_EQ(shortened("rpc error", 200), "rpc error");
    EXPECT_EQ(shortened("a\r\nb\tc\x7f", 200), "a  b c");
    EXPECT_EQ(shortened("abcdef", 3), "abc");
    EXPECT_EQ(shortened("", 3), "");
    EXPECT_EQ(shortened("\n\n", 3), "");
    // A character of two bytes and one of four, at the end of what is kept.
    EXPECT_EQ(shortened("ab\xC3\xA9z", 3), "ab");
    EXPECT_EQ(shortened("ab\xC3\xA9z", 4), "ab\xC3\xA9");
    EXPECT_EQ(shortened("a\xF0\x9F\x98\x80z", 4), "a");
    EXPECT_EQ(shortened("a\xF0\x9F\x98\x80z", 5), "a\xF0\x9F\x98\x80");
}

}  // namespace
}  // namespace rop
