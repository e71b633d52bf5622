#include "api/duration.hpp"

#include <gtest/gtest.h>

namespace rop {
namespace {

TEST(Duration, RoundTripsInItsLargestUnit) {
    for (const auto* text : {"0ms", "1ms", "500ms", "1500ms", "15s", "90s", "10m", "1h", "24h"}) {
        const auto duration = parse_duration(text);
        ASSERT_TRUE(duration.has_value()) << text;
        EXPECT_EQ(to_string(duration.value()), text);
    }
    EXPECT_EQ(to_string(parse_duration("60000ms").value()), "1m");
}

TEST(Duration, RefusesWhatIsNone) {
    for (const auto* text : {"", "5", "s", "-5s", "-0s", "+5s", " 5s", "5 s", "5S", "1.5s", "5sec",
                             "5d", "1h30m", "99999999999999999999s", "9000000000000000h"}) {
        EXPECT_TRUE(parse_duration(text).has_error()) << text;
    }
}

}  // namespace
}  // namespace rop
