#include "api/spec.hpp"

#include <gtest/gtest.h>

#include "api/record.hpp"

namespace rop {
namespace {

std::string texts(const std::vector<Problem>& problems) {
    std::string text;
    for (const auto& problem : problems) {
        text += problem.path + "=" + problem.value + "\n";
    }
    return text;
}

TEST(Problem, IsOneSentence) {
    EXPECT_EQ(to_string(Problem{"$.primaires", "3", "unknown field", "primaries"}),
              "$.primaires: 3: unknown field; did you mean primaries?");
    EXPECT_EQ(to_string(Problem{"$.service", "", "required", ""}), "$.service: required");
}

struct ChangeCase {
    const char* name;
    void (*change)(ClusterSpec&);
    const char* problems;
};

constexpr ChangeCase change_cases[] = {
    {"Nothing", [](ClusterSpec&) {}, ""},
    {"Counts", [](ClusterSpec& spec) { spec.primaries = 5, spec.replicas_per_primary = 2; }, ""},
    {"Mode", [](ClusterSpec& spec) { spec.mode = Mode::sentinel, spec.primaries = 1; },
     "$.mode=\"sentinel\"\n"},
    {"Name", [](ClusterSpec& spec) { spec.name = ClusterName{"other"}; }, "$.name=\"other\"\n"},
    {"FewPrimaries", [](ClusterSpec& spec) { spec.primaries = 2; }, "$.primaries=2\n"},
    {"FewPrimariesAgreed",
     [](ClusterSpec& spec) { spec.primaries = 1, spec.allow = {Consent::few_primaries}; }, ""},
    {"NoReplicas", [](ClusterSpec& spec) { spec.replicas_per_primary = 0; },
     "$.replicasPerPrimary=0\n"},
    {"NoReplicasAgreed",
     [](ClusterSpec& spec) { spec.replicas_per_primary = 0, spec.allow = {Consent::no_replicas}; },
     ""},
    {"AllAtOnce",
     [](ClusterSpec& spec) {
         spec.name = ClusterName{"other"}, spec.primaries = 1, spec.replicas_per_primary = 0;
     },
     "$.name=\"other\"\n$.primaries=1\n$.replicasPerPrimary=0\n"},
};

class Change : public ::testing::TestWithParam<ChangeCase> {};

TEST_P(Change, HasTheseProblems) {
    const ClusterSpec accepted{.name = ClusterName{"cache"}, .service = "redis-cache"};
    ClusterSpec offered = accepted;
    GetParam().change(offered);

    EXPECT_EQ(texts(problems_of_change(accepted, offered)), GetParam().problems);
}

TEST(ChangeOfMembers, MovesNoMembersToAnotherServiceOrGroup) {
    Record record;
    record.spec = ClusterSpec{.name = ClusterName{"cache"}, .service = "redis-cache"};
    ClusterSpec offered = record.spec;
    offered.service = "redis-cahce";
    offered.nomad = NomadTarget{.job = "redis", .group = "redis"};
    EXPECT_EQ(texts(problems_of_change(record, offered)), "");

    record.members[InstanceId{"a"}] = Member{};
    EXPECT_EQ(texts(problems_of_change(record, offered)),
              "$.service=redis-cahce\n$.nomad=group redis of job redis in namespace default\n");
}

INSTANTIATE_TEST_SUITE_P(Cases, Change, ::testing::ValuesIn(change_cases),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace rop
