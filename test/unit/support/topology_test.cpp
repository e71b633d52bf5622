#include "test/support/topology.hpp"

#include <set>
#include <stdexcept>

#include <gtest/gtest.h>

namespace rop::testing {
namespace {

constexpr auto three_by_one = R"(
    record formed
    a  primary 0-5460
    b  primary 5461-10922
    c  primary 10923-16383
    d  replica-of a
    e  replica-of b
    f  replica-of c)";

const Instance& at(const Snapshot& seen, const char* name) {
    return seen.instances.at(InstanceId{name});
}

const TableRow& row(const Snapshot& seen, const char* viewer, const char* node) {
    for (const auto& candidate : at(seen, viewer).report->table) {
        if (candidate.id == node_of(node)) {
            return candidate;
        }
    }
    throw std::out_of_range(std::string(viewer) + " does not know " + node);
}

TEST(Topology, DrawsAHealthyCluster) {
    const Snapshot seen = topology(three_by_one);

    EXPECT_EQ(seen.instances.size(), 6U);
    for (const auto& [id, instance] : seen.instances) {
        ASSERT_TRUE(instance.answered()) << id;
        EXPECT_TRUE(instance.report->state_ok) << id;
        EXPECT_EQ(instance.report->table.size(), 6U) << id;
        EXPECT_EQ(instance.report->known_nodes, 6U) << id;
        EXPECT_EQ(instance.report->current_epoch, 3U) << id;
        EXPECT_EQ(instance.report->self()->id, instance.report->node) << id;
        EXPECT_EQ(instance.report->bus_port, instance.report->bus_port_bound) << id;
        EXPECT_EQ(instance.swept, Epoch{1}) << id;
        EXPECT_EQ(instance.nomad->client_status, "running") << id;
        EXPECT_EQ(instance.consul->status, "passing") << id;
    }
    EXPECT_EQ(row(seen, "a", "b").slots, SlotSet::parse("5461-10922").value().ranges());
    EXPECT_EQ(row(seen, "a", "e").primary, node_of("b"));
    EXPECT_EQ(row(seen, "a", "e").config_epoch, 2U);
    EXPECT_EQ(at(seen, "d").host, HostId{"h1"});
    EXPECT_TRUE(at(seen, "d").report->link_up);
    EXPECT_EQ(to_string(*at(seen, "b").address), "127.0.0.1:21001");
    ASSERT_TRUE(seen.record);
    EXPECT_EQ(seen.record->members.size(), 6U);
    EXPECT_EQ(seen.record->members.at(InstanceId{"f"}).node, node_of("f"));
    EXPECT_EQ(seen.offer->spec, spec(3, 1));
    EXPECT_EQ(seen.group->count, 6U);
}

TEST(Topology, DrawsBlankInstances) {
    const Snapshot seen = topology("x blank\ny blank keys=4");

    EXPECT_TRUE(at(seen, "x").report->is_blank());
    EXPECT_FALSE(at(seen, "y").report->is_blank());
    EXPECT_FALSE(at(seen, "x").report->state_ok);
    EXPECT_FALSE(seen.record);
}

TEST(Topology, DrawsWhatIsWrongWithOne) {
    const Snapshot seen = topology(R"(
        a  primary 0-5460         keys=12 timeout=500ms host=h9 operators=inst:1,other:3
        b  primary 5461-10922     refused failed
        c  primary 10923-16383    timed-out nomad=lost consul=critical
        d  replica-of a           link-down unswept
        e  replica-of b           nomad=complete terminated disconnected
        f  blank                  cluster-off
        g  blank                  nomad=pending
        h  blank                  consul=none unasked)");

    EXPECT_EQ(at(seen, "a").report->keys, 12U);
    EXPECT_EQ(at(seen, "a").report->node_timeout, std::chrono::milliseconds(500));
    EXPECT_EQ(at(seen, "a").host, HostId{"h9"});
    EXPECT_EQ(at(seen, "a").report->operators->size(), 2U);
    EXPECT_FALSE(at(seen, "a").swept);
    EXPECT_EQ(at(seen, "b").contact, Contact::refused);
    EXPECT_EQ(at(seen, "b").last_node, node_of("b"));
    EXPECT_FALSE(at(seen, "b").report);
    EXPECT_TRUE(row(seen, "a", "b").failed);
    EXPECT_FALSE(row(seen, "a", "b").link_connected);
    EXPECT_FALSE(at(seen, "a").report->state_ok);
    EXPECT_EQ(at(seen, "c").nomad->client_status, "lost");
    EXPECT_TRUE(row(seen, "a", "c").link_connected);
    EXPECT_FALSE(at(seen, "d").report->link_up);
    EXPECT_FALSE(at(seen, "d").report->operators);
    EXPECT_GT(at(seen, "e").nomad->terminated_at, at(seen, "e").nomad->started_at);
    EXPECT_FALSE(at(seen, "e").nomad->terminal());
    EXPECT_FALSE(at(seen, "f").report->cluster_enabled);
    EXPECT_TRUE(at(seen, "f").report->table.empty());
    EXPECT_EQ(at(seen, "g").contact, Contact::unasked);
    EXPECT_FALSE(at(seen, "g").address);
    EXPECT_FALSE(at(seen, "h").consul);
}

TEST(Topology, DrawsDisagreement) {
    const Snapshot seen = topology(R"(
        a  primary 0-5460
        b  primary 5461-16383     knows=a
        c  primary                handshake=x fails=b
        x  blank                  knows=a
        a: b unowned epoch=9
        a: c absent
        c: a primary 0-100 link-down)");

    EXPECT_TRUE(row(seen, "a", "b").slots.empty());
    EXPECT_EQ(row(seen, "a", "b").config_epoch, 9U);
    EXPECT_EQ(at(seen, "a").report->table.size(), 2U);
    EXPECT_EQ(at(seen, "b").report->table.size(), 2U);
    EXPECT_TRUE(row(seen, "c", "b").failed);
    EXPECT_EQ(SlotSet{row(seen, "c", "a").slots}.to_string(), "0-100");
    EXPECT_FALSE(row(seen, "c", "a").link_connected);
    EXPECT_TRUE(at(seen, "c").report->table.back().in_handshake);
    EXPECT_NE(at(seen, "c").report->table.back().id, node_of("x"));
    EXPECT_FALSE(at(seen, "x").report->is_blank());
}

TEST(Topology, DrawsWhoIsGoneMovedOrForeign) {
    const Snapshot seen = topology(R"(
        record formed a,b,c
        a   primary 0-5460        gone=confirmed
        a2  primary 0-5460        node=a
        b   primary 5461-10922    gone
        c   primary 10923-16383
        foreign z primary 0-100   failed
        former y 30s
        absence w confirmed)");

    EXPECT_FALSE(seen.instances.contains(InstanceId{"a"}));
    EXPECT_TRUE(seen.absences.at(InstanceId{"a"}).confirmed);
    EXPECT_FALSE(seen.absences.at(InstanceId{"b"}).confirmed);
    EXPECT_TRUE(seen.absences.at(InstanceId{"w"}).confirmed);
    EXPECT_EQ(at(seen, "a2").report->node, node_of("a"));
    EXPECT_EQ(row(seen, "c", "a").address, *at(seen, "a2").address);
    EXPECT_TRUE(row(seen, "c", "a").link_connected);
    EXPECT_FALSE(row(seen, "c", "b").link_connected);
    EXPECT_TRUE(row(seen, "c", "z").failed);
    EXPECT_EQ(at(seen, "c").report->table.size(), 4U);
    EXPECT_EQ(seen.record->former.front().node, node_of("y"));
    EXPECT_EQ(seen.wall - seen.record->former.front().since, std::chrono::seconds(30));
}

TEST(Topology, DrawsTheSurroundings) {
    const Snapshot seen = topology(R"(
        spec 2x0 allow=fewPrimaries,noReplicas spread=meta.rack timeout=2s shard-loss=recreateEmpty
        offer bad
        record forming a,b=zz epoch=3 timeout=15s
        layout a:0-8191,9000:c,d b:8192-8999,9001-16383
        epoch 4
        not-leading other
        uncertain nomad went backwards
        unseen consul
        nomad-count 2
        nomad-job deploying
        setback formation 3
        records-unknown
        a blank meta.rack=r1)");

    EXPECT_EQ(seen.record->spec.allow, (std::set{Consent::few_primaries, Consent::no_replicas}));
    EXPECT_EQ(seen.record->spec.failover.node_timeout, std::chrono::milliseconds(2000));
    EXPECT_EQ(seen.record->members.at(InstanceId{"b"}).node, node_of("zz"));
    EXPECT_EQ(seen.record->node_timeout_found, std::chrono::milliseconds(15'000));
    EXPECT_EQ(seen.record->epoch, Epoch{3});
    EXPECT_EQ(seen.record->layout.size(), 2U);
    EXPECT_EQ(seen.record->layout.front().replicas.size(), 2U);
    EXPECT_EQ(SlotSet{seen.record->layout.front().slots}.to_string(), "0-8191 9000");
    EXPECT_FALSE(seen.offer->spec);
    EXPECT_FALSE(seen.offer->problems.empty());
    EXPECT_FALSE(seen.standing.leading);
    EXPECT_EQ(seen.standing.leader, "other");
    EXPECT_EQ(seen.standing.epoch, Epoch{4});
    EXPECT_EQ(seen.nomad.why, "went backwards");
    EXPECT_FALSE(seen.consul.seen);
    EXPECT_EQ(seen.group->count, 2U);
    EXPECT_TRUE(seen.group->deployment_active);
    EXPECT_EQ(seen.setbacks.at("formation").failures, 3U);
    EXPECT_FALSE(seen.records_known);
    EXPECT_EQ(at(seen, "a").host_meta.at("rack"), "r1");
}

TEST(Topology, DrawsCountedKeys) {
    const Snapshot seen = topology(R"(
        counted 100-200 300
        changed 100ms
        offer conflict
        a primary 0-99   keys-in=100:3,101:4
        b primary        counted=100-150,160 keys=9 keys-in=102:1)");

    EXPECT_EQ(SlotSet{at(seen, "a").report->counted}.to_string(), "100-200 300");
    EXPECT_EQ(at(seen, "a").report->keys_in,
              (std::map<std::uint16_t, std::uint64_t>{{100, 3}, {101, 4}}));
    EXPECT_EQ(at(seen, "a").report->keys, 7U);
    EXPECT_EQ(SlotSet{at(seen, "b").report->counted}.to_string(), "100-150 160");
    EXPECT_EQ(at(seen, "b").report->keys, 9U);
    EXPECT_EQ(seen.now - seen.last_changed, std::chrono::milliseconds(100));
    EXPECT_FALSE(seen.offer->conflict.empty());
}

TEST(Topology, KnowsNothingOfNomadWithoutIt) {
    const Snapshot seen = topology("spec 3x1 no-nomad\na blank");

    EXPECT_FALSE(seen.nomad.configured);
    EXPECT_FALSE(seen.group);
    EXPECT_FALSE(at(seen, "a").nomad);
}

TEST(Topology, RefusesWhatItDoesNotUnderstand) {
    for (const auto* drawing : {"a",
                                "a prmary 0-1",
                                "a primary 0-99999",
                                "a blank keys=x",
                                "a blank kyes=1",
                                "a blank\na blank",
                                "a blank counted=x",
                                "a blank keys-in=1",
                                "a blank keys-in=16384:1",
                                "A blank",
                                "record frmed",
                                "spec 3",
                                "spec 3x1 foo",
                                "uncertain x",
                                "a blank\na: b primary 0-1 foo",
                                "layout a",
                                "record formed a\nlayout a",
                                "foreign",
                                "former a",
                                "epoch",
                                "record formed\nrecord formed",
                                "setback x",
                                "a: b failed"}) {
        EXPECT_THROW((void)topology(drawing), std::invalid_argument) << drawing;
    }
}

TEST(Topology, GivesEveryNameItsOwnNodeId) {
    EXPECT_EQ(node_of("a").value(), std::string(40, 'a'));
    EXPECT_EQ(node_of("x").value().substr(0, 8), "78787878");
    std::set<NodeId> ids;
    for (const auto* name : {"a", "b", "g", "w", "x", "xx", "xxx", "a1", "a2", "handshake-x"}) {
        const NodeId id = node_of(name);
        EXPECT_EQ(id.value().size(), 40U) << name;
        EXPECT_TRUE(ids.insert(id).second) << name;
    }
}

TEST(Draw, ShowsRowsAndDisagreement) {
    const auto* drawing = R"(
        record forming a,b
        layout a:0-16383:b
        a  primary 0-16383  keys=2
        b  replica-of a     refused consul=critical
        x  blank            nomad=none
        a: b primary 1-2)";

    EXPECT_EQ(draw(topology(drawing)),
              "record forming a,b\n"
              "layout a:0-16383:b\n"
              "a  primary 0-16383 keys=2 epoch=1 timeout=15000ms host=h1\n"
              "b  primary 1-2 refused host=h2 consul=critical\n"
              "x  blank timeout=15000ms host=h3 nomad=none\n"
              "a: b link-down\n");
}

TEST(Draw, IsStable) {
    const std::string once = draw(topology(three_by_one));

    EXPECT_EQ(draw(topology(once)), once);
}

}  // namespace
}  // namespace rop::testing
