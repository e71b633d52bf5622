#include "api/nearest.hpp"

#include <array>

#include <gtest/gtest.h>

namespace rop {
namespace {

constexpr std::array<std::string_view, 6> words{"primaries", "replicasPerPrimary", "mode",
                                                "tls",       "settings",           "name"};

TEST(Nearest, FindsWhatWasMeant) {
    struct Row {
        const char* written;
        const char* meant;
    };
    for (const auto& row :
         {Row{"primaires", "primaries"}, Row{"primary", "primaries"}, Row{"Mode", "mode"},
          Row{"primar", "primaries"}, Row{"replicas_per_primary", "replicasPerPrimary"},
          Row{"replicaPerPrimary", "replicasPerPrimary"}, Row{"TLS", "tls"}, Row{"tsl", "tls"},
          Row{"setting", "settings"}, Row{"names", "name"}}) {
        EXPECT_EQ(nearest(row.written, words), row.meant) << row.written;
    }
}

TEST(Nearest, SaysNothingWhenNothingIsNear) {
    for (const std::string written :
         {"", "xyz", "hunter2", "mode", "cluster", "a", "primariesandmanymore"}) {
        EXPECT_EQ(nearest(written, words), "") << written;
    }
    EXPECT_EQ(nearest(std::string(100'000, 'x'), words), "");
}

}  // namespace
}  // namespace rop
