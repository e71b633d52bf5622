#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "api/json/record_json.hpp"
#include "operator/loop/lock_value.hpp"
#include "test/simulation/oracle.hpp"
#include "test/simulation/redis_server.hpp"

namespace rop::simulation {

/// An oracle with a few servers, which is told what operators do as a world would tell it. `a` is
/// the operator that leads, in epoch 1.
class OracleTest : public testing::Test {
  protected:
    static constexpr std::uint16_t bus_offset = 10'000;

    OracleTest() { fleet_.set_observer(&oracle_); }

    /// What was judged; "fine": nothing was against the rules.
    [[nodiscard]] std::string judged() const { return oracle_.violation().value_or("fine"); }

    void run_for(std::chrono::microseconds span) {
        bool reached = false;
        clock_.at(clock_.now() + span, [&reached] { reached = true; });
        while (!reached && clock_.step()) {
        }
    }

    // Servers.
    static RedisOptions at(std::uint16_t port, const std::string& host = "127.0.0.1") {
        RedisOptions options;
        options.at = Endpoint{host, port};
        options.bus_port = static_cast<std::uint16_t>(port + bus_offset);
        options.node_timeout = std::chrono::milliseconds{500};
        return options;
    }
    RedisServer& start(RedisOptions options) { return fleet_.start(std::move(options)); }
    RedisServer& start(std::uint16_t port) { return start(at(port)); }
    /// By somebody whom nobody judges.
    void arrange(RedisServer& server, const ports::Words& words) {
        const ports::Reply reply = server.execute(server.accept("test", {}), words);
        ASSERT_FALSE(reply.is_error()) << reply.text;
    }
    static ports::Words meet(const RedisServer& whom) {
        const RedisOptions& options = whom.options();
        return {"CLUSTER", "MEET", options.at.host, std::to_string(options.at.port),
                std::to_string(options.bus_port)};
    }
    /// Who know each other.
    void acquaint(const std::vector<RedisServer*>& servers) {
        for (RedisServer* one : servers) {
            for (const RedisServer* other : servers) {
                if (one->id() < other->id()) {
                    arrange(*one, meet(*other));
                }
            }
        }
        run_for(std::chrono::seconds{4});
    }

    // Operators.
    static std::string session_of(const std::string& process) { return "session of " + process; }
    static std::string lock_of(const std::string& process, std::uint64_t epoch) {
        loop::LockValue lock;
        lock.instance = process;
        lock.epoch = Epoch{epoch};
        return loop::write_lock_value(lock);
    }
    static std::string name_in(std::uint64_t epoch) {
        return "redis-operator:installation:" + std::to_string(epoch);
    }
    void prove(const std::string& process) {
        oracle_.lock_proved(process, leader_key, session_of(process), clock_.now());
    }
    void lead(const std::string& process, std::uint64_t epoch) {
        oracle_.session_created(process, session_of(process));
        oracle_.kv_written(process,
                           {ports::KvLock{leader_key, lock_of(process, epoch), session_of(process)},
                            ports::KvSet{epoch_key, std::to_string(epoch)}});
        prove(process);
    }
    void write(const std::string& key, const std::string& value, const std::string& process = "a") {
        oracle_.kv_written(process, {ports::KvCheckSession{leader_key, session_of(process)},
                                     ports::KvSet{key, value}});
    }
    static Record record_of(RecordState state, const std::vector<const RedisServer*>& members,
                            std::uint64_t epoch = 1) {
        Record record;
        record.state = state;
        record.spec.name = ClusterName{"cache"};
        record.spec.service = "redis-cache";
        record.installation = InstallationId{"installation"};
        record.epoch = Epoch{epoch};
        for (const RedisServer* server : members) {
            record.members[instance_of(*server)] = Member{server->node()};
        }
        return record;
    }
    static InstanceId instance_of(const RedisServer& server) {
        return InstanceId{"instance-" + std::to_string(server.id())};
    }
    void write_record(const Record& record, const std::string& process = "a") {
        write(record_key, json::write_record(record), process);
    }
    /// The usual beginning: `a` leads, and these are of record.
    void begin(RecordState state, const std::vector<const RedisServer*>& members) {
        lead("a", 1);
        write_record(record_of(state, members));
        ASSERT_EQ(judged(), "fine");
    }
    /// To a socket; whether it arrives is another matter.
    void say(const ports::Words& words, const std::string& process = "a", std::uint64_t epoch = 1) {
        oracle_.commands_written(process, Endpoint{"127.0.0.1", 7001}, name_in(epoch), {words});
    }
    /// Arrives, and is carried out.
    ports::Reply apply(RedisServer& server, const ports::Words& words,
                       const std::string& process = "a", std::uint64_t epoch = 1) {
        const std::int64_t client = server.accept(process, {});
        server.execute(client, {"CLIENT", "SETNAME", name_in(epoch)});
        return server.execute(client, words);
    }
    static std::string short_name(const RedisServer& server) {
        return server.node().value().substr(0, 8);
    }

    static inline const std::string leader_key = "redis-operator/leader";
    static inline const std::string epoch_key = "redis-operator/epoch";
    static inline const std::string record_key = "redis-operator/clusters/cache/record";
    static inline const std::string status_key = "redis-operator/clusters/cache/status";

    Clock clock_;
    Fleet fleet_{clock_, Dice{7}};
    Trace trace_{clock_};
    Oracle oracle_{clock_, fleet_, trace_, "cache"};
};

}  // namespace rop::simulation
