#include "operator/telemetry/metrics.hpp"

#include <fstream>
#include <iterator>
#include <map>
#include <ostream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/plan.hpp"

namespace rop::telemetry {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

const ClusterName cache{"cache"};

ClusterStatus ready_cache() {
    ClusterStatus status;
    status.name = cache;
    status.phase = Phase::ready;
    status.slots_assigned = 16384;
    status.slots_served = 16000;
    status.primaries_wanted = 3;
    status.replicas_per_primary_wanted = 1;
    status.conditions = {Condition{.type = ConditionType::formed, .status = Truth::yes}};
    status.shards = {ShardStatus{.primary = InstanceId{"a"},
                                 .slots = {"0-16383"},
                                 .replicas = {{.instance = InstanceId{"b"}, .in_sync = true}}}};
    status.instances = {
        InstanceStatus{.instance = InstanceId{"a"}, .role = "primary", .state = "ok"},
        InstanceStatus{.instance = InstanceId{"b"}, .role = "replica", .state = "loading"}};
    return status;
}

/// Calls everything once, so that every family has at least one series.
void touch_everything(Metrics& metrics) {
    metrics.cluster(ready_cache());
    metrics.last_good_round(cache, seconds(0));
    metrics.replication_lag(cache, {{InstanceId{"a"}, 512}});
    metrics.watch_age("specs", seconds(0));
}

TEST(Metrics, StartAClusterWithEveryLabelSetAtZero) {
    Metrics metrics;
    metrics.survey(cache, milliseconds(3));

    const std::string text = metrics.text();

    EXPECT_THAT(text, HasSubstr("redis_operator_rounds_total"
                                "{cluster=\"cache\",outcome=\"skipped\"} 0"));
    EXPECT_THAT(text, HasSubstr("redis_operator_cluster_phase"
                                "{cluster=\"cache\",kind=\"Pending\"} 0"));
    for (const auto kind : action_kinds()) {
        EXPECT_THAT(text, HasSubstr("redis_operator_actions_total{cluster=\"cache\",kind=\"" +
                                    std::string(kind) + "\",outcome=\"fenced\"} 0"));
    }
}

TEST(Metrics, CountRoundsAndActionsByOutcome) {
    Metrics metrics;
    metrics.round(cache, RoundOutcome::acted, milliseconds(30));
    metrics.round(cache, RoundOutcome::acted, milliseconds(30));
    metrics.action(cache, "meet", ActionOutcome::done, milliseconds(2));

    const std::string text = metrics.text();

    EXPECT_THAT(text, HasSubstr("rounds_total{cluster=\"cache\",outcome=\"acted\"} 2"));
    const std::string took = "round_duration_seconds_";
    const std::string acted = "{cluster=\"cache\",outcome=\"acted\"";
    EXPECT_THAT(text, HasSubstr(took + "count" + acted + "} 2"));
    EXPECT_THAT(text, HasSubstr(took + "bucket" + acted + ",le=\"0.05\"} 2"));
    EXPECT_THAT(text, HasSubstr(took + "bucket" + acted + ",le=\"0.01\"} 0"));
    EXPECT_THAT(text, HasSubstr(took + "count{cluster=\"cache\",outcome=\"quiet\"} 0"));
    EXPECT_THAT(text,
                HasSubstr("actions_total{cluster=\"cache\",kind=\"meet\",outcome=\"done\"} 1"));
}

TEST(Metrics, ShowAStatus) {
    Metrics metrics;
    metrics.cluster(ready_cache());

    const std::string text = metrics.text();

    EXPECT_THAT(text, HasSubstr("cluster_phase{cluster=\"cache\",kind=\"Ready\"} 1"));
    EXPECT_THAT(text, HasSubstr("cluster_phase{cluster=\"cache\",kind=\"Down\"} 0"));
    EXPECT_THAT(
        text, HasSubstr("cluster_condition{cluster=\"cache\",kind=\"Formed\",outcome=\"True\"} 1"));
    EXPECT_THAT(text, HasSubstr("slots_served{cluster=\"cache\"} 16000"));
    EXPECT_THAT(text, HasSubstr("instances_wanted{cluster=\"cache\"} 6"));
    for (const auto* line :
         {"primary\",outcome=\"healthy\"} 1", "primary\",outcome=\"unhealthy\"} 0",
          "replica\",outcome=\"healthy\"} 0", "replica\",outcome=\"unhealthy\"} 1",
          "none\",outcome=\"unhealthy\"} 0"}) {
        EXPECT_THAT(text, HasSubstr("instances{cluster=\"cache\",kind=\"" + std::string(line)));
    }
    EXPECT_THAT(text, HasSubstr("instance_states{cluster=\"cache\",kind=\"loading\"} 1"));
    EXPECT_THAT(text, HasSubstr("instance_healthy{cluster=\"cache\",instance_id=\"b\"} 0"));
    EXPECT_THAT(text, HasSubstr("replicas_in_sync{cluster=\"cache\"} 1"));
}

TEST(Metrics, TakeAwayWhatIsShownNoMore) {
    Metrics metrics;
    metrics.cluster(ready_cache());
    ClusterStatus without = ready_cache();
    without.instances.pop_back();

    metrics.cluster(without);

    EXPECT_THAT(metrics.text(),
                AllOf(Not(HasSubstr("kind=\"loading\"")), Not(HasSubstr("instance_id=\"b\"")),
                      HasSubstr("instance_id=\"a\"")));
}

TEST(Metrics, ShowHowFarTheLastReplicaOfAShardIsBehind) {
    Metrics metrics;
    metrics.replication_lag(cache, {{InstanceId{"a"}, 0}, {InstanceId{"c"}, 1'048'576}});
    EXPECT_THAT(metrics.text(),
                AllOf(HasSubstr("replication_lag_bytes{cluster=\"cache\",shard=\"a\"} 0"),
                      HasSubstr("replication_lag_bytes{cluster=\"cache\",shard=\"c\"} 1048576")));

    metrics.replication_lag(cache, {{InstanceId{"a"}, 7}});
    EXPECT_THAT(metrics.text(), AllOf(HasSubstr("shard=\"a\"} 7"), Not(HasSubstr("shard=\"c\""))));
}

TEST(Metrics, ForgetAClusterWhole) {
    Metrics metrics;
    touch_everything(metrics);
    metrics.round(ClusterName{"other"}, RoundOutcome::quiet, milliseconds(1));

    metrics.forget_cluster(cache);

    EXPECT_THAT(metrics.text(),
                AllOf(Not(HasSubstr("cluster=\"cache\"")), HasSubstr("cluster=\"other\"")));
}

TEST(Metrics, LetAgesGrowUntilTheyAreReportedAnew) {
    Moment now{seconds(100)};
    Metrics metrics([&] { return now; });
    metrics.watch_age("specs", seconds(2));
    metrics.last_good_round(cache, seconds(0));

    now += seconds(5);
    EXPECT_THAT(metrics.text(), AllOf(HasSubstr("watch_age_seconds{kind=\"specs\"} 7"),
                                      HasSubstr("round_age_seconds{cluster=\"cache\"} 5")));

    metrics.watch_age("specs", seconds(1));
    EXPECT_THAT(metrics.text(), HasSubstr("watch_age_seconds{kind=\"specs\"} 1"));
}

TEST(Metrics, AgeFromTheFirstLookUntilThereIsAGoodRound) {
    Moment now{seconds(100)};
    Metrics metrics([&] { return now; });
    metrics.survey(cache, milliseconds(3));
    now += seconds(65);
    EXPECT_THAT(metrics.text(), HasSubstr("round_age_seconds{cluster=\"cache\"} 65"));
    metrics.forget_cluster(cache);
    now += seconds(1);
    EXPECT_THAT(metrics.text(), Not(HasSubstr("round_age_seconds{")));
}

TEST(Metrics, CountAndForgetWatches) {
    Metrics metrics;
    metrics.watch_age("service redis-cache", seconds(0));
    EXPECT_THAT(metrics.text(), HasSubstr("failures_total{kind=\"service redis-cache\"} 0"));

    metrics.watch_failed("service redis-cache");
    EXPECT_THAT(metrics.text(), HasSubstr("failures_total{kind=\"service redis-cache\"} 1"));

    metrics.forget_watch("service redis-cache");
    EXPECT_THAT(metrics.text(), Not(HasSubstr("service redis-cache")));
}

TEST(Metrics, SayWhoLeads) {
    Metrics metrics;
    metrics.leader(true, Epoch{7});
    EXPECT_THAT(metrics.text(),
                AllOf(HasSubstr("redis_operator_leading 1"), HasSubstr("redis_operator_epoch 7")));
    metrics.leader(false, Epoch{8});
    EXPECT_THAT(metrics.text(),
                AllOf(HasSubstr("redis_operator_leading 0"), HasSubstr("redis_operator_epoch 8")));
}

/// The labels of one line, `le` aside: it is the histogram's own.
std::set<std::string> labels_in(const std::string& line) {
    std::set<std::string> labels;
    const std::regex label("[{,](\\w+)=\"");
    for (std::sregex_iterator found(line.begin(), line.end(), label), end; found != end; ++found) {
        if ((*found)[1] != "le") {
            labels.insert((*found)[1]);
        }
    }
    return labels;
}

struct Described {
    std::string type;
    std::set<std::string> labels;
    std::string meaning;

    friend bool operator==(const Described&, const Described&) = default;
    friend std::ostream& operator<<(std::ostream& out, const Described& one) {
        return out << one.type << ::testing::PrintToString(one.labels) << one.meaning;
    }
};

/// What is served. Every line of one metric has the same labels.
std::map<std::string, Described> served(const Metrics& metrics) {
    std::map<std::string, Described> found;
    std::istringstream lines(metrics.text());
    std::string line;
    Described next;
    Described* current = nullptr;
    while (std::getline(lines, line)) {
        std::smatch match;
        if (std::regex_match(line, match, std::regex("# HELP (\\S+) (.*)"))) {
            next = Described{.type = "", .labels = {}, .meaning = match[2]};
            current = nullptr;
        } else if (std::regex_match(line, match, std::regex("# TYPE (\\S+) (\\S+)"))) {
            next.type = match[2];
            EXPECT_TRUE(found.emplace(match[1], next).second) << line;
            current = &found[match[1]];
        } else if (current != nullptr && current->labels.empty()) {
            current->labels = labels_in(line);
        } else if (current != nullptr) {
            EXPECT_EQ(labels_in(line), current->labels) << line;
        }
    }
    return found;
}

std::string document() {
    std::ifstream file(ROP_SOURCE_DIR "/docs/reference/metrics.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> words_in_code(const std::string& text) {
    std::set<std::string> words;
    const std::regex word("`([^`]+)`");
    for (std::sregex_iterator found(text.begin(), text.end(), word), end; found != end; ++found) {
        words.insert((*found)[1]);
    }
    return words;
}

std::map<std::string, Described> documented() {
    std::map<std::string, Described> found;
    std::istringstream lines(document());
    std::string line;
    const std::regex row("\\| `(redis_operator_\\w+)` \\| (\\w+) \\|([^|]*)\\| (.*) \\|");
    while (std::getline(lines, line)) {
        std::smatch match;
        if (std::regex_match(line, match, row)) {
            found[match[1]] = Described{
                .type = match[2], .labels = words_in_code(match[3].str()), .meaning = match[4]};
        }
    }
    return found;
}

TEST(Metrics, AreDocumentedOneByOne) {
    Metrics metrics;
    touch_everything(metrics);

    EXPECT_EQ(served(metrics), documented());
}

TEST(Metrics, UseOnlyTheLabelsOfTheContractAndDocumentTheirOutcomes) {
    Metrics metrics;
    touch_everything(metrics);
    const std::string text = metrics.text();
    for (const auto& [name, one] : served(metrics)) {
        for (const auto& label : one.labels) {
            EXPECT_THAT(label,
                        ::testing::AnyOf("cluster", "shard", "instance_id", "kind", "outcome"));
        }
    }
    std::set<std::string> outcomes;
    const std::regex outcome("outcome=\"(\\w+)\"");
    for (std::sregex_iterator found(text.begin(), text.end(), outcome), end; found != end;
         ++found) {
        outcomes.insert((*found)[1]);
    }
    std::smatch row;
    const std::string all = document();
    ASSERT_TRUE(std::regex_search(all, row, std::regex("\n\\| `outcome` \\|(.*)\\|\n")));
    EXPECT_EQ(outcomes, words_in_code(row[1].str()));
}

/// promtool's rules: base units, `_total` for counters and for nothing else, no type in a name, no
/// suffix that belongs to histograms.
TEST(Metrics, AreNamedAsPrometheusAsks) {
    Metrics metrics;
    touch_everything(metrics);
    for (const auto& [name, one] : served(metrics)) {
        EXPECT_TRUE(std::regex_match(name, std::regex("redis_operator_[a-z]+(_[a-z]+)*"))) << name;
        EXPECT_EQ(name.ends_with("_total"), one.type == "counter") << name;
        EXPECT_FALSE(std::regex_search(
            name, std::regex("_(gauge|counter|histogram|count|sum|bucket|milliseconds|ms|minutes|"
                             "kilobytes|megabytes|kb|mb|percent)(_|$)")))
            << name;
        EXPECT_FALSE(one.type == "histogram" && !name.ends_with("_seconds")) << name;
        EXPECT_TRUE(one.meaning.ends_with(".")) << name;
    }
}

}  // namespace
}  // namespace rop::telemetry
