#include "api/slot.hpp"

#include <gtest/gtest.h>

namespace rop {
namespace {

TEST(SlotSet, PrintsAndParsesAsRedisDoes) {
    const auto slots = SlotSet::parse("0-5460 9000 16383");

    ASSERT_TRUE(slots.has_value());
    EXPECT_EQ(slots.value().to_string(), "0-5460 9000 16383");
    EXPECT_EQ(slots.value().size(), 5463U);
}

TEST(SlotSet, RefusesWhatIsNoSlot) {
    for (const auto* text : {"16384", "-1", "5-2", "a", "1-", "0-99999", "1,2"}) {
        EXPECT_TRUE(SlotSet::parse(text).has_error()) << text;
    }
}

TEST(SlotRange, PrintsAndParsesAlone) {
    for (const auto* text : {"0", "16383", "0-16383", "5460-5461"}) {
        const auto range = parse_slot_range(text);
        ASSERT_TRUE(range.has_value()) << text;
        EXPECT_EQ(to_string(range.value()), text);
    }
    for (const auto* text : {"", " 1", "1 2", "2-1", "1-", "-1", "16384", "1-2-3"}) {
        EXPECT_TRUE(parse_slot_range(text).has_error()) << text;
    }
}

TEST(SlotSet, RangesRoundTrip) {
    const auto slots = SlotSet::parse("3 5-7 16380-16383").value();

    EXPECT_EQ(SlotSet{slots.ranges()}, slots);
    EXPECT_EQ((SlotSet::all() - slots) & slots, SlotSet{});
}

}  // namespace
}  // namespace rop
