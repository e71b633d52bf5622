#include "operator/loop/lock_value.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace rop::loop {
namespace {

TEST(LockValue, GarbageIsNobody) {
    const std::vector<std::string> garbage = {
        "",
        "{",
        "null",
        "[1]",
        R"({"instance":"a"})",
        R"({"instance":"","epoch":1})",
        R"({"instance":7,"epoch":1})",
        R"({"instance":"a","epoch":-1})",
        R"({"instance":"a","epoch":"1"})",
        R"({"instance":"a","epoch":18446744073709551615})",
    };
    for (const std::string& text : garbage) {
        EXPECT_FALSE(parse_lock_value(text)) << text;
    }
}

TEST(LockValue, AnEpochIsADecimalNumberThatCanGrow) {
    EXPECT_EQ(parse_epoch("12"), Epoch(12));
    for (const char* text : {"", "x", "12 ", "-1", "1.5", "18446744073709551615"}) {
        EXPECT_FALSE(parse_epoch(text)) << text;
    }
}

ports::KvEntry key(const std::string& name, const std::string& value) {
    ports::KvEntry found;
    found.key = "redis-operator/clusters/" + name;
    found.value = value;
    return found;
}

TEST(GreatestWritten, IsWhatRecordsAndStatusesName) {
    EXPECT_EQ(greatest_written({}), Epoch(0));
    const std::vector<ports::KvEntry> keys = {
        key("cache/record", R"({"version":1,"epoch":7})"),
        key("cache/status", R"({"of":"another version","epoch":9})"),
        key("cache/spec", R"({"epoch":50})"),
        key("cache/requests/1", R"({"epoch":50})"),
        key("other/record", R"({"epoch":8})"),
    };
    EXPECT_EQ(greatest_written(keys), Epoch(9));
}

TEST(GreatestWritten, GarbageSaysNothingAndIsInNobodysWay) {
    const std::string deep(100'000, '[');
    const std::string past_all = std::to_string(greatest_epoch.value());
    const std::vector<std::string> garbage = {"",
                                              "{",
                                              "null",
                                              "[7]",
                                              R"({"this is": not ours)",
                                              R"({"epoch":"9"})",
                                              R"({"epoch":-9})",
                                              R"({"epoch":9.5})",
                                              R"({"epoch":1e400})",
                                              R"({"epoch":18446744073709551616})",
                                              R"({"epoch":18446744073709551615})",
                                              R"({"epoch":)" + past_all + "}",
                                              deep};
    std::vector<ports::KvEntry> keys;
    for (const std::string& text : garbage) {
        EXPECT_EQ(greatest_written({key("cache/record", text)}), Epoch(0)) << text.substr(0, 40);
        keys.push_back(key("cache/status", text));
    }
    keys.push_back(key("other/record", R"({"epoch":3})"));
    EXPECT_EQ(greatest_written(keys), Epoch(3));
}

TEST(GreatestWritten, ANumberAfterWhichTheNextIsNotBelievedSaysNothing) {
    const auto record = [](std::uint64_t epoch) {
        return key("cache/record", R"({"epoch":)" + std::to_string(epoch) + "}");
    };
    const std::uint64_t most = greatest_epoch.value() - 1;
    EXPECT_EQ(greatest_written({record(most)}), Epoch(most));
    EXPECT_EQ(greatest_written({record(most + 1)}), Epoch(0));
}

}  // namespace
}  // namespace rop::loop
