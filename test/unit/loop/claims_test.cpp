#include "operator/loop/claims.hpp"

#include <string>

#include <gtest/gtest.h>

namespace rop::loop {
namespace {

const ClusterName a{"a"};
const ClusterName b{"b"};

Record record_with(const std::string& nodes) {
    Record record;
    for (const char node : nodes) {
        record.members[InstanceId{std::string("i-") + node}] = Member{NodeId{std::string(1, node)}};
    }
    return record;
}

Plan writing(const std::string& nodes) {
    Plan plan;
    plan.steps.push_back(Step{WriteRecord{record_with(nodes), "enter members"}, "they joined"});
    return plan;
}

TEST(Claims, FirstToStakeHasTheNode) {
    Claims claims;
    EXPECT_TRUE(claims.stake(a, writing("123")));
    EXPECT_FALSE(claims.stake(b, writing("345")));
    EXPECT_TRUE(claims.stake(b, writing("45")));
    EXPECT_TRUE(claims.stake(a, writing("1236"))) << "its own nodes are its own";
}

TEST(Claims, RecordOfConsulCountsAsWell) {
    Claims claims;
    claims.know(a, record_with("12"));
    EXPECT_FALSE(claims.stake(b, writing("2")));
    claims.know(a, record_with("1"));
    EXPECT_TRUE(claims.stake(b, writing("2")));
}

TEST(Claims, ClusterThatIsNotManagedHasNone) {
    Claims claims;
    claims.know(a, record_with("1"));
    claims.forget(a);
    EXPECT_TRUE(claims.stake(b, writing("1")));
}

TEST(Claims, OthersAreNamed) {
    Claims claims;
    claims.know(a, record_with("12"));
    claims.know(b, record_with("3"));
    EXPECT_EQ(claims.of_others(b),
              (std::map<NodeId, ClusterName>{{NodeId{"1"}, a}, {NodeId{"2"}, a}}));
}

TEST(Claims, PlanWithoutARecordTakesNothing) {
    Claims claims;
    claims.know(a, record_with("1"));
    EXPECT_TRUE(claims.stake(b, Plan{}));
    EXPECT_TRUE(claims.stake(b, writing(""))) << "an accepted spec names nobody yet";
}

}  // namespace
}  // namespace rop::loop
