// The port against what two real Nomads answered.

#include <map>
#include <set>
#include <string>
#include <utility>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test/unit/net/recorded.hpp"
#include "test/unit/nomad/nomad_port_fixture.hpp"

namespace rop::nomad {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::recorded;
using ::testing::SizeIs;

class NomadAnswers : public NomadPortTest, public ::testing::WithParamInterface<std::string> {
  protected:
    static std::vector<testing::Recorded> scene(const std::string& name) {
        return testing::recorded_scene("nomad-" + GetParam() + "/" + name + ".json");
    }
    std::vector<ports::Allocation> replayed_allocations(const testing::Recorded& exchange) {
        server.will(exchange.reaction());
        return run(nomad->allocations("default", "redis-cache", {})).value().value;
    }
    static std::vector<testing::Recorded> allocation_lists(const std::string& name) {
        std::vector<testing::Recorded> lists;
        for (auto& exchange : scene(name)) {
            if (exchange.path.starts_with("/v1/job/redis-cache/allocations")) {
                lists.push_back(exchange);
            }
        }
        return lists;
    }
};

INSTANTIATE_TEST_SUITE_P(Versions, NomadAnswers, ::testing::Values("1.6.5", "2.0.5"),
                         [](const auto& test) {
                             return test.param == "1.6.5" ? "Nomad1_6_5" : "Nomad2_0_5";
                         });

std::string text_of(const json::object& object, const char* name) {
    const auto* value = object.if_contains(name);
    return value == nullptr || value->is_null() ? "" : std::string(value->as_string());
}

TEST_P(NomadAnswers, EveryListOfAllocations) {
    std::size_t lists = 0;
    for (const char* name : {"02-job-register", "03-allocations-blocking", "05-scale",
                             "06-task-killed-restarts-in-place",
                             "07-allocation-stop-signal-restart", "08-rolling-update-held-by-hand",
                             "09-drain-held-by-max-parallel-0", "10-client-agent-killed"}) {
        for (const auto& exchange : allocation_lists(name)) {
            ++lists;
            const auto allocations = replayed_allocations(exchange);
            const json::value parsed = json::parse(exchange.body);
            const json::array& expected = parsed.as_array();
            ASSERT_EQ(allocations.size(), expected.size()) << name;
            for (std::size_t i = 0; i < expected.size(); ++i) {
                const json::object& entry = expected[i].as_object();
                const NomadFacts& facts = allocations[i].facts;
                EXPECT_EQ(allocations[i].id, text_of(entry, "ID"));
                EXPECT_EQ(allocations[i].node_name, text_of(entry, "NodeName"));
                EXPECT_EQ(facts.job, text_of(entry, "JobID"));
                EXPECT_EQ(facts.group, text_of(entry, "TaskGroup"));
                EXPECT_EQ(facts.name, text_of(entry, "Name"));
                EXPECT_EQ(facts.host.value(), text_of(entry, "NodeID"));
                EXPECT_EQ(facts.client_status, text_of(entry, "ClientStatus"));
                EXPECT_EQ(facts.desired_status, text_of(entry, "DesiredStatus"));
            }
        }
    }
    EXPECT_GT(lists, 25U);
}

TEST_P(NomadAnswers, KilledTaskThatRestartsInPlace) {
    const auto lists = allocation_lists("06-task-killed-restarts-in-place");
    ASSERT_THAT(lists, SizeIs(2));
    const bool is_old = GetParam() == "1.6.5";
    const auto ms = [](std::int64_t count) { return Timestamp{std::chrono::milliseconds(count)}; };

    const auto dead = replayed_allocations(lists[0]).at(0);
    EXPECT_EQ(dead.facts.client_status, "pending");
    EXPECT_GT(dead.facts.terminated_at, dead.facts.started_at);
    EXPECT_EQ(dead.facts.terminated_at, ms(is_old ? 1'795'252'526'939 : 1'795'252'387'787));
    EXPECT_EQ(dead.facts.started_at, ms(is_old ? 1'795'252'510'265 : 1'795'252'372'762));

    const auto again = replayed_allocations(lists[1]).at(0);
    EXPECT_EQ(again.id, dead.id);
    EXPECT_EQ(again.facts.client_status, "running");
    EXPECT_EQ(again.facts.terminated_at, dead.facts.terminated_at);
    EXPECT_EQ(again.facts.started_at, ms(is_old ? 1'795'252'528'247 : 1'795'252'388'992));
}

TEST_P(NomadAnswers, WatchFromTheStart) {
    std::vector<std::uint64_t> indexes;
    for (const auto& exchange : allocation_lists("03-allocations-blocking")) {
        server.will(exchange.reaction());
        const auto page = run(nomad->allocations("default", "redis-cache", {})).value();
        indexes.push_back(page.index);
        for (const auto& allocation : page.value) {
            EXPECT_EQ(allocation.facts.job, "redis-cache");
            EXPECT_EQ(allocation.facts.group, "redis");
            EXPECT_EQ(allocation.node_name, "n1");
            EXPECT_EQ(allocation.facts.create_index, 11U);
            const bool is_running = allocation.facts.client_status == "running";
            EXPECT_EQ(allocation.facts.started_at != Timestamp{}, is_running);
            EXPECT_EQ(allocation.facts.terminated_at, Timestamp{});
        }
    }
    EXPECT_EQ(indexes.front(), 11U);
    EXPECT_TRUE(std::is_sorted(indexes.begin(), indexes.end()));
}

TEST_P(NomadAnswers, JobThatDoesNotExist) {
    const auto register_scene = scene("02-job-register");
    server.will(recorded(register_scene, "GET /v1/job/redis-cache").reaction());
    EXPECT_FALSE(run(nomad->group("default", "redis-cache", "redis")).value().job_exists);

    server.will(recorded(register_scene, "GET /v1/job/redis-cache/allocations").reaction());
    const auto nothing = run(nomad->allocations("default", "redis-cache", {})).value();
    EXPECT_THAT(nothing.value, SizeIs(0));
    EXPECT_EQ(nothing.index, 1U);
}

TEST_P(NomadAnswers, GroupWithAndWithoutADeploymentUnderWay) {
    const auto described = [&] {
        testing::Recorded found;
        for (const auto& exchange : scene("02-job-register")) {
            if (exchange.method + exchange.path == "GET/v1/job/redis-cache") {
                found = exchange;
            }
        }
        return found;
    }();
    const auto deployment = [&](const char* name) {
        return recorded(scene(name), "GET /v1/job/redis-cache/deployment").reaction();
    };

    server.will(described.reaction());
    server.will(deployment("03-allocations-blocking"));
    const auto quiet = run(nomad->group("default", "redis-cache", "redis")).value();
    EXPECT_TRUE(quiet.job_exists);
    EXPECT_FALSE(quiet.stopped);
    EXPECT_EQ(quiet.count, 2U);
    EXPECT_EQ(quiet.job_modify_index, 10U);
    EXPECT_FALSE(quiet.deployment_active);

    server.will(described.reaction());
    server.will(deployment("08-rolling-update-held-by-hand"));
    EXPECT_TRUE(run(nomad->group("default", "redis-cache", "redis")).value().deployment_active);
}

TEST_P(NomadAnswers, NodesThroughDrainAndDeath) {
    std::set<std::pair<std::string, std::string>> seen;  // Status, and what is special.
    for (const char* name :
         {"01-agent-and-nodes", "09-drain-held-by-max-parallel-0", "10-client-agent-killed"}) {
        for (const auto& exchange : scene(name)) {
            if (exchange.path != "/v1/nodes") {
                continue;
            }
            server.will(exchange.reaction());
            const auto page = run(nomad->nodes({})).value();
            EXPECT_GE(page.value.size(), 1U);
            for (const auto& node : page.value) {
                EXPECT_THAT(node.id, SizeIs(36));
                EXPECT_THAT(node.name, HasSubstr("n"));
                seen.emplace(node.status, std::string(node.draining ? "draining" : "") +
                                              (node.eligible ? "" : " ineligible"));
            }
        }
    }
    const std::set<std::pair<std::string, std::string>> expected{
        {"ready", ""}, {"ready", "draining ineligible"}, {"down", ""}};
    EXPECT_EQ(seen, expected);
}

TEST_P(NomadAnswers, NodeInDetailAndUnknownNodes) {
    for (const auto& exchange : scene("01-agent-and-nodes")) {
        if (!exchange.path.starts_with("/v1/node/") || exchange.path.ends_with("/allocations")) {
            continue;
        }
        server.will(exchange.reaction());
        const auto node = run(nomad->node(exchange.path.substr(9)));
        if (exchange.status == 200) {
            ASSERT_TRUE(node.has_value()) << node.error().what;
            EXPECT_EQ(node.value().name, "n1");
            EXPECT_EQ(node.value().datacenter, "dc1");
            EXPECT_EQ(node.value().meta.at("connect.log_level"), "info");
            EXPECT_TRUE(node.value().eligible);
            EXPECT_FALSE(node.value().draining);
        } else {
            EXPECT_EQ(node.error().kind, ErrorKind::rejected) << node.error().what;
        }
    }
    EXPECT_THAT(server.requests(), SizeIs(3));
}

TEST_P(NomadAnswers, EveryAnswerToScaling) {
    std::map<unsigned, int> answers;
    for (const auto& exchange : scene("05-scale")) {
        if (exchange.method != "POST") {
            continue;
        }
        ++answers[exchange.status];
        server.will(exchange.reaction());
        const auto scaled = run(nomad->scale(NomadTarget{"redis-cache", "redis"}, 3, 1, "m"));
        EXPECT_EQ(scaled.has_value(), exchange.status == 200);
        if (scaled.has_error()) {
            EXPECT_EQ(scaled.error().kind, ErrorKind::rejected) << scaled.error().what;
            EXPECT_THAT(scaled.error().what, HasSubstr(exchange.body.substr(0, 150)));
        }
    }
    EXPECT_GE(answers[200], 3);
    EXPECT_GE(answers[400], 5);
    EXPECT_EQ(answers[404], 1);
    EXPECT_EQ(answers[500], GetParam() == "2.0.5" ? 1 : 0);  // The stale check-and-set index.
}

TEST_P(NomadAnswers, WithoutARightToLook) {
    const auto acl = scene("14-acl");
    const auto denied = [&](const std::string& request) {
        return recorded(acl, request).reaction();
    };
    server.will(denied("GET /v1/nodes"));
    EXPECT_EQ(run(nomad->nodes({})).error().kind, ErrorKind::denied);
    server.will(denied("GET /v1/job/redis-cache"));
    EXPECT_EQ(run(nomad->group("default", "redis-cache", "redis")).error().kind, ErrorKind::denied);
    server.will(denied("GET /v1/job/redis-cache/allocations"));
    EXPECT_EQ(run(nomad->allocations("default", "redis-cache", {})).error().kind,
              ErrorKind::denied);
    server.will(denied("POST /v1/job/redis-cache/scale"));
    EXPECT_EQ(run(nomad->scale(NomadTarget{"redis-cache", "redis"}, 3, 1, "m")).error().kind,
              ErrorKind::denied);
    server.will(recorded(scene("12-errors"), "GET /v1/jobs?region=nope").reaction());
    EXPECT_EQ(run(nomad->nodes({})).error().kind, ErrorKind::rejected);
}

}  // namespace
}  // namespace rop::nomad
