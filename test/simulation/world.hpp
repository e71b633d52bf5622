#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "operator/loop/core.hpp"
#include "test/simulation/consul.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/fleet.hpp"
#include "test/simulation/nomad.hpp"
#include "test/simulation/oracle.hpp"
#include "test/simulation/sim_redis.hpp"
#include "test/simulation/trace.hpp"

namespace rop::simulation {

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
    [[nodiscard]] Oracle& oracle() { return oracle_; }
    [[nodiscard]] Dice& dice() { return dice_; }

    // What people and machines do.
    void run_job();
    void declare();  // The spec goes into KV.
    void start_operator(std::size_t host);
    void crash_operator(std::size_t host);
    /// SIGTERM: it ends in its own time.
    void stop_operator(std::size_t host);
    [[nodiscard]] bool operator_runs(std::size_t host) const;
    /// The instance of an allocation dies; Nomad, or whoever runs it, replaces it.
    void crash_instance(ServerId id);
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
    void instance_stopped(const ports::Allocation& allocation);
    void estrange(const RedisServer& server);
    void client_turn();
    void settle();
    [[nodiscard]] std::string spec_text() const;
    [[nodiscard]] Endpoint new_address(const std::string& host);

    WorldOptions options_;
    Clock clock_;
    boost::asio::io_context io_{1};
    Dice dice_;
    Trace trace_;
    Faults faults_;
    Fleet fleet_;
    Consul consul_;
    Nomad nomad_;
    Oracle oracle_;
    std::map<std::string, Instance> instances_;  // By allocation.
    std::vector<RedisOptions> odd_instances_;
    std::map<std::size_t, std::unique_ptr<Operator>> operators_;  // The newest of each host.
    std::vector<std::unique_ptr<Operator>> retired_;  // Answers to them are still on their way.
    std::uint32_t processes_ = 0;
    std::uint16_t ports_used_ = 0;
    Key keys_written_ = 0;
};

}  // namespace rop::simulation
