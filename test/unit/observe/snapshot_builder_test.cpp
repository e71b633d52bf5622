#include "operator/observe/snapshot_builder.hpp"

#include <string>

#include <gtest/gtest.h>

namespace rop::observe {
namespace {

using namespace std::chrono_literals;

const std::string alloc_a = "aaaaaaaa-0000-4000-8000-000000000001";
const std::string alloc_b = "bbbbbbbb-0000-4000-8000-000000000002";

ports::ServiceEntry service(const std::string& id, std::uint16_t port) {
    ports::ServiceEntry entry;
    entry.node = "consul-1";
    entry.datacenter = "dc1";
    entry.service_id = id;
    entry.address = "127.0.0.1";
    entry.port = port;
    entry.status = "passing";
    return entry;
}

ports::ServiceEntry nomad_service(const std::string& alloc, std::uint16_t port) {
    return service("_nomad-task-" + alloc + "-redis-redis-cache-redis", port);
}

ports::Allocation allocation(const std::string& id, const std::string& status) {
    ports::Allocation made;
    made.id = id;
    made.node_name = "host-1";
    made.facts.job = "cache";
    made.facts.group = "redis";
    made.facts.host = HostId{"node-1"};
    made.facts.client_status = status;
    made.facts.desired_status = "run";
    return made;
}

Observations with_nomad() {
    Observations seen;
    seen.now = Moment{100s};
    seen.nomad.configured = true;
    seen.nomad_group = "redis";
    ports::NomadNode node;
    node.id = "node-1";
    node.status = "ready";
    node.datacenter = "dc2";
    node.meta["rack"] = "r1";
    seen.nodes.push_back(node);
    return seen;
}

SurveyAnswer answer(const std::string& id, const std::string& run, const std::string& node) {
    SurveyAnswer made;
    made.id = InstanceId{id};
    made.contact = Contact::answered;
    made.report.emplace();
    made.report->run_id = run;
    made.report->node = NodeId{node};
    return made;
}

TEST(Identity, IsTheAllocationWhereNomadRegistered) {
    EXPECT_EQ(identity_of(nomad_service(alloc_a, 1), true).value(), alloc_a);
    EXPECT_EQ(identity_of(nomad_service(alloc_a, 1), false).value(),
              "consul-1/_nomad-task-" + alloc_a + "-redis-redis-cache-redis");
    EXPECT_EQ(identity_of(service("redis-1", 1), true).value(), "consul-1/redis-1");
    EXPECT_EQ(identity_of(service("_nomad-task-short", 1), true).value(),
              "consul-1/_nomad-task-short");
}

TEST(Roster, JoinsNomadAndCatalog) {
    Observations seen = with_nomad();
    seen.allocations = {allocation(alloc_a, "running"), allocation(alloc_b, "pending")};
    seen.services = {nomad_service(alloc_a, 21000), service("by-hand", 21001)};

    const auto instances = roster(seen, nullptr);

    ASSERT_EQ(instances.size(), 3U);
    const Instance& a = instances.at(InstanceId{alloc_a});
    EXPECT_EQ(a.address, (Endpoint{"127.0.0.1", 21000}));
    EXPECT_EQ(a.host.value(), "node-1");
    EXPECT_EQ(a.host_name, "host-1");
    EXPECT_EQ(a.datacenter, "dc2") << "where Nomad knows the host, its word counts";
    EXPECT_EQ(a.host_meta.at("rack"), "r1");
    EXPECT_TRUE(a.nomad->client_connected);
    EXPECT_FALSE(instances.at(InstanceId{alloc_b}).address);
    const Instance& by_hand = instances.at(InstanceId{"consul-1/by-hand"});
    EXPECT_FALSE(by_hand.nomad);
    EXPECT_EQ(by_hand.host.value(), "consul-1");
    EXPECT_EQ(by_hand.datacenter, "dc1");
}

TEST(Roster, ClientThatNomadDoesNotHearIsNotConnected) {
    Observations seen = with_nomad();
    seen.nodes[0].status = "down";
    seen.allocations = {allocation(alloc_a, "lost")};
    seen.services = {nomad_service(alloc_a, 21000)};

    const auto instances = roster(seen, nullptr);

    EXPECT_FALSE(instances.at(InstanceId{alloc_a}).nomad->client_connected);
    EXPECT_FALSE(instances.at(InstanceId{alloc_a}).nomad->terminal());
}

TEST(Roster, LeavesOtherGroupsOut) {
    Observations seen = with_nomad();
    seen.allocations = {allocation(alloc_a, "running")};
    seen.allocations[0].facts.group = "exporter";

    EXPECT_TRUE(roster(seen, nullptr).empty());
}

TEST(Roster, KeepsEndedAllocationsOnlyWhileSomeoneSpeaksOfThem) {
    Observations seen = with_nomad();
    seen.allocations = {allocation(alloc_a, "complete"), allocation(alloc_b, "failed")};
    EXPECT_TRUE(roster(seen, nullptr).empty());

    seen.record.emplace();
    seen.record->members[InstanceId{alloc_a}] = Member{};
    seen.services = {nomad_service(alloc_b, 21000)};
    EXPECT_EQ(roster(seen, nullptr).size(), 2U);
}

TEST(Roster, FirstOfTwoRegistrationsOfOneAllocationCounts) {
    Observations seen = with_nomad();
    seen.allocations = {allocation(alloc_a, "running")};
    seen.services = {nomad_service(alloc_a, 21000), nomad_service(alloc_a, 22000)};

    const auto instances = roster(seen, nullptr);

    ASSERT_EQ(instances.size(), 1U);
    EXPECT_EQ(instances.begin()->second.address->port, 21000);
}

/// One instance "consul-1/a" that answered.
Observations answered_as(const std::string& run, const std::string& node) {
    Observations seen;
    seen.now = Moment{100s};
    seen.standing.installation = InstallationId{"inst"};
    seen.standing.epoch = Epoch{3};
    seen.services = {service("a", 21000)};
    seen.answers = {answer("consul-1/a", run, node)};
    return seen;
}

const Instance& only(const SnapshotPtr& seen) {
    EXPECT_EQ(seen->instances.size(), 1U);
    return seen->instances.begin()->second;
}

TEST(SnapshotBuilder, RemembersWhoSomeoneWas) {
    const auto first = build_snapshot(nullptr, answered_as("run-1", "node-1"));
    Observations silent = answered_as("", "");
    silent.answers[0].contact = Contact::timed_out;
    silent.answers[0].detail = "no answer in 1s";
    silent.answers[0].report.reset();
    const auto second = build_snapshot(first.get(), silent);

    EXPECT_EQ(first->revision.value() + 1, second->revision.value());
    EXPECT_FALSE(only(second).report) << "reports are of this round or not at all";
    EXPECT_EQ(only(second).contact, Contact::timed_out);
    EXPECT_EQ(only(second).contact_detail, "no answer in 1s");
    EXPECT_EQ(only(second).last_run_id, "run-1");
    EXPECT_EQ(only(second).last_node.value(), "node-1");
}

TEST(SnapshotBuilder, IgnoresAnswersOfNobodyKnown) {
    Observations seen = answered_as("run-1", "node-1");
    seen.answers.push_back(answer("consul-1/gone", "run-2", "node-2"));

    EXPECT_EQ(build_snapshot(nullptr, seen)->instances.size(), 1U);
}

OperatorConnection connection(const std::string& installation, std::uint64_t epoch) {
    return {7, InstallationId{installation}, Epoch{epoch}};
}

TEST(SnapshotBuilder, SweptIsWhoShowsNoOtherOperator) {
    Observations seen = answered_as("run-1", "node-1");
    EXPECT_FALSE(only(build_snapshot(nullptr, seen)).swept) << "was not asked for connections";

    seen.answers[0].report->operators.emplace();
    EXPECT_EQ(only(build_snapshot(nullptr, seen)).swept, Epoch{3});
    seen.answers[0].report->operators = {connection("inst", 3)};
    EXPECT_EQ(only(build_snapshot(nullptr, seen)).swept, Epoch{3}) << "that is ourselves";
    seen.answers[0].report->operators = {connection("inst", 2)};
    EXPECT_FALSE(only(build_snapshot(nullptr, seen)).swept);
    seen.answers[0].report->operators = {connection("other", 3)};
    EXPECT_FALSE(only(build_snapshot(nullptr, seen)).swept);
}

TEST(SnapshotBuilder, NewProcessIsNotSwept) {
    Observations seen = answered_as("run-1", "node-1");
    seen.answers[0].report->operators.emplace();
    const auto first = build_snapshot(nullptr, seen);
    const auto same = build_snapshot(first.get(), answered_as("run-1", "node-1"));
    const auto restarted = build_snapshot(same.get(), answered_as("run-2", "node-1"));

    EXPECT_EQ(only(same).swept, Epoch{3});
    EXPECT_FALSE(only(restarted).swept);
}

TEST(SnapshotBuilder, KnowsSinceWhenNothingChanged) {
    Observations seen = answered_as("run-1", "node-1");
    const auto first = build_snapshot(nullptr, seen);
    seen.now = Moment{200s};
    seen.answers[0].report->repl_offset = 7;
    TableRow shaking;
    shaking.in_handshake = true;
    seen.answers[0].report->table.push_back(shaking);
    const auto same = build_snapshot(first.get(), seen);
    seen.now = Moment{300s};
    seen.answers[0].report->state_ok = true;
    const auto changed = build_snapshot(same.get(), seen);

    EXPECT_EQ(first->last_changed, Moment{100s});
    EXPECT_EQ(same->last_changed, Moment{100s}) << "offsets and handshakes come and go";
    EXPECT_EQ(changed->last_changed, Moment{300s});
}

TEST(SnapshotBuilder, CountsHowLongAMemberIsAbsent) {
    Observations seen = answered_as("run-1", "node-1");
    seen.record.emplace();
    seen.record->members[InstanceId{"consul-1/a"}] = Member{};
    seen.record->members[InstanceId{"consul-1/b"}] = Member{};
    const InstanceId b{"consul-1/b"};
    const auto first = build_snapshot(nullptr, seen);
    const auto again = build_snapshot(first.get(), seen);
    seen.now = Moment{200s};
    seen.confirmed_absent = {b};
    const auto second = build_snapshot(again.get(), seen);
    seen.now = Moment{300s};
    seen.confirmed_absent.clear();
    const auto third = build_snapshot(second.get(), seen);
    seen.services.push_back(service("b", 21001));
    const auto back = build_snapshot(third.get(), seen);

    ASSERT_EQ(first->absences.size(), 1U);
    EXPECT_FALSE(first->absences.at(b).confirmed);
    EXPECT_FALSE(again->absences.at(b).confirmed) << "two looks at one view prove no more than one";
    EXPECT_TRUE(second->absences.at(b).confirmed);
    EXPECT_TRUE(third->absences.at(b).confirmed) << "as long as it stays away";
    EXPECT_EQ(third->absences.at(b).since, Moment{100s});
    EXPECT_TRUE(back->absences.empty());
}

}  // namespace
}  // namespace rop::observe
