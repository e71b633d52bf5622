#include "operator/telemetry/metrics.hpp"

#include <fstream>
#include <map>
#include <regex>
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
    EXPECT_THAT(text, HasSubstr("round_duration_seconds_count{cluster=\"cache\"} 2"));
    EXPECT_THAT(text, HasSubstr("round_duration_seconds_bucket{cluster=\"cache\",le=\"0.05\"} 2"));
    EXPECT_THAT(text, HasSubstr("round_duration_seconds_bucket{cluster=\"cache\",le=\"0.01\"} 0"));
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
    EXPECT_THAT(text, HasSubstr("instances{cluster=\"cache\",kind=\"primary\"} 1"));
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

/// name -> "type | meaning", from what is served and from what is documented.
std::map<std::string, std::string> served(const Metrics& metrics) {
    std::map<std::string, std::string> found;
    std::istringstream lines(metrics.text());
    std::string line;
    std::string meaning;
    while (std::getline(lines, line)) {
        std::smatch match;
        if (std::regex_match(line, match, std::regex("# HELP (\\S+) (.*)"))) {
            meaning = match[2];
        } else if (std::regex_match(line, match, std::regex("# TYPE (\\S+) (\\S+)"))) {
            found[match[1]] = match[2].str() + " | " + meaning;
        }
    }
    return found;
}

std::map<std::string, std::string> documented() {
    std::map<std::string, std::string> found;
    std::ifstream document(ROP_SOURCE_DIR "/docs/reference/metrics.md");
    std::string line;
    const std::regex row("\\| `(redis_operator_\\w+)` \\| (\\w+) \\|([^|]*)\\| (.*) \\|");
    while (std::getline(document, line)) {
        std::smatch match;
        if (std::regex_match(line, match, row)) {
            found[match[1]] = match[2].str() + " | " + match[4].str();
        }
    }
    return found;
}

TEST(Metrics, AreDocumentedOneByOne) {
    Metrics metrics;
    touch_everything(metrics);

    EXPECT_EQ(served(metrics), documented());
}

TEST(Metrics, UseOnlyTheLabelsOfTheContract) {
    Metrics metrics;
    touch_everything(metrics);
    const std::string text = metrics.text();

    const std::regex label("[{,](\\w+)=\"");
    for (std::sregex_iterator found(text.begin(), text.end(), label), end; found != end; ++found) {
        EXPECT_THAT((*found)[1].str(),
                    ::testing::AnyOf("cluster", "shard", "instance_id", "kind", "outcome", "le"));
    }
}

}  // namespace
}  // namespace rop::telemetry
