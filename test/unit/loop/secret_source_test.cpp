#include "operator/loop/secret_source.hpp"

#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "operator/runtime/task_group.hpp"
#include "test/support/fake_consul.hpp"
#include "test/support/fixed_random.hpp"
#include "test/support/manual_time.hpp"

namespace rop::loop {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr auto prefix = "redis-operator/";
constexpr auto key = "redis-operator/secrets/cache/password";

ClusterSpec spec_with(SecretRef::Kind kind, std::string where) {
    ClusterSpec spec;
    spec.name = ClusterName{"cache"};
    spec.auth = AuthSpec{.username = "app", .password = {kind, std::move(where)}};
    return spec;
}
ClusterSpec from_key(std::string where = key) {
    return spec_with(SecretRef::Kind::consul_key, std::move(where));
}

std::string refusal(const ClusterSpec& spec) {
    const auto place = secret_place(spec, prefix);
    return place.has_error() ? place.error().what : "allowed";
}

TEST(SecretPlace, IsNoneForFilesAndVariablesOfTheEnvironment) {
    EXPECT_EQ(secret_place(ClusterSpec{}, prefix).value(), std::nullopt);
    for (const auto kind : {SecretRef::Kind::file, SecretRef::Kind::env}) {
        EXPECT_EQ(secret_place(spec_with(kind, "x"), prefix).value(), std::nullopt);
    }
}

// Whoever may write a spec names the servers to which its password goes.
TEST(SecretPlace, OfAKeyIsBelowTheClustersOwnFolder) {
    EXPECT_EQ(refusal(from_key()), "allowed");
    EXPECT_EQ(refusal(from_key("redis-operator/secrets/cache/a/b")), "allowed");
    for (const auto* where :
         {"redis-operator/secrets/cache", "redis-operator/secrets/cache/",
          "redis-operator/secrets/other/password", "redis-operator/secrets/cache2/password",
          "redis-operator/secrets/cache/../other/password", "redis-operator/clusters/cache/spec",
          "redis-operator/secrets/cache//password", "vault/root-token", ""}) {
        EXPECT_THAT(refusal(from_key(where)),
                    AllOf(HasSubstr(where), HasSubstr("redis-operator/secrets/cache/")));
    }
    EXPECT_TRUE(secret_place(from_key("own/secrets/cache/p"), "own/").has_value());
    EXPECT_TRUE(secret_place(from_key(), "own/").has_error());
}

TEST(SecretPlace, OfAVariableIsTheClustersOwn) {
    const auto place = [](std::string where) {
        return secret_place(spec_with(SecretRef::Kind::nomad_variable, std::move(where)), prefix);
    };
    EXPECT_EQ(place("redis-operator/cache").value()->item, "password");
    EXPECT_EQ(place("redis-operator/cache#word").value()->item, "word");
    EXPECT_EQ(place("redis-operator/cache/redis#word").value()->path, "redis-operator/cache/redis");
    for (const auto* where :
         {"redis-operator/other#password", "redis-operator/cache2", "nomad/jobs/payments#password",
          "redis-operator/cache/../other", "redis-operator/cache/", "redis-operator"}) {
        EXPECT_TRUE(place(where).has_error()) << where;
    }
    ClusterSpec spec = spec_with(SecretRef::Kind::nomad_variable, "redis-operator/cache");
    spec.nomad = NomadTarget{.job = "j", .group = "g", .nomad_namespace = "team"};
    EXPECT_EQ(secret_place(spec, prefix).value()->nomad_namespace, "team");
}

class SecretSourceTest : public ::testing::Test {
  protected:
    SecretSourceTest() { tasks_.spawn("consul", store_.run()); }
    void TearDown() override {
        source_.stop();
        tasks_.stop();
        time_.settle();
    }

    void follow(const ClusterSpec& spec) {
        bool done = false;
        auto run = [&]() -> asio::awaitable<void> {
            co_await source_.follow(spec);
            done = true;
        };
        tasks_.spawn("follow", run());
        ASSERT_TRUE(time_.advance_until([&] { return done && source_.ready(); }, 5s));
    }

    std::string text() const {
        const FetchedSecret fetched = source_.fetched();
        if (fetched == nullptr) {
            return "nothing to fetch";
        }
        return fetched->has_error() ? "error: " + fetched->error().what : fetched->value();
    }

    testing::ManualTime time_;
    testing::FakeConsul store_{&time_};
    testing::FakeConsulClient consul_{&store_, &time_};
    testing::FixedRandom random_;
    int rings_ = 0;
    SecretSource source_{Ports{&time_, nullptr, &consul_, nullptr, &random_}, prefix,
                         [this] { ++rings_; }};
    runtime::TaskGroup tasks_{time_.executor()};
};

TEST_F(SecretSourceTest, KnowsANewPasswordAsSoonAsItIsWritten) {
    store_.put(key, "first");
    follow(from_key());
    EXPECT_EQ(text(), "first");

    const int before = rings_;
    store_.put(key, "second");
    ASSERT_TRUE(time_.advance_until([&] { return rings_ > before; }, 1s));
    EXPECT_EQ(text(), "second");
}

TEST_F(SecretSourceTest, KeepsWhatItKnowsWhileConsulIsAway) {
    store_.put(key, "first");
    follow(from_key());
    consul_.line = testing::FakeConsulClient::Line::refused;
    time_.advance(60s);
    EXPECT_EQ(text(), "first");
}

TEST_F(SecretSourceTest, SaysWhatIsMissing) {
    follow(from_key());
    EXPECT_THAT(text(), AllOf(HasSubstr("error: the Consul key"), HasSubstr(key),
                              HasSubstr("does not exist")));
    follow(from_key("vault/root-token"));
    EXPECT_THAT(text(), HasSubstr("not below"));
    follow(spec_with(SecretRef::Kind::nomad_variable, "redis-operator/cache"));
    EXPECT_THAT(text(), HasSubstr("no address of Nomad"));
    follow(ClusterSpec{});
    EXPECT_EQ(text(), "nothing to fetch");
}

TEST_F(SecretSourceTest, SaysThatItMayNotRead) {
    consul_.line = testing::FakeConsulClient::Line::denied;
    follow(from_key());
    EXPECT_THAT(text(), AllOf(HasSubstr(key), HasSubstr("cannot be read")));
}

}  // namespace
}  // namespace rop::loop
