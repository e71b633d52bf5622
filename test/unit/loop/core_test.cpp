#include "operator/loop/core.hpp"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "operator/runtime/task_group.hpp"
#include "operator/telemetry/metrics.hpp"
#include "test/support/fake_consul.hpp"
#include "test/support/fixed_random.hpp"
#include "test/support/manual_time.hpp"

namespace rop::loop {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

const Error refuses{ErrorKind::unavailable, "connection refused"};

/// No service has an instance; a poll blocks as long as it may.
class Consul : public testing::FakeConsulClient {
  public:
    Consul(testing::FakeConsul* store, ports::TimePort* time)
        : FakeConsulClient(store, time), time_(time) {}

    Answer<ports::Page<std::vector<ports::ServiceEntry>>> health(
        std::string, ports::BlockingQuery query) override {
        if (health_fails) {
            co_return refuses;
        }
        if (query.index != 0) {
            co_await time_->sleep_for(query.wait);
        }
        co_return ports::Page<std::vector<ports::ServiceEntry>>{{}, 7};
    }

    bool health_fails = false;

  private:
    ports::TimePort* time_;
};

/// A job without allocations, on no host.
class Nomad : public ports::NomadPort {
  public:
    explicit Nomad(ports::TimePort* time) : time_(time) {}

    Answer<ports::Page<std::vector<ports::Allocation>>> allocations(
        std::string, std::string, ports::BlockingQuery query) override {
        if (query.index != 0) {
            co_await time_->sleep_for(query.wait);
        }
        co_return ports::Page<std::vector<ports::Allocation>>{{}, 7};
    }
    Answer<ports::Page<std::vector<ports::NomadNode>>> nodes(ports::BlockingQuery) override {
        co_return refuses;
    }
    Answer<ports::NomadNode> node(std::string) override { co_return refuses; }
    Answer<GroupFacts> group(std::string, std::string, std::string) override {
        co_return GroupFacts{};
    }
    Answer<void> scale(NomadTarget, std::uint32_t, std::uint64_t, std::string) override {
        co_return refuses;
    }
    Answer<ports::Page<std::optional<ports::VariableItems>>> variable(
        std::string, std::string, ports::BlockingQuery) override {
        co_return refuses;
    }

  private:
    ports::TimePort* time_;
};

/// Nobody listens anywhere.
class Redis : public ports::RedisPort {
  public:
    asio::awaitable<ports::RedisOutcome> send(ports::RedisRequest) override {
        ports::RedisOutcome outcome;
        outcome.failure = refuses;
        outcome.contact = ports::RedisOutcome::Contact::refused;
        co_return outcome;
    }
    void drop_all() override {}
    void keep_only(const std::vector<Endpoint>&) override {}
    void on_closed(std::function<void(const Endpoint&)>) override {}
};

class CoreTest : public ::testing::Test {
  protected:
    void SetUp() override { world_.spawn("consul", store_.run()); }
    void TearDown() override {
        core_->stop();
        EXPECT_TRUE(time_.advance_until([&] { return ended_; }, 1min)) << "it does not stop";
        world_.stop();
        time_.settle();
    }

    void start(bool with_nomad = false) {
        Ports ports{&time_, &redis_, &consul_, with_nomad ? &nomad_ : nullptr, &random_};
        CoreOptions options;
        options.leadership.host = "host-1";
        core_ = make_core(ports, std::move(options), &metrics_);
        world_.spawn("core", run());
    }
    asio::awaitable<void> run() {
        co_await core_->run();
        ended_ = true;
    }

    void declare(const std::string& rest) {
        store_.put(
            "redis-operator/clusters/cache/spec",
            R"({"version":1,"mode":"cluster","primaries":3,"replicasPerPrimary":1)" + rest + "}");
    }
    /// Looked at once a second: to print all metrics takes longer than what happens between.
    [[nodiscard]] bool comes_to(const std::function<bool()>& state) {
        for (int waited = 0; waited < 60 && !state(); ++waited) {
            time_.advance(1s);
        }
        return state();
    }
    /// The line of the metrics that begins so, empty when there is none.
    [[nodiscard]] std::string metric(const std::string& begins) const {
        const std::string text = metrics_.text();
        const std::size_t at = text.find("\nredis_operator_" + begins);
        return at == std::string::npos ? "" : text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    }
    [[nodiscard]] bool counts_failures(const std::string& watch) const {
        const std::string line = metric("watch_failures_total{kind=\"" + watch + "\"}");
        return !line.empty() && !line.ends_with(" 0");
    }
    [[nodiscard]] bool shows_age(const std::string& watch) const {
        return !metric("watch_age_seconds{kind=\"" + watch + "\"}").empty();
    }

    testing::ManualTime time_;
    testing::FakeConsul store_{&time_};
    Consul consul_{&store_, &time_};
    Nomad nomad_{&time_};
    Redis redis_;
    testing::FixedRandom random_{1, 7};
    telemetry::Metrics metrics_{[this] { return time_.now(); }};
    runtime::TaskGroup world_{time_.executor()};
    std::unique_ptr<Core> core_;
    bool ended_ = false;
};

// One user's mistake must not take every operator out of service.
TEST_F(CoreTest, IsReadyBesideASpecThatNeverWasValid) {
    declare(R"(,"service":"redis-cache","primaires":5)");
    start();

    EXPECT_TRUE(comes_to([&] { return core_->not_ready().empty(); })) << core_->not_ready();
    ASSERT_TRUE(core_->clusters().contains(ClusterName{"cache"}));
    EXPECT_EQ(core_->clusters().at(ClusterName{"cache"}).status->reason, "InvalidSpec");
}

TEST_F(CoreTest, IsNotReadyWhileHostsAreUnknown) {
    declare(R"(,"service":"redis-cache","nomad":{"job":"redis-cache","group":"redis"})");
    start(true);

    EXPECT_TRUE(comes_to([&] {
        return core_->not_ready() == "cluster cache: nomad-nodes: connection refused";
    })) << core_->not_ready();
    EXPECT_TRUE(comes_to([&] { return counts_failures("nomad-nodes"); }));
}

TEST_F(CoreTest, CountsTheFailuresOfItsWatches) {
    consul_.health_fails = true;
    declare(R"(,"service":"redis-cache")");
    start();

    EXPECT_TRUE(comes_to([&] { return counts_failures("service redis-cache"); }));
    EXPECT_EQ(core_->not_ready(), "cluster cache: service redis-cache: connection refused");
}

TEST_F(CoreTest, ShowsNoWatchOfWhatIsWatchedNoMore) {
    declare(R"(,"service":"redis-cache")");
    start();
    ASSERT_TRUE(comes_to([&] { return shows_age("service redis-cache"); }));

    declare(R"(,"service":"redis-other")");
    EXPECT_TRUE(comes_to(
        [&] { return shows_age("service redis-other") && !shows_age("service redis-cache"); }));

    store_.erase("redis-operator/clusters/cache/spec");
    EXPECT_TRUE(comes_to([&] { return !shows_age("service redis-other"); }));
    EXPECT_TRUE(shows_age("keys"));
}

}  // namespace
}  // namespace rop::loop
