#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "operator/loop/core.hpp"
#include "test/simulation/consul.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/fleet.hpp"
#include "test/simulation/network.hpp"
#include "test/simulation/nomad.hpp"
#include "test/simulation/oracle.hpp"
#include "test/simulation/sim_redis.hpp"
#include "test/simulation/trace.hpp"

namespace rop::simulation {

/// How an instance that died comes back.
enum class Comeback {
    elsewhere_empty,      // A new allocation, as the shipped job has it.
    elsewhere_with_disk,  // A new allocation at a new address, with nodes.conf and data.
    in_place_empty,       // The same allocation and address, another node.
    in_place_with_disk,
};

[[nodiscard]] std::string to_string(Comeback comeback);

/// What a world consists of before anything goes wrong in it.
struct WorldOptions {
    std::uint64_t seed = 1;
    std::size_t hosts = 3;
    std::uint32_t primaries = 3;
    std::uint32_t replicas_per_primary = 1;
    std::uint32_t instances = 6;  // What the Nomad job is run with at first.
    bool with_nomad = true;       // Else the spec has none, and the catalog is all there is.
    bool announces_ip = true;
    bool with_password = false;
    std::chrono::milliseconds node_timeout{15'000};
    std::chrono::milliseconds sync_delay{50};
    std::chrono::milliseconds resync{10'000};
    Comeback comeback = Comeback::elsewhere_empty;

    [[nodiscard]] bool keeps_disks() const {
        return comeback == Comeback::elsewhere_with_disk ||
               comeback == Comeback::in_place_with_disk;
    }
    [[nodiscard]] std::uint32_t wanted() const { return primaries * (1 + replicas_per_primary); }
};

/// One operator process: the real core on ports of this world.
class Operator;

/// Everything, on one thread and one virtual clock. What happens in it is a function of its
/// options alone.
class World {
  public:
    explicit World(WorldOptions options);
    ~World();  // Stops every operator and lets its coroutines run out.
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    [[nodiscard]] const WorldOptions& options() const { return options_; }
    [[nodiscard]] Clock& clock() { return clock_; }
    [[nodiscard]] Trace& trace() { return trace_; }
    [[nodiscard]] Fleet& fleet() { return fleet_; }
    [[nodiscard]] Consul& consul() { return consul_; }
    [[nodiscard]] Nomad& nomad() { return nomad_; }
    [[nodiscard]] Faults& faults() { return faults_; }
    [[nodiscard]] Network& network() { return network_; }
    [[nodiscard]] Oracle& oracle() { return oracle_; }
    [[nodiscard]] Dice& dice() { return dice_; }

    // What people and machines do.
    void run_job();
    void declare();  // The spec goes into KV.
    /// By somebody who is no operator.
    void put_key(const std::string& key, const std::string& value);
    void remove_key(const std::string& key);
    /// Another cluster, in whose rounds every operator has a bug: they throw.
    void declare_faulty();
    void delete_faulty();
    [[nodiscard]] bool has_faulty() const { return has_faulty_; }
    [[nodiscard]] static ClusterName faulty_cluster();
    /// How often operators have said so.
    [[nodiscard]] std::uint64_t bugs_met() const { return bugs_met_; }
    /// Every key of the operator is gone; what is declared from then on allows to adopt.
    void lose_consul_data();
    void start_operator(std::size_t host);
    void crash_operator(std::size_t host);
    /// SIGTERM: it ends in its own time.
    void stop_operator(std::size_t host);
    /// SIGSTOP, and after a while SIGCONT: what was on its way to it waits.
    void pause_operator(std::size_t host, std::chrono::microseconds span);
    [[nodiscard]] bool operator_runs(std::size_t host) const;
    /// The instance of an allocation dies; whoever runs it brings it back.
    void crash_instance(ServerId id);
    /// What runs on a host is cut off from everybody else, and after a while Consul's gossip and
    /// Nomad's heartbeats tell.
    void isolate_host(std::size_t host);
    /// The same, and what ran on it is gone when it returns.
    void lose_host(std::size_t host) {
        lost_hosts_.insert(host);
        isolate_host(host);
    }
    void return_host(std::size_t host);
    [[nodiscard]] bool is_isolated(std::size_t host) const { return isolated_.contains(host); }
    [[nodiscard]] std::string address_of_host(std::size_t host) const;
    /// Of all processes on a host, also those that start later.
    void set_wall_error(std::size_t host, std::chrono::milliseconds error);
    /// Another process with the identity of a member and a copy of its data.
    RedisServer& clone_instance(const RedisServer& original);
    void end_stranger(ServerId id);
    /// Once this address is free, a node of another cluster gets it.
    RedisServer& reuse_address(const RedisServer& dead);

    /// A server that is listed under our service without being of it.
    RedisServer& add_stranger(RedisOptions options);
    /// The next instance that the job starts is not an empty one, but this. Call before run_job().
    void next_instance_is(RedisOptions options);
    /// Clients of the user's write keys from now on wherever they are served.
    void start_clients();

    // Time.
    void run_for(std::chrono::microseconds span);
    /// Until `done` or `limit`; false: the limit came first, or the rules were broken.
    bool run_until(const std::function<bool()>& done, std::chrono::microseconds limit);

    /// What is not as declared, in one sentence; empty when everything is.
    [[nodiscard]] std::string unfinished() const;
    [[nodiscard]] std::map<ClusterName, loop::ClusterView> leaders_view() const;
    [[nodiscard]] ClusterName cluster() const { return ClusterName{"cache"}; }

  private:
    friend class Operator;
    struct Instance {
        ServerId server = 0;
        std::string service_id;
    };

    void start_instance(const ports::Allocation& allocation);
    void restart_instance(const std::string& allocation, RedisOptions options);
    [[nodiscard]] RedisOptions own_options() const;
    void pause(Process& process, std::chrono::microseconds span);
    void instance_stopped(const ports::Allocation& allocation);
    void stop_instance(const ports::Allocation& allocation);
    [[nodiscard]] bool was_replaced(const RedisServer& server) const;
    void estrange(const RedisServer& server);
    void client_turn();
    void settle();
    [[nodiscard]] bool is_expected(const std::string& logged);
    [[nodiscard]] std::string spec_text() const;
    [[nodiscard]] Endpoint new_address(const std::string& host);

    WorldOptions options_;
    Clock clock_;
    boost::asio::io_context io_{1};
    Dice dice_;
    Trace trace_;
    Faults faults_;
    Network network_;
    Fleet fleet_;
    Consul consul_;
    Nomad nomad_;
    Oracle oracle_;
    std::map<std::string, Instance> instances_;  // By allocation.
    std::vector<RedisOptions> odd_instances_;
    std::deque<Disk> disks_;  // Of the dead, for whoever is started next.
    bool may_adopt_ = false;
    bool has_faulty_ = false;
    std::uint64_t bugs_met_ = 0;
    std::map<std::size_t, std::unique_ptr<Operator>> operators_;  // The newest of each host.
    std::vector<std::unique_ptr<Operator>> retired_;  // Answers to them are still on their way.
    std::map<std::size_t, Network::CutId> isolated_;
    std::map<std::size_t, Network::CutId> isolated_back_;
    std::set<std::size_t> lost_hosts_;
    std::map<std::size_t, std::chrono::milliseconds> wall_errors_;
    std::uint32_t processes_ = 0;
    std::uint16_t ports_used_ = 0;
    Key keys_written_ = 0;
};

}  // namespace rop::simulation
