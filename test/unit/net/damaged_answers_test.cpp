// Every parser of Consul's and Nomad's answers, fed with damaged recordings: it may fail, and must
// not do anything else. The sanitizers watch.

#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "operator/consul/parse.hpp"
#include "operator/nomad/parse.hpp"
#include "test/unit/net/recorded.hpp"

namespace rop {
namespace {

/// How many of all parsers took `text` for a sound answer.
int accepted_by(std::string_view text) {
    const std::vector<ports::TxnOp> operations{ports::KvSet{"redis-operator/d", "x"}};
    int accepted = 0;
    const auto count = [&](const auto& result) { accepted += result.has_value() ? 1 : 0; };
    count(consul::parse_kv(text));
    count(consul::parse_health(text));
    count(consul::parse_txn_applied(text, operations));
    count(consul::parse_txn_refused(text, operations));
    count(consul::parse_session_id(text));
    count(consul::parse_agent_services(text));
    count(consul::parse_agent_node(text));
    count(consul::parse_missing_right(text));
    count(nomad::parse_allocations(text));
    count(nomad::parse_nodes(text));
    count(nomad::parse_node(text));
    count(nomad::parse_group(text, "redis"));
    count(nomad::parse_deployment_active(text));
    return accepted;
}

std::string damaged(std::string text, std::mt19937& random) {
    constexpr std::string_view pieces[] = {"null", "[]",   "{}",      "-1",
                                           "1e99", "\"\"", "\\u0000", ",",
                                           "}",    "]",    "\"",      "18446744073709551616"};
    for (unsigned changes = 1 + random() % 3; changes > 0; --changes) {
        const std::size_t at = random() % text.size();
        switch (random() % 3) {
            case 0:
                text[at] = static_cast<char>(random());
                break;
            case 1:
                text.insert(at, pieces[random() % std::size(pieces)]);
                break;
            default:
                text.erase(at, random() % 40);
                text += ' ';
                break;
        }
    }
    return text;
}

TEST(DamagedAnswers, NeverDoMoreThanFail) {
    std::vector<std::string> bodies;
    for (const char* file :
         {"consul/1.8.7/01-kv.json", "consul/1.8.7/02-txn.json", "consul/1.8.7/04-agent.json",
          "consul/1.8.7/06-acl.json", "nomad-1.6.5/02-job-register.json",
          "nomad-2.0.5/01-agent-and-nodes.json", "nomad-2.0.5/03-allocations-blocking.json"}) {
        for (const auto& exchange : testing::recorded_scene(file)) {
            if (exchange.body.size() > 2 && exchange.body.size() < 20'000) {
                bodies.push_back(exchange.body);
            }
        }
    }
    int sound = 0;
    for (const auto& body : bodies) {
        sound += accepted_by(body) > 0 ? 1 : 0;
    }
    EXPECT_GT(sound, 20);

    std::mt19937 random(11);
    int refused = 0;
    for (int round = 0; round < 1'000; ++round) {
        refused += accepted_by(damaged(bodies[random() % bodies.size()], random)) == 0 ? 1 : 0;
    }
    EXPECT_GT(refused, 300);
}

}  // namespace
}  // namespace rop
