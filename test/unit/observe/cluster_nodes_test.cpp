#include "operator/observe/cluster_nodes.hpp"

#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace rop::observe {
namespace {

const std::string id_a(40, 'a');
const std::string id_b(40, 'b');

std::string recorded(const std::string& name) {
    std::ifstream file(ROP_SOURCE_DIR "/test/fixtures/redis/" + name + "/cluster_nodes.txt");
    std::ostringstream text;
    text << file.rdbuf();
    return std::move(text).str();
}

/// One row in one line, everything that the parser filled in.
std::string drawn(const TableRow& row) {
    std::string text = row.id.value().substr(0, 4) + " " + to_string(row.address) + "@" +
                       std::to_string(row.bus_port);
    text += row.is_self ? " self" : "";
    text += row.is_primary ? " primary" : "";
    text += row.is_replica ? " replica-of=" + row.primary.value().substr(0, 4) : "";
    text += row.suspected ? " suspected" : "";
    text += row.failed ? " failed" : "";
    text += row.in_handshake ? " handshake" : "";
    text += row.has_address ? "" : " no-address";
    text += " epoch=" + std::to_string(row.config_epoch);
    text += row.link_connected ? " linked" : " unlinked";
    text += row.slots.empty() ? "" : " " + SlotSet{row.slots}.to_string();
    text += row.has_open_slots ? " open" : "";
    return text;
}

std::string drawn(std::string_view reply) {
    const auto rows = parse_cluster_nodes(reply);
    if (rows.has_error()) {
        return rows.error().what;
    }
    std::string text;
    for (const auto& row : rows.value()) {
        text += drawn(row) + "\n";
    }
    return text;
}

TEST(ClusterNodes, OfABlankInstance) {
    const auto rows = parse_cluster_nodes(recorded("blank")).value();

    ASSERT_EQ(rows.size(), 1U);
    EXPECT_TRUE(rows[0].is_self);
    EXPECT_TRUE(rows[0].has_address) << "it does not know its own address yet, but it has one";
    EXPECT_EQ(rows[0].address.host, "");
    EXPECT_EQ(rows[0].bus_port, rows[0].address.port + 6000);
}

TEST(ClusterNodes, OfAFormedCluster) {
    EXPECT_EQ(drawn(recorded("replica")),
              "4f8e 127.0.0.1:23624@29624 primary epoch=1 linked 0-5460\n"
              "939a 127.0.0.1:23625@29625 primary epoch=2 linked 5461-10000 10002-10922\n"
              "17bd 127.0.0.1:23627@29627 self replica-of=4f8e epoch=1 linked\n"
              "300e 127.0.0.1:23626@29626 primary epoch=3 linked 10001 10923-16383\n"
              "aa9d 127.0.0.1:23628@29628 primary epoch=0 linked\n");
}

TEST(ClusterNodes, OfOneWithOpenSlots) {
    EXPECT_NE(drawn(recorded("open_slots"))
                  .find("939a 127.0.0.1:23625@29625 self primary epoch=2 linked "
                        "5461-10000 10002-10922 open\n"),
              std::string::npos);
}

TEST(ClusterNodes, OfOneThatLostOthersAndMeetsAnother) {
    EXPECT_EQ(drawn(recorded("failed_and_handshake")),
              "17bd 127.0.0.1:23627@29627 replica-of=4f8e failed epoch=1 unlinked\n"
              "aa9d 127.0.0.1:23628@29628 primary failed epoch=0 unlinked\n"
              "300e 127.0.0.1:23626@29626 primary epoch=3 linked 10001 10923-16383\n"
              "3655 127.0.0.1:23629@29629 handshake epoch=0 unlinked\n"
              "4f8e 127.0.0.1:23624@29624 primary epoch=1 linked 0-5460\n"
              "939a 127.0.0.1:23625@29625 self primary epoch=2 linked 5461-10000 10002-10922\n");
}

struct Case {
    const char* name;
    std::string line;
    std::string expected;  // A row as drawn, or what is wrong with line 1.
};

class ClusterNodesLine : public ::testing::TestWithParam<Case> {};

TEST_P(ClusterNodesLine, IsReadOrRefused) {
    const std::string text = drawn(GetParam().line);
    if (GetParam().expected.starts_with("line 1: ")) {
        EXPECT_EQ(text.substr(0, GetParam().expected.size()), GetParam().expected) << text;
    } else {
        EXPECT_EQ(text, GetParam().expected + "\n");
    }
}

const std::string tail = " master - 0 0 1 connected";

const Case cases[] = {
    {"HostnameAfterAComma", id_a + " 10.0.0.1:1@2,redis.example" + tail,
     "aaaa 10.0.0.1:1@2 primary epoch=1 linked"},
    {"EmptyHostname", id_a + " 10.0.0.1:1@2," + tail, "aaaa 10.0.0.1:1@2 primary epoch=1 linked"},
    {"SeveralFieldsAfterTheAddress", id_a + " 10.0.0.1:1@2,,tls-port=0,shard-id=9f" + tail,
     "aaaa 10.0.0.1:1@2 primary epoch=1 linked"},
    {"Version6Address", id_a + " ::1:7000@17000" + tail,
     "aaaa [::1]:7000@17000 primary epoch=1 linked"},
    {"NeverConnected", id_a + " :0@0 slave,noaddr " + id_b + " 0 0 0 disconnected",
     "aaaa :0@0 replica-of=bbbb no-address epoch=0 unlinked"},
    {"NoAddressFlagAlone", id_a + " 10.0.0.1:1@2 master,noaddr - 0 0 0 disconnected",
     "aaaa 10.0.0.1:1@2 primary no-address epoch=0 unlinked"},
    {"Suspected", id_a + " 10.0.0.1:1@2 master,fail? - 1 2 3 connected 5",
     "aaaa 10.0.0.1:1@2 primary suspected epoch=3 linked 5"},
    {"FlagsOfOurFuture", id_a + " 10.0.0.1:1@2 master,nofailover,shiny - 1 2 3 connected",
     "aaaa 10.0.0.1:1@2 primary epoch=3 linked"},
    {"NoFlags", id_a + " 10.0.0.1:1@2 noflags - 0 0 0 connected",
     "aaaa 10.0.0.1:1@2 epoch=0 linked"},
    {"ReplicaOfNobody", id_a + " 10.0.0.1:1@2 slave - 0 0 0 connected",
     "aaaa 10.0.0.1:1@2 replica-of= epoch=0 linked"},
    {"CarriageReturn", id_a + " 10.0.0.1:1@2" + tail + "\r",
     "aaaa 10.0.0.1:1@2 primary epoch=1 linked"},
    {"GreatestEpoch", id_a + " 10.0.0.1:1@2 master - 0 0 18446744073709551615 connected",
     "aaaa 10.0.0.1:1@2 primary epoch=18446744073709551615 linked"},

    {"Word", "hello", "line 1: it does not begin with a node id: 'hello'"},
    {"ShortId", "abc 10.0.0.1:1@2" + tail, "line 1: it does not begin with a node id"},
    {"IdInCapitals", std::string(40, 'A') + " 10.0.0.1:1@2" + tail,
     "line 1: it does not begin with a node id"},
    {"IdAlone", id_a, "line 1: the address is not ip:port@bus-port"},
    {"NoBusPort", id_a + " 10.0.0.1:1" + tail, "line 1: the address is not ip:port@bus-port"},
    {"NoPort", id_a + " 10.0.0.1@2" + tail, "line 1: the address is not ip:port@bus-port"},
    {"PortTooGreat", id_a + " 10.0.0.1:65536@2" + tail, "line 1: no such port"},
    {"NegativePort", id_a + " 10.0.0.1:-1@2" + tail, "line 1: no such port"},
    {"NothingAfterTheAddress", id_a + " 10.0.0.1:1@2", "line 1: no flags"},
    {"BothRoles", id_a + " 10.0.0.1:1@2 master,slave - 0 0 1 connected",
     "line 1: both a primary and a replica"},
    {"PrimaryIsNoId", id_a + " 10.0.0.1:1@2 slave x 0 0 1 connected",
     "line 1: the primary is not a node id"},
    {"EpochIsNoNumber", id_a + " 10.0.0.1:1@2 master - 0 0 one connected",
     "line 1: a number is missing"},
    {"NegativeEpoch", id_a + " 10.0.0.1:1@2 master - 0 0 -1 connected",
     "line 1: a number is missing"},
    {"CutOff", id_a + " 10.0.0.1:1@2 master - 0 0", "line 1: a number is missing"},
    {"NoLink", id_a + " 10.0.0.1:1@2 master - 0 0 1",
     "line 1: the link is neither connected nor disconnected"},
    {"SlotTooGreat", id_a + " 10.0.0.1:1@2" + tail + " 16384", "line 1: no such slots"},
    {"BackwardsSlots", id_a + " 10.0.0.1:1@2" + tail + " 5-3", "line 1: no such slots"},
    {"SlotsTwice", id_a + " 10.0.0.1:1@2" + tail + " 5-9 9-12",
     "line 1: slots that are not in order"},
    {"OpenSlotCutOff", id_a + " 10.0.0.1:1@2" + tail + " [", "line 1: an open slot"},
    {"OpenSlotWithoutArrow", id_a + " 10.0.0.1:1@2" + tail + " [5]", "line 1: an open slot"},
    {"OpenSlotTooGreat", id_a + " 10.0.0.1:1@2" + tail + " [16384->-" + id_b + "]",
     "line 1: an open slot"},
    {"Unprintable", "\x01\xff",
     "line 1: it does not begin with a node id: '?"
     "?'"},
};

INSTANTIATE_TEST_SUITE_P(Lines, ClusterNodesLine, ::testing::ValuesIn(cases),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(ClusterNodes, NamesTheLineThatIsWrong) {
    const auto rows = parse_cluster_nodes(recorded("primary") + "nonsense\n");

    ASSERT_TRUE(rows.has_error());
    EXPECT_EQ(rows.error().kind, ErrorKind::malformed);
    EXPECT_EQ(rows.error().what, "line 6: it does not begin with a node id: 'nonsense'");
}

TEST(ClusterNodes, HasABound) {
    std::string reply;
    for (int i = 0; i < 16'385; ++i) {
        reply += id_a + " 10.0.0.1:1@2" + tail + "\n";
    }

    const auto rows = parse_cluster_nodes(reply);

    ASSERT_TRUE(rows.has_error());
    EXPECT_EQ(rows.error().what.substr(0, 52),
              "line 16385: more nodes than a cluster can have: 'aaa");
}

TEST(ClusterNodes, SurvivesWhateverItIsGiven) {
    const std::string sound = recorded("failed_and_handshake");
    std::mt19937 chance{7};
    const std::string_view pieces = "0123456789abcdef :@,-[]<>\n\r?x\xff";
    std::size_t refused = 0;
    for (int round = 0; round < 20'000; ++round) {
        std::string reply = sound;
        const auto changes = 1 + chance() % 4;
        for (std::size_t i = 0; i < changes; ++i) {
            const auto at = chance() % reply.size();
            switch (chance() % 3) {
                case 0:
                    reply[at] = pieces[chance() % pieces.size()];
                    break;
                case 1:
                    reply.erase(at, 1 + chance() % 60);
                    break;
                default:
                    reply.insert(at,
                                 std::string(1 + chance() % 3, pieces[chance() % pieces.size()]));
            }
            if (reply.empty()) {
                break;
            }
        }
        const auto rows = parse_cluster_nodes(reply);
        if (rows.has_error()) {
            ++refused;
            continue;
        }
        for (const auto& row : rows.value()) {
            ASSERT_EQ(row.id.value().size(), 40U);
            ASSERT_FALSE(row.is_primary && row.is_replica);
            for (const auto& [first, last] : row.slots) {
                ASSERT_LE(first, last);
                ASSERT_LT(last.value(), slot_count);
            }
        }
    }
    EXPECT_GT(refused, 5'000U);
}

}  // namespace
}  // namespace rop::observe
