#include "operator/loop/documents.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/json/record_json.hpp"
#include "api/json/status_json.hpp"

namespace rop::loop {
namespace {

ports::KvEntry entry(const std::string& key, std::string value, std::uint64_t index) {
    ports::KvEntry made;
    made.key = "redis-operator/clusters/" + key;
    made.value = std::move(value);
    made.create_index = index;
    made.modify_index = index + 1;
    return made;
}

std::string spec_of(const std::string& service) {
    return R"({"version":1,"mode":"cluster","primaries":3,"replicasPerPrimary":1,"service":")" +
           service + "\"}";
}

Record formed_record(const std::string& service) {
    Record record;
    record.state = RecordState::formed;
    record.spec.name = ClusterName{"a"};
    record.spec.service = service;
    record.installation = InstallationId{"0123456789abcdef"};
    record.epoch = Epoch{1};
    record.spec.primaries = 3;
    record.spec.replicas_per_primary = 1;
    record.members[InstanceId{"node-1/redis-1"}] = Member{NodeId{std::string(40, 'a')}};
    return record;
}

Catalogue read(const std::vector<ports::KvEntry>& entries) {
    return read_documents(entries, "redis-operator/");
}

const Documents& only(const Catalogue& catalogue) {
    EXPECT_EQ(catalogue.clusters.size(), 1U);
    return catalogue.clusters.begin()->second;
}

TEST(Documents, AreReadByCluster) {
    const auto catalogue = read({entry("a/spec", spec_of("sa"), 10), entry("b/spec", "{", 12),
                                 entry("b/record", json::write_record(formed_record("sb")), 14)});

    const Documents& a = catalogue.clusters.at(ClusterName{"a"});
    ASSERT_TRUE(a.offer && a.offer->spec);
    EXPECT_EQ(a.offer->spec->service, "sa");
    EXPECT_EQ(a.offer->create_index, 10U);
    EXPECT_EQ(a.offer->modify_index, 11U);
    EXPECT_FALSE(a.record);
    const Documents& b = catalogue.clusters.at(ClusterName{"b"});
    EXPECT_FALSE(b.offer->spec);
    EXPECT_FALSE(b.offer->problems.empty());
    EXPECT_EQ(b.record, formed_record("sb"));
    EXPECT_EQ(b.record_index, 15U);
}

TEST(Documents, RecordThatCannotBeReadIsAProblem) {
    const auto catalogue = read({entry("a/record", "{\"version\":", 10)});

    EXPECT_FALSE(only(catalogue).record);
    EXPECT_NE(only(catalogue).record_problem, "");
    EXPECT_EQ(only(catalogue).record_index, 11U) << "a write must not take it for absent";
}

TEST(Documents, ServiceStaysWithARecordThatCannotBeRead) {
    const auto catalogue = read({entry("a/spec", spec_of("s"), 20), entry("a/record", "{", 22),
                                 entry("b/spec", spec_of("s"), 10)});

    EXPECT_NE(catalogue.clusters.at(ClusterName{"b"}).offer->conflict, "");
}

TEST(Documents, DamagedStatusAndEventsAreOnlyLost) {
    const auto catalogue = read({entry("a/spec", spec_of("sa"), 10), entry("a/status", "?", 12),
                                 entry("a/events", "[1,", 12), entry("a/requests/1", "x", 13)});

    EXPECT_TRUE(only(catalogue).offer->spec);
    EXPECT_FALSE(only(catalogue).status);
    EXPECT_TRUE(only(catalogue).events.empty());
    EXPECT_EQ(only(catalogue).record_problem, "");
}

TEST(Documents, NamesThatAreNotAllowedAreRefused) {
    const auto catalogue = read({entry("-a/spec", spec_of("s"), 10),
                                 entry("A/spec", spec_of("s"), 10),
                                 entry(std::string(64, 'a') + "/spec", spec_of("s"), 10),
                                 entry("a", "", 10),
                                 entry("", "", 10),
                                 {.key = "redis-operator/leader"}});

    EXPECT_TRUE(catalogue.clusters.empty());
    EXPECT_EQ(catalogue.refused.size(), 4U);
}

TEST(Documents, NameOfAClusterHasALength) {
    EXPECT_TRUE(is_cluster_name("a"));
    EXPECT_TRUE(is_cluster_name("0-a-"));
    EXPECT_TRUE(is_cluster_name(std::string(63, 'a')));
    EXPECT_FALSE(is_cluster_name(""));
    EXPECT_FALSE(is_cluster_name("a_b"));
    EXPECT_FALSE(is_cluster_name("a/b"));
}

TEST(Documents, SecondSpecForAServiceIsInConflict) {
    const auto catalogue =
        read({entry("a/spec", spec_of("s"), 20), entry("b/spec", spec_of("s"), 10)});

    EXPECT_NE(catalogue.clusters.at(ClusterName{"a"}).offer->conflict, "");
    EXPECT_EQ(catalogue.clusters.at(ClusterName{"b"}).offer->conflict, "");
}

TEST(Documents, ServiceStaysWithTheRecordThatNamesInstances) {
    const auto catalogue = read({entry("a/spec", spec_of("s"), 20),
                                 entry("a/record", json::write_record(formed_record("s")), 22),
                                 entry("b/spec", spec_of("s"), 10)});

    EXPECT_EQ(catalogue.clusters.at(ClusterName{"a"}).offer->conflict, "");
    EXPECT_NE(catalogue.clusters.at(ClusterName{"b"}).offer->conflict, "");
}

TEST(Documents, SpoiltSpecStillHoldsItsAcceptedService) {
    const auto catalogue = read({entry("a/spec", "{", 10),
                                 entry("a/record", json::write_record(formed_record("s")), 12),
                                 entry("b/spec", spec_of("s"), 5)});

    EXPECT_NE(catalogue.clusters.at(ClusterName{"b"}).offer->conflict, "");
}

TEST(Documents, DeletedSpecGivesItsServiceBack) {
    const auto catalogue = read({entry("a/record", json::write_record(formed_record("s")), 12),
                                 entry("b/spec", spec_of("s"), 20)});

    EXPECT_EQ(catalogue.clusters.at(ClusterName{"b"}).offer->conflict, "");
}

TEST(Documents, StatusThatWeWroteOurselvesIsNoNewWish) {
    const auto before = read({entry("a/spec", spec_of("s"), 10)});
    ClusterStatus status;
    status.name = ClusterName{"a"};
    const auto after = read(
        {entry("a/spec", spec_of("s"), 10), entry("a/status", json::write_status(status), 20)});
    const auto changed = read({entry("a/spec", spec_of("s2"), 11)});

    ASSERT_TRUE(only(after).status);
    EXPECT_TRUE(only(before).same_wish(only(after)));
    EXPECT_FALSE(only(before).same_wish(only(changed)));
}

}  // namespace
}  // namespace rop::loop
