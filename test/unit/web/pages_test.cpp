#include "operator/web/pages.hpp"

#include <string>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rop::web {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::StartsWith;

View led_by_host_1() {
    View view;
    view.standing = Standing{.leading = false,
                             .epoch = Epoch{4},
                             .installation = InstallationId{"i"},
                             .leader = "host-1"};
    return view;
}

View with_cache() {
    View view = led_by_host_1();
    ClusterStatus status;
    status.name = ClusterName{"cache"};
    status.phase = Phase::ready;
    status.reason = "AsDeclared";
    Plan plan;
    plan.based_on = Revision{3};
    view.clusters[ClusterName{"cache"}] = View::Cluster{std::make_shared<ClusterStatus>(status),
                                                        std::make_shared<Plan>(std::move(plan))};
    view.clusters[ClusterName{"fresh"}] = View::Cluster{};
    return view;
}

Response ask(const View& view, std::string target, std::string method = "GET") {
    const Source source{[&] { return view; }, [] { return std::string("metric 1\n"); }};
    return answer(Request{std::move(method), std::move(target)}, source);
}

std::string error_of(const Response& response) {
    return std::string(boost::json::parse(response.body).at("error").as_string());
}

TEST(Pages, MetricsAreInPrometheusTextFormat) {
    const Response response = ask(View{}, "/metrics");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
    EXPECT_EQ(response.body, "metric 1\n");
}

TEST(Pages, HealthIsAboutTheProcessOnly) {
    View view;
    view.not_ready = "Consul does not answer";
    EXPECT_EQ(ask(view, "/healthz").status, 200U);
}

TEST(Pages, ReadyNamesTheLeader) {
    const Response response = ask(led_by_host_1(), "/readyz");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.body, "ready\nleader host-1 (this one stands by), epoch 4\n");
}

TEST(Pages, ReadySaysSoWhenThisOneLeads) {
    View view = led_by_host_1();
    view.standing.leading = true;
    EXPECT_THAT(ask(view, "/readyz").body, HasSubstr("host-1 (this operator)"));
}

TEST(Pages, NotReadySaysWhatIsMissing) {
    View view;
    view.not_ready = "Consul at 127.0.0.1:8500 does not answer";
    const Response response = ask(view, "/readyz");
    EXPECT_EQ(response.status, 503U);
    EXPECT_EQ(response.body, "not ready: Consul at 127.0.0.1:8500 does not answer\nnobody leads\n");
}

TEST(Pages, ClustersAreAListOfStatuses) {
    const Response response = ask(with_cache(), "/v1/clusters?pretty");
    EXPECT_EQ(response.status, 200U);
    EXPECT_EQ(response.content_type, "application/json");
    const auto list = boost::json::parse(response.body).as_array();
    ASSERT_EQ(list.size(), 1U);
    EXPECT_EQ(list[0].at("name"), "cache");
    EXPECT_THAT(response.headers, Contains(Pair("Redis-Operator-Leader", "host-1")));
    EXPECT_THAT(response.headers, Contains(Pair("Redis-Operator-Leading", "no")));
}

TEST(Pages, NoClustersAreAnEmptyList) {
    EXPECT_EQ(ask(View{}, "/v1/clusters").body, "[]\n");
}

TEST(Pages, OneClusterIsItsStatus) {
    const Response response = ask(with_cache(), "/v1/clusters/cache");
    EXPECT_EQ(response.status, 200U);
    const auto status = boost::json::parse(response.body);
    EXPECT_EQ(status.at("phase"), "Ready");
    EXPECT_EQ(status.at("version"), 1);
}

TEST(Pages, APlanIsShown) {
    const Response response = ask(with_cache(), "/v1/clusters/cache/plan");
    EXPECT_EQ(response.status, 200U);
    EXPECT_TRUE(boost::json::parse(response.body).is_object());
}

TEST(Pages, AClusterBeforeItsFirstRoundIsNotMissing) {
    for (const auto* target : {"/v1/clusters/fresh", "/v1/clusters/fresh/plan"}) {
        const Response response = ask(with_cache(), target);
        EXPECT_EQ(response.status, 503U);
        EXPECT_THAT(response.headers, Contains(Pair("Retry-After", "1")));
    }
}

TEST(Pages, UnknownNamesAndPathsAreJsonErrors) {
    EXPECT_EQ(ask(with_cache(), "/v1/clusters/nope").status, 404U);
    EXPECT_EQ(error_of(ask(with_cache(), "/v1/clusters/nope")), "no cluster is declared as nope");
    EXPECT_EQ(ask(with_cache(), "/v1/clusters/cache/keys").status, 404U);
    EXPECT_EQ(error_of(ask(View{}, "/favicon.ico")), "there is no page /favicon.ico");
    EXPECT_EQ(ask(View{}, "").status, 404U);
}

TEST(Pages, NothingButReadingIsAllowed) {
    for (const auto* method : {"POST", "PUT", "DELETE", "BREW"}) {
        const Response response = ask(with_cache(), "/v1/clusters/cache", method);
        EXPECT_EQ(response.status, 405U);
        EXPECT_THAT(response.headers, Contains(Pair("Allow", "GET, HEAD")));
        EXPECT_THAT(error_of(response), StartsWith("this interface is read-only"));
    }
    EXPECT_EQ(ask(with_cache(), "/v1/clusters/cache", "HEAD").status, 200U);
}

TEST(Pages, WordsOfOthersCannotBreakHeaders) {
    View view = led_by_host_1();
    view.standing.leader = "evil\r\nSet-Cookie: a=b";
    view.not_ready = std::string(1000, 'x');
    const Response response = ask(view, "/v1/clusters");
    EXPECT_THAT(response.headers, Contains(Pair("Redis-Operator-Leader", "evil??Set-Cookie: a=b")));
    EXPECT_THAT(response.headers,
                Contains(Pair("Redis-Operator-Not-Ready", std::string(256, 'x'))));
}

}  // namespace
}  // namespace rop::web
