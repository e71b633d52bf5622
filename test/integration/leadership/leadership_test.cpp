// Leadership against a real Consul, in real time: the bounds that the documents promise.

#include "operator/loop/leadership.hpp"

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include "operator/consul/consul_port.hpp"
#include "operator/loop/lock_value.hpp"
#include "operator/runtime/real_time.hpp"
#include "operator/runtime/task_group.hpp"
#include "test/support/local_servers.hpp"

namespace rop::loop {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

std::unique_ptr<ports::ConsulPort> connect(ports::TimePort& time, ports::RandomPort& random,
                                           const Endpoint& consul) {
    consul::ConsulConfig config;
    config.server.host = consul.host;
    config.server.port = consul.port;
    return consul::make_consul_port(time, random, std::move(config));
}

/// One operator process. It runs only while the test turns its event loop, so not turning it any
/// more is what SIGSTOP or kill -9 do: nothing is beaten, renewed, answered or given back.
class Process {
  public:
    Process(const Endpoint& consul, std::string host) {
        Ports ports;
        ports.time = time_.get();
        ports.random = random_.get();
        consul_ = connect(*time_, *random_, consul);
        ports.consul = consul_.get();
        LeadershipOptions options;
        options.listen = Endpoint{"127.0.0.1", 9480};
        options.host = std::move(host);
        options.version = "0.1.0";
        leadership_ = make_leadership(ports, options);
        tasks_.spawn("leadership", leadership_->run());
    }
    ~Process() {
        tasks_.stop();
        const auto give_up = Clock::now() + 3s;
        while (!tasks_.empty() && Clock::now() < give_up) {
            turn();
        }
    }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    void turn() {
        io_.restart();
        io_.run_one_for(1ms);
        io_.poll();
    }
    void stop() { tasks_.stop(); }
    [[nodiscard]] bool ended() const { return tasks_.empty(); }
    [[nodiscard]] bool held() const { return leadership_->held(); }
    [[nodiscard]] Leadership& leadership() { return *leadership_; }

  private:
    asio::io_context io_{1};
    std::unique_ptr<ports::TimePort> time_ = runtime::make_real_time(io_.get_executor());
    std::unique_ptr<ports::RandomPort> random_ = runtime::make_real_random();
    std::unique_ptr<ports::ConsulPort> consul_;
    std::unique_ptr<Leadership> leadership_;
    runtime::TaskGroup tasks_{io_.get_executor()};
};

class RealLeadership : public ::testing::Test {
  protected:
    /// Turns both until `reached`; checks all the while that there are never two leaders. How
    /// long it took, or nullopt after `at_most`.
    std::optional<std::chrono::milliseconds> turn_until(const std::function<bool()>& reached,
                                                        std::chrono::milliseconds at_most) {
        const auto began = Clock::now();
        while (Clock::now() - began <= at_most) {
            for (Process* process : {a_awake_ ? a_.get() : nullptr, b_.get()}) {
                if (process != nullptr) {
                    process->turn();
                }
            }
            EXPECT_FALSE(a_ && b_ && a_->held() && b_->held()) << "two leaders";
            if (reached()) {
                return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began);
            }
        }
        return std::nullopt;
    }
    void turn_for(std::chrono::milliseconds span) {
        (void)turn_until([] { return false; }, span);
    }

    void start_with_leader_a() {
        a_ = std::make_unique<Process>(consul_.at(), "host-1");
        ASSERT_TRUE(turn_until([&] { return a_->held(); }, 10s));
        b_ = std::make_unique<Process>(consul_.at(), "host-2");
        const auto b_knows = [&] {
            return b_->leadership().standing().leader == a_->leadership().standing().leader;
        };
        ASSERT_TRUE(turn_until(b_knows, 5s));
        turn_for(700ms);  // Until its own session stands, too.
        ASSERT_TRUE(a_->held());
    }

    /// One call by someone else.
    template <class T>
    Result<T> call(const std::function<asio::awaitable<Result<T>>(ports::ConsulPort&)>& what) {
        asio::io_context io(1);
        const auto time = runtime::make_real_time(io.get_executor());
        const auto random = runtime::make_real_random();
        const auto port = connect(*time, *random, consul_.at());
        std::optional<Result<T>> answer;
        const auto keep = [&]() -> asio::awaitable<void> { answer.emplace(co_await what(*port)); };
        runtime::TaskGroup tasks(io.get_executor());
        tasks.spawn("call", keep());
        io.run();
        return std::move(*answer);
    }
    void change(std::vector<ports::TxnOp> operations) {
        const auto answer =
            call<ports::TxnAnswer>([&](ports::ConsulPort& port) { return port.txn(operations); });
        ASSERT_TRUE(answer.has_value() && answer.value().applied);
    }

    testing::LocalConsul consul_;
    std::unique_ptr<Process> a_;
    std::unique_ptr<Process> b_;
    bool a_awake_ = true;
};

TEST_F(RealLeadership, TakesOverWithinHalfASecondOfACleanStop) {
    start_with_leader_a();
    a_->stop();
    const auto took = turn_until([&] { return b_->held(); }, 5s);
    ASSERT_TRUE(took);
    RecordProperty("milliseconds", static_cast<int>(took->count()));
    EXPECT_LE(*took, 500ms);
    EXPECT_EQ(b_->leadership().epoch(), Epoch(2));
    EXPECT_TRUE(turn_until([&] { return a_->ended(); }, 1s)) << "leaving takes at most a second";
}

TEST_F(RealLeadership, TakesOverWithinFiveSecondsOfAKillAndTheDeadOneMayWakeUp) {
    start_with_leader_a();
    a_awake_ = false;
    const auto took = turn_until([&] { return b_->held(); }, 10s);
    ASSERT_TRUE(took);
    RecordProperty("milliseconds", static_cast<int>(took->count()));
    EXPECT_LE(*took, 5s);
    EXPECT_GE(*took, 1'500ms) << "the lease of the dead one was not waited for";
    EXPECT_EQ(b_->leadership().epoch(), Epoch(2));
    EXPECT_FALSE(a_->held()) << "before it ran anything";

    a_awake_ = true;
    const std::string leader = b_->leadership().standing().leader;
    const auto a_follows = [&] { return a_->leadership().standing().leader == leader; };
    EXPECT_TRUE(turn_until(a_follows, 5s));
    turn_for(1s);
    EXPECT_TRUE(b_->held());
    EXPECT_FALSE(a_->held());
}

TEST_F(RealLeadership, ARestartOnTheSameHostDoesNotKeepTheDeadOnesLockAlive) {
    a_ = std::make_unique<Process>(consul_.at(), "host-1");
    ASSERT_TRUE(turn_until([&] { return a_->held(); }, 10s));
    a_awake_ = false;
    b_ = std::make_unique<Process>(consul_.at(), "host-1");
    const auto took = turn_until([&] { return b_->held(); }, 10s);
    ASSERT_TRUE(took);
    EXPECT_LE(*took, 5s);
}

TEST_F(RealLeadership, ADestroyedSessionEndsTheHoldAtOnce) {
    start_with_leader_a();
    const std::string session = a_->leadership().session();
    ASSERT_TRUE(call<void>([&](ports::ConsulPort& port) {
                    return port.session_destroy(session);
                }).has_value());
    EXPECT_TRUE(turn_until([&] { return !a_->held(); }, 1s));
    EXPECT_TRUE(turn_until([&] { return a_->held() || b_->held(); }, 5s));
    EXPECT_EQ(a_->held() ? a_->leadership().epoch() : b_->leadership().epoch(), Epoch(2));
}

TEST_F(RealLeadership, ADeletedLockEndsTheHoldAtOnce) {
    start_with_leader_a();
    change({ports::KvDelete{a_->leadership().lock_key()}});
    EXPECT_TRUE(turn_until([&] { return !a_->held(); }, 1s));
    const auto took = turn_until([&] { return a_->held() || b_->held(); }, 5s);
    ASSERT_TRUE(took);
    EXPECT_EQ(a_->held() ? a_->leadership().epoch() : b_->leadership().epoch(), Epoch(2));
}

TEST_F(RealLeadership, AnAgentThatForgotTheServiceIsToldAgain) {
    a_ = std::make_unique<Process>(consul_.at(), "host-1");
    ASSERT_TRUE(turn_until([&] { return a_->held(); }, 10s));
    const auto services = call<std::vector<ports::AgentService>>(
        [](ports::ConsulPort& port) { return port.agent_services("redis-operator"); });
    ASSERT_TRUE(services.has_value());
    ASSERT_EQ(services.value().size(), 1U);
    const std::string id = services.value().front().id;
    ASSERT_TRUE(call<void>([&](ports::ConsulPort& port) {
                    return port.deregister_service(id);
                }).has_value());
    EXPECT_TRUE(turn_until([&] { return !a_->held(); }, 1s)) << "the session went with its check";
    EXPECT_TRUE(turn_until([&] { return a_->held(); }, 5s));
    EXPECT_EQ(a_->leadership().epoch(), Epoch(2));
}

TEST_F(RealLeadership, ConsulThatHangsEndsTheLeaseAndAShortHangIsBridged) {
    start_with_leader_a();
    consul_.process().signal(SIGSTOP);
    const auto lasted = turn_until([&] { return !a_->held(); }, 3s);
    consul_.process().signal(SIGCONT);
    ASSERT_TRUE(lasted);
    EXPECT_LE(*lasted, 1'600ms);
    // Consul's own timers slept, too: whether the session lived on is a race that either may win.
    EXPECT_TRUE(turn_until([&] { return a_->held() || b_->held(); }, 10s));
}

TEST_F(RealLeadership, AGreaterEpochIsOutbidInConsulToo) {
    start_with_leader_a();
    a_->leadership().greater_epoch_seen(Epoch(40));
    EXPECT_FALSE(a_->held());
    ASSERT_TRUE(turn_until([&] { return a_->held(); }, 5s)) << "the session is still good";
    EXPECT_EQ(a_->leadership().epoch(), Epoch(41));
    const auto page = call<ports::Page<std::optional<ports::KvEntry>>>([](ports::ConsulPort& port) {
        return port.kv_get("redis-operator/epoch", ports::BlockingQuery());
    });
    ASSERT_TRUE(page.has_value() && page.value().value.has_value());
    EXPECT_EQ(page.value().value->value, "41");
}

TEST_F(RealLeadership, LockAndEpochDeletedWhileNobodyRunsAreNotStartedOver) {
    a_ = std::make_unique<Process>(consul_.at(), "host-1");
    ASSERT_TRUE(turn_until([&] { return a_->held(); }, 10s));
    const std::string clusters = "redis-operator/clusters/";
    change({ports::KvSet{clusters + "cache/record", R"({"version":1,"epoch":6})"},
            ports::KvSet{clusters + "cache/status", R"({"version":1,"epoch":7})"},
            ports::KvSet{clusters + "other/record", "{\"this is\": not ours"},
            ports::KvSet{clusters + "other/status", R"({"epoch":18446744073709551615})"}});
    a_->stop();
    ASSERT_TRUE(turn_until([&] { return a_->ended(); }, 2s));
    change({ports::KvDelete{"redis-operator/leader"}, ports::KvDelete{"redis-operator/epoch"}});

    b_ = std::make_unique<Process>(consul_.at(), "host-2");
    ASSERT_TRUE(turn_until([&] { return b_->held(); }, 10s));
    EXPECT_EQ(b_->leadership().epoch(), Epoch(8));
    const auto page = call<ports::Page<std::optional<ports::KvEntry>>>([](ports::ConsulPort& port) {
        return port.kv_get("redis-operator/epoch", ports::BlockingQuery());
    });
    ASSERT_TRUE(page.has_value() && page.value().value.has_value());
    EXPECT_EQ(page.value().value->value, "8");
}

}  // namespace
}  // namespace rop::loop
