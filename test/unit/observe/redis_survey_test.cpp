#include "operator/observe/redis_survey.hpp"

#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include <gtest/gtest.h>

namespace rop::observe {
namespace {

using ports::RedisOutcome;
using ports::Reply;

Reply text(std::string content) {
    return Reply{.kind = Reply::Kind::text, .text = std::move(content)};
}

Reply error(std::string content) {
    return Reply{.kind = Reply::Kind::error, .text = std::move(content)};
}

Reply recorded(const std::string& path) {
    std::ifstream file(ROP_SOURCE_DIR "/test/fixtures/redis/" + path);
    std::ostringstream content;
    content << file.rdbuf();
    std::string all = std::move(content).str();
    return all.starts_with('-') ? error(all.substr(1)) : text(std::move(all));
}

Reply recorded_list(const std::string& path) {
    Reply list{.kind = Reply::Kind::array};
    std::istringstream lines(recorded(path).text);
    for (std::string line; std::getline(lines, line);) {
        list.elements.push_back(text(line));
    }
    return list;
}

RedisOutcome outcome_of(const std::string& situation, bool sweep = false) {
    RedisOutcome outcome;
    outcome.replies = {recorded(situation + "/info.txt"), recorded(situation + "/cluster_myid.txt"),
                       recorded(situation + "/cluster_nodes.txt"),
                       recorded(situation + "/cluster_info.txt"),
                       recorded_list(situation + "/config_get.txt")};
    if (sweep) {
        outcome.replies.push_back(recorded(situation + "/client_list.txt"));
    }
    return outcome;
}

SurveyTarget target(bool sweep = false) {
    return SurveyTarget{InstanceId{"alloc-1"}, Endpoint{"127.0.0.1", 23624}, sweep};
}

SurveyAnswer answer_to(const RedisOutcome& outcome, bool sweep = false) {
    return read_answer(target(sweep), outcome);
}

void replace(std::string& in, std::string_view what, std::string_view with) {
    const auto at = in.find(what);
    ASSERT_NE(at, std::string::npos) << what;
    in.replace(at, what.size(), with);
}

TEST(Survey, AsksOneBatchThatOnlyReads) {
    EXPECT_EQ(survey_commands(false).size(), 5U);
    const auto sweep = survey_commands(true);
    ASSERT_EQ(sweep.size(), 6U);
    EXPECT_EQ(sweep.back(), (ports::Words{"CLIENT", "LIST"}));
    EXPECT_EQ(sweep.front(), (ports::Words{"INFO", "server", "replication", "persistence",
                                           "keyspace", "cluster"}));
}

TEST(Survey, ReadsABlankInstance) {
    const auto answer = answer_to(outcome_of("blank"));

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    EXPECT_EQ(answer.id, InstanceId{"alloc-1"});
    EXPECT_EQ(answer.at, (Endpoint{"127.0.0.1", 23624}));
    EXPECT_EQ(answer.detail, "");
    const InstanceReport& report = *answer.report;
    EXPECT_TRUE(report.is_blank());
    EXPECT_EQ(report.engine, "redis");
    EXPECT_EQ(report.version, "7.0.15");
    EXPECT_TRUE(report.cluster_enabled);
    EXPECT_FALSE(report.state_ok);
    EXPECT_EQ(report.node.value().size(), 40U);
    EXPECT_EQ(report.announced, (Endpoint{"", 23624}));
    EXPECT_EQ(report.bus_port, 29624);
    EXPECT_EQ(report.bus_port_bound, 29624);
    EXPECT_EQ(report.node_timeout, std::chrono::milliseconds{2000});
    EXPECT_TRUE(report.replica_migration_allowed);
    EXPECT_FALSE(report.operators) << "nobody asked for them";
}

TEST(Survey, ReadsAPrimaryAndSweepsItsConnections) {
    const auto answer = answer_to(outcome_of("primary", true), true);

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    const InstanceReport& report = *answer.report;
    EXPECT_EQ(report.node.value(), "4f8e783e2b2646b435022ab40cf74660f3d0411b");
    EXPECT_EQ(report.run_id, "f76de18bda51e6f3911f3e4882022ef2e181a198");
    EXPECT_EQ(report.uptime, std::chrono::seconds{9});
    EXPECT_TRUE(report.state_ok);
    EXPECT_EQ(report.keys, 4U);
    EXPECT_EQ(report.known_nodes, 5U);
    EXPECT_EQ(report.current_epoch, 4U);
    EXPECT_EQ(report.my_epoch, 1U);
    EXPECT_FALSE(report.is_replica);
    EXPECT_EQ(report.repl_offset, 143);
    EXPECT_EQ(report.replid, "c5fec8fa37335de27c0d68a6eb965a4dc4c5f8c8");
    ASSERT_EQ(report.streams_to.size(), 1U);
    EXPECT_EQ(to_string(report.streams_to.front().at), "127.0.0.1:23627");
    EXPECT_TRUE(report.streams_to.front().online);
    EXPECT_EQ(report.streams_to.front().offset, 143);
    EXPECT_EQ(report.announced, (Endpoint{"127.0.0.1", 23624}));
    EXPECT_EQ(report.table.size(), 5U);
    EXPECT_FALSE(report.is_blank());
    ASSERT_TRUE(report.operators);
    EXPECT_EQ(*report.operators, (std::vector<OperatorConnection>{
                                     {5, InstallationId{"6f1c"}, Epoch{4}},
                                     {7, InstallationId{"6f1c"}, Epoch{3}},
                                 }));
}

TEST(Survey, ReadsAReplica) {
    const auto answer = answer_to(outcome_of("replica"));

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    const InstanceReport& report = *answer.report;
    EXPECT_TRUE(report.is_replica);
    EXPECT_TRUE(report.link_up);
    EXPECT_FALSE(report.sync_in_progress);
    EXPECT_EQ(report.repl_offset, 143);
    EXPECT_EQ(report.keys, 4U);
    ASSERT_NE(report.self(), nullptr);
    EXPECT_EQ(report.self()->primary.value(), "4f8e783e2b2646b435022ab40cf74660f3d0411b");
}

TEST(Survey, CountsNodesInHandshakeAsKnown) {
    const auto answer = answer_to(outcome_of("failed_and_handshake"));

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    EXPECT_EQ(answer.report->known_nodes, 6U);
    EXPECT_EQ(answer.report->table.size(), 6U);
}

TEST(Survey, ReadsOneWithoutClusterSupport) {
    const auto answer = answer_to(outcome_of("standalone", true), true);

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    EXPECT_FALSE(answer.report->cluster_enabled);
    EXPECT_EQ(answer.report->keys, 2U) << "over all databases";
    EXPECT_TRUE(answer.report->table.empty());
    EXPECT_EQ(answer.report->operators->size(), 0U);
}

TEST(Survey, ReadsOneThatIsLoading) {
    const auto answer = answer_to(outcome_of("loading"));

    EXPECT_EQ(answer.contact, Contact::loading);
    EXPECT_EQ(answer.detail, "CLUSTER MYID: LOADING Redis is loading the dataset in memory");
    EXPECT_FALSE(answer.report);
}

TEST(Survey, BelievesTheLoadingFlagAlone) {
    RedisOutcome outcome = outcome_of("primary");
    outcome.replies[0] = recorded("loading/info.txt");

    const auto answer = answer_to(outcome);

    EXPECT_EQ(answer.contact, Contact::loading);
    EXPECT_EQ(answer.detail, "loading its dataset, 4.78 % done");
}

// Not recorded: Valkey 8 adds these lines to the same section.
TEST(Survey, KnowsValkeyByItsOwnVersion) {
    RedisOutcome outcome = outcome_of("primary");
    replace(outcome.replies[0].text, "redis_version:7.0.15\r\n",
            "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\n");

    const auto answer = answer_to(outcome);

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    EXPECT_EQ(answer.report->engine, "valkey");
    EXPECT_EQ(answer.report->version, "8.0.1");
}

TEST(Survey, KnowsTheBusPortThatFollowsFromThePort) {
    RedisOutcome outcome = outcome_of("primary");
    for (auto& element : outcome.replies[4].elements) {
        element.text = element.text == "29624" ? "0" : element.text;
    }

    const auto answer = answer_to(outcome);

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    EXPECT_EQ(answer.report->bus_port_bound, 33624);
    EXPECT_EQ(answer.report->bus_port, 29624) << "announced, which may be something else";
}

// Recorded from 7.0.15 with both ports: INFO tells the plain one, the bus follows the other.
TEST(Survey, KnowsTheBusPortThatFollowsFromTheTlsPort) {
    RedisOutcome outcome = outcome_of("primary");
    auto& settings = outcome.replies[4].elements;
    for (auto& element : settings) {
        element.text = element.text == "29624" ? "0" : element.text;
    }
    for (const auto* word : {"tls-cluster", "yes", "tls-port", "18803"}) {
        settings.push_back(ports::Reply{.kind = ports::Reply::Kind::text, .text = word});
    }

    const auto answer = answer_to(outcome);

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    EXPECT_EQ(answer.report->bus_port_bound, 28803);
}

struct Damage {
    const char* name;
    std::function<void(RedisOutcome&)> inflict;
    Contact contact;
    std::string detail;  // Its beginning.
};

class DamagedSurvey : public ::testing::TestWithParam<Damage> {};

TEST_P(DamagedSurvey, IsJudged) {
    RedisOutcome outcome = outcome_of("primary", true);
    GetParam().inflict(outcome);

    const auto answer = answer_to(outcome, true);

    EXPECT_EQ(answer.contact, GetParam().contact);
    EXPECT_EQ(answer.detail.substr(0, GetParam().detail.size()), GetParam().detail);
    EXPECT_FALSE(answer.report);
}

auto failure(RedisOutcome::Contact contact) {
    return [contact](RedisOutcome& outcome) {
        outcome.contact = contact;
        outcome.failure = Error{ErrorKind::unavailable, "why"};
    };
}

const Damage damages[] = {
    {"Refused", failure(RedisOutcome::Contact::refused), Contact::refused, "why"},
    {"TimedOut", failure(RedisOutcome::Contact::timed_out), Contact::timed_out, "why"},
    {"AuthFailed", failure(RedisOutcome::Contact::auth_failed), Contact::auth_failed, "why"},
    {"Untrusted", failure(RedisOutcome::Contact::untrusted), Contact::untrusted, "why"},
    {"Garbled", failure(RedisOutcome::Contact::garbled), Contact::garbled, "why"},
    {"Closed", failure(RedisOutcome::Contact::closed), Contact::timed_out, "why"},
    {"NoPassword", [](RedisOutcome& o) { o.replies[0] = error("NOAUTH Authentication required."); },
     Contact::auth_failed, "INFO: NOAUTH Authentication required."},
    {"NoRightToOneCommand",
     [](RedisOutcome& o) { o.replies[4] = error("NOPERM this user has no permissions"); },
     Contact::auth_failed, "CONFIG GET: NOPERM"},
    {"ProtectedMode", [](RedisOutcome& o) { o.replies[0] = error("DENIED Redis is running in"); },
     Contact::auth_failed, "INFO: DENIED"},
    {"Busy", [](RedisOutcome& o) { o.replies[2] = error("BUSY Redis is busy running a script"); },
     Contact::loading, "CLUSTER NODES: BUSY"},
    {"TooOld", [](RedisOutcome& o) { o.replies[0] = error("ERR syntax error"); }, Contact::garbled,
     "INFO: ERR syntax error"},
    {"ReplyMissing", [](RedisOutcome& o) { o.replies.pop_back(); }, Contact::garbled,
     "5 replies to 6 commands"},
    {"ReplyTooMany", [](RedisOutcome& o) { o.replies.push_back(text("?")); }, Contact::garbled,
     "7 replies to 6 commands"},
    {"SectionsAreNoText", [](RedisOutcome& o) { o.replies[0] = Reply{}; }, Contact::garbled,
     "INFO: no run_id"},
    {"NoVersion",
     [](RedisOutcome& o) { replace(o.replies[0].text, "redis_version", "other_version"); },
     Contact::garbled, "INFO: no redis_version"},
    {"OffsetIsNoNumber",
     [](RedisOutcome& o) { replace(o.replies[0].text, "\nmaster_repl_offset:", "&x"); },
     Contact::garbled, "INFO: no master_repl_offset"},
    {"KeysAreNoNumber", [](RedisOutcome& o) { replace(o.replies[0].text, "keys=4", "keys=four"); },
     Contact::garbled, "INFO: db0 has no number of keys"},
    {"OtherId", [](RedisOutcome& o) { o.replies[1].text[0] = '0'; }, Contact::garbled,
     "CLUSTER NODES: its own line is 4f8e"},
    {"IdIsAnInteger", [](RedisOutcome& o) { o.replies[1].kind = Reply::Kind::integer; },
     Contact::garbled, "CLUSTER MYID: answered with something else"},
    {"NobodyIsMyself", [](RedisOutcome& o) { replace(o.replies[2].text, "myself,", ""); },
     Contact::garbled, "CLUSTER NODES: not exactly one line is its own"},
    {"TwoAreMyself",
     [](RedisOutcome& o) { replace(o.replies[2].text, " slave ", " myself,slave "); },
     Contact::garbled, "CLUSTER NODES: not exactly one line is its own"},
    {"TableIsNonsense", [](RedisOutcome& o) { o.replies[2].text = "OK"; }, Contact::garbled,
     "CLUSTER NODES: line 1: it does not begin with a node id: 'OK'"},
    {"SameNodeTwice",
     [](RedisOutcome& o) {
         std::string& table = o.replies[2].text;
         table += table.substr(0, table.find('\n') + 1);
     },
     Contact::garbled, "CLUSTER NODES: 17bde0b97c09339411fbd5b755c3d566af8e883c twice"},
    {"NoKnownNodes",
     [](RedisOutcome& o) { replace(o.replies[3].text, "cluster_known_nodes", "x"); },
     Contact::garbled, "CLUSTER INFO: no cluster_known_nodes"},
    {"SaysBothThatItHasClusterSupport",
     [](RedisOutcome& o) {
         for (const auto question : {1U, 2U, 3U}) {
             o.replies[question] = error("ERR This instance has cluster support disabled");
         }
     },
     Contact::garbled, "CLUSTER MYID: answered with something else"},
    {"SettingMissing", [](RedisOutcome& o) { o.replies[4].elements.resize(2); }, Contact::garbled,
     "CONFIG GET: not every setting was answered"},
    {"SettingIsNoNumber",
     [](RedisOutcome& o) {
         for (auto& element : o.replies[4].elements) {
             element.text = element.text == "2000" ? "soon" : element.text;
         }
     },
     Contact::garbled, "CONFIG GET: a setting is no number"},
    {"ListIsEmpty", [](RedisOutcome& o) { o.replies[5].text.clear(); }, Contact::garbled,
     "CLIENT LIST: no list, not even of ourselves"},
    {"ListIsNoText", [](RedisOutcome& o) { o.replies[5] = Reply{}; }, Contact::garbled,
     "CLIENT LIST: no list, not even of ourselves"},
    {"OperatorWithoutAnId", [](RedisOutcome& o) { replace(o.replies[5].text, "id=7 ", "id=? "); },
     Contact::garbled, "CLIENT LIST: a client without an id"},
};

INSTANTIATE_TEST_SUITE_P(Damages, DamagedSurvey, ::testing::ValuesIn(damages),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Survey, SaysOneLineOfAnError) {
    RedisOutcome outcome = outcome_of("primary", true);
    outcome.replies[2] = error("ERR a\tb" + std::string(60'000, 'x'));

    const auto answer = answer_to(outcome, true);

    EXPECT_EQ(answer.contact, Contact::garbled);
    EXPECT_EQ(answer.detail, "CLUSTER NODES: ERR a b" + std::string(200 - 7, 'x'));
}

TEST(Survey, TakesOnlyWholeNamesForOperators) {
    RedisOutcome outcome = outcome_of("primary", true);
    std::string& list = outcome.replies[5].text;
    list.clear();
    for (const auto* name : {"", "redis-operator", "redis-operator:", "redis-operator:a",
                             "redis-operator:a:", "redis-operator::5", "redis-operator:a:x",
                             "redis-operator:a:5x", "redis-operator:a:-5", "redis-operator:a:5:6",
                             "xredis-operator:a:5", "redis-operator:a:18446744073709551616"}) {
        list += "id=9 addr=127.0.0.1:1 fd=8 name=" + std::string(name) + " age=1 lib-name=x\n";
    }
    list += "id=10 addr=127.0.0.1:1 fd=8 name=redis-operator:a:5 age=1 user=default\n";

    const auto answer = answer_to(outcome, true);

    ASSERT_EQ(answer.contact, Contact::answered) << answer.detail;
    EXPECT_EQ(*answer.report->operators,
              (std::vector<OperatorConnection>{{10, InstallationId{"a"}, Epoch{5}}}));
}

TEST(Survey, SurvivesWhateverItIsGiven) {
    const RedisOutcome sound = outcome_of("primary", true);
    std::mt19937 chance{11};
    const std::string_view pieces = "0123456789abcdef :@,-=\n\r_x\xff";
    int answered = 0;
    for (int round = 0; round < 3'000; ++round) {
        RedisOutcome outcome = sound;
        Reply& victim = outcome.replies[chance() % outcome.replies.size()];
        std::string& content = victim.elements.empty()
                                   ? victim.text
                                   : victim.elements[chance() % victim.elements.size()].text;
        for (auto left = 1 + chance() % 4; left > 0 && !content.empty(); --left) {
            const auto at = chance() % content.size();
            if (chance() % 2 == 0) {
                content[at] = pieces[chance() % pieces.size()];
            } else {
                content.erase(at, 1 + chance() % 30);
            }
        }
        const auto answer = answer_to(outcome, true);
        ASSERT_EQ(answer.report.has_value(), answer.contact == Contact::answered);
        ASSERT_EQ(answer.detail.empty(), answer.contact == Contact::answered);
        answered += answer.report ? 1 : 0;
    }
    EXPECT_GT(answered, 500) << "most fields are not read";
    EXPECT_LT(answered, 2'900);
}

}  // namespace
}  // namespace rop::observe
