#include "reconcilers/arbitration.hpp"

#include <string>

#include <gtest/gtest.h>

namespace rop::reconcilers {
namespace {

Claim claim(const std::string& name, const std::string& service, const std::string& job,
            std::uint64_t create_index, bool has_members = false) {
    Claim made{ClusterName{name}, ClusterSpec{}, create_index, has_members};
    made.spec.service = service;
    if (!job.empty()) {
        made.spec.nomad.emplace();
        made.spec.nomad->job = job;
        made.spec.nomad->group = "redis";
    }
    return made;
}

TEST(Arbitration, LetsStrangersBe) {
    EXPECT_TRUE(arbitrate({claim("a", "sa", "ja", 1), claim("b", "sb", "jb", 2)}).empty());
    EXPECT_TRUE(arbitrate({claim("a", "sa", "", 1), claim("b", "sb", "", 2)}).empty());
}

TEST(Arbitration, GivesAServiceToWhoWasDeclaredFirst) {
    const auto refused = arbitrate({claim("a", "s", "", 20), claim("b", "s", "", 10)});
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_EQ(refused.at(ClusterName{"a"}),
              "$.service: s belongs to cluster b: one cluster per service and per group; choose "
              "another, or delete one of the two");
}

TEST(Arbitration, GivesAServiceToWhoseRecordNamesTheInstances) {
    const auto refused = arbitrate({claim("a", "s", "", 20, true), claim("b", "s", "", 10)});
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_TRUE(refused.contains(ClusterName{"b"}));
}

TEST(Arbitration, SettlesGroupsToo) {
    const auto refused = arbitrate({claim("a", "sa", "j", 1), claim("b", "sb", "j", 2)});
    ASSERT_EQ(refused.size(), 1U);
    EXPECT_TRUE(refused.at(ClusterName{"b"}).starts_with("$.nomad: group redis of job j"));
}

}  // namespace
}  // namespace rop::reconcilers
