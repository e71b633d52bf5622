#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <gtest/gtest.h>

#include "api/json/record_json.hpp"
#include "api/json/spec_json.hpp"
#include "api/json/status_json.hpp"
#include "operator/commands/commands.hpp"
#include "operator/loop/lock_value.hpp"
#include "test/support/fake_consul.hpp"
#include "test/support/manual_time.hpp"

namespace rop::commands {

inline const ClusterName cache{"cache"};
inline constexpr auto cache_spec = R"({
  "version": 1, "mode": "cluster", "primaries": 3, "replicasPerPrimary": 1,
  "service": "redis-cache", "nomad": {"job": "redis-cache", "group": "redis"}
})";

/// Shows operators that beat their check beside what the store in memory can tell.
class Consul : public testing::FakeConsulClient {
  public:
    using FakeConsulClient::FakeConsulClient;

    std::vector<ports::ServiceEntry> operators;

    Answer<ports::Page<std::vector<ports::ServiceEntry>>> health(std::string service,
                                                                 ports::BlockingQuery) override {
        EXPECT_EQ(service, "redis-operator");
        co_return ports::Page<std::vector<ports::ServiceEntry>>{operators, 1};
    }
};

/// Commands against a store in memory, on time that the test moves.
class Workshop : public ::testing::Test {
  protected:
    Workshop() : consul_(&time_), line_(&consul_, &time_) {}

    [[nodiscard]] Toolbox tools(Format format = Format::text) {
        return Toolbox{.time = &time_,
                       .store = Store(&line_, "redis-operator/", "http://127.0.0.1:8500"),
                       .look =
                           [this](ClusterName name, std::optional<ClusterSpec> instead) {
                               return look(std::move(name), std::move(instead));
                           },
                       .style = Style{},
                       .format = format};
    }

    /// Runs a command to its end, or for two minutes of its time.
    Outcome run(boost::asio::awaitable<Outcome> command) {
        std::optional<Outcome> ended;
        start(std::move(command), ended);
        EXPECT_TRUE(
            time_.advance_until([&] { return ended.has_value(); }, std::chrono::minutes(2)));
        return ended.value_or(failure("the command hangs", "look where it waits"));
    }

    void start(boost::asio::awaitable<Outcome> command, std::optional<Outcome>& ended) {
        boost::asio::co_spawn(time_.executor(), std::move(command),
                              [&](std::exception_ptr thrown, Outcome outcome) {
                                  if (thrown) {
                                      std::rethrow_exception(thrown);
                                  }
                                  ended = std::move(outcome);
                              });
    }

    static std::string key(const ClusterName& name, const std::string& part) {
        return "redis-operator/clusters/" + name.value() + "/" + part;
    }
    void declare(const ClusterName& name = cache, const std::string& spec = cache_spec) {
        consul_.put(key(name, "spec"), spec);
    }
    [[nodiscard]] std::uint64_t spec_index(const ClusterName& name = cache) const {
        return consul_.get(key(name, "spec")).value().modify_index;
    }
    void stand_by(const std::string& node, const std::string& status = "passing") {
        ports::ServiceEntry entry;
        entry.node = node;
        entry.status = status;
        line_.operators.push_back(entry);
    }
    void publish(ClusterStatus status) {
        const std::string at = key(status.name, "status");
        consul_.put(at, json::write_status(std::move(status)));
    }
    void remember(RecordState state = RecordState::formed) {
        Record record;
        record.spec = json::parse_spec(cache_spec, "cache").spec.value();
        record.spec_index = 1;
        record.state = state;
        record.installation = InstallationId{"0123456789abcdef"};
        consul_.put(key(cache, "record"), json::write_record(record));
    }

    /// host-1 holds the lock, as a leader does.
    void elect() {
        const auto taken = [this]() -> boost::asio::awaitable<Outcome> {
            ports::SessionRequest request;
            auto session = co_await line_.session_create(std::move(request));
            std::vector<ports::TxnOp> lock;
            lock.emplace_back(
                ports::KvLock{"redis-operator/leader",
                              loop::write_lock_value(loop::LockValue{.instance = "a1",
                                                                     .address = "",
                                                                     .version = "",
                                                                     .epoch = Epoch{4},
                                                                     .host = "host-1"}),
                              session.value()});
            auto answer = co_await line_.txn(std::move(lock));
            EXPECT_TRUE(answer.value().applied);
            co_return Outcome{};
        };
        run(taken());
    }

    [[nodiscard]] Timestamp ago(std::chrono::seconds span) const { return time_.wall() - span; }

    /// Three shards; the last one's replica is on its way.
    [[nodiscard]] ClusterStatus ready() const {
        ClusterStatus status;
        status.name = cache;
        status.engine = "redis 7.0.15";
        status.spec_index = spec_index();
        status.epoch = 4;
        status.leader = "host-1";
        status.updated_at = ago(std::chrono::seconds(12));
        status.phase = Phase::ready;
        status.reason = "AsDeclared";
        status.message = "3 primaries, 3 replicas, 16384 slots served";
        status.primaries_wanted = 3;
        status.replicas_per_primary_wanted = 1;
        status.slots_assigned = 16384;
        status.slots_served = 16384;
        status.conditions = {{.type = ConditionType::formed,
                              .status = Truth::yes,
                              .reason = "AsDeclared",
                              .message = "formed",
                              .since = ago(std::chrono::minutes(5))},
                             {.type = ConditionType::replicas_in_sync,
                              .status = Truth::no,
                              .reason = "ReplicasMissing",
                              .message = "1 replica is not in sync",
                              .since = ago(std::chrono::seconds(3))}};
        const char* slots[] = {"0-5460", "5461-10922", "10923-16383"};
        for (int at = 0; at < 3; ++at) {
            const std::string digit = std::to_string(at);
            const InstanceId primary("aaaaaaa" + digit + "-0000-4000-8000-000000000000");
            const InstanceId replica("bbbbbbb" + digit + "-0000-4000-8000-000000000000");
            status.shards.push_back({.primary = primary,
                                     .slots = {slots[at]},
                                     .replicas = {{.instance = replica, .in_sync = at < 2}}});
            status.instances.push_back({.instance = primary,
                                        .node = NodeId(std::string(40, char('a' + at))),
                                        .address = "127.0.0.1:2100" + digit,
                                        .bus_port = static_cast<std::uint16_t>(31000 + at),
                                        .host = "host-" + digit,
                                        .role = "primary",
                                        .state = "ok"});
            status.instances.push_back({.instance = replica,
                                        .node = NodeId(std::string(40, char('d' + at))),
                                        .address = "",
                                        .bus_port = 0,
                                        .host = "host-" + digit,
                                        .role = "replica",
                                        .state = at < 2 ? "ok" : "loading"});
        }
        return status;
    }

    testing::ManualTime time_;
    testing::FakeConsul consul_;
    Consul line_;
    std::optional<ClusterSpec> looked_instead_;
    std::optional<Error> look_fails_;
    Plan plan_;
    SnapshotPtr snapshot_ = std::make_shared<Snapshot>();

  private:
    boost::asio::awaitable<Result<loop::OnceView>> look(ClusterName name,
                                                        std::optional<ClusterSpec> instead) {
        looked_instead_ = std::move(instead);
        if (look_fails_) {
            co_return *look_fails_;
        }
        loop::OnceView view;
        view.snapshot = snapshot_;
        view.plan = plan_;
        view.status.name = std::move(name);
        view.status.reason = "TooFewInstances";
        view.status.message = "2 of 6 instances answer";
        co_return view;
    }
};

}  // namespace rop::commands
