#include "test/simulation/world.hpp"

#include <algorithm>
#include <utility>

#include "operator/telemetry/log_settings.hpp"
#include "test/simulation/operator_process.hpp"
#include "test/simulation/redis_server.hpp"

namespace rop::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

std::vector<ports::NomadNode> make_hosts(std::size_t count) {
    std::vector<ports::NomadNode> hosts;
    for (std::size_t i = 1; i <= count; ++i) {
        ports::NomadNode host;
        host.id = "00000000-0000-4000-8000-00000000000" + std::to_string(i);
        host.name = "host-" + std::to_string(i);
        host.consul_name = host.name;
        host.datacenter = "dc1";
        host.status = "ready";
        host.meta = {{"rack", "r" + std::to_string(i % 2)}};
        hosts.push_back(std::move(host));
    }
    return hosts;
}

std::string address_of(const std::string& host) {
    return "127.0.1." + host.substr(host.find('-') + 1);
}

}  // namespace

World::World(WorldOptions options)
    : options_(options),
      dice_(options.seed),
      trace_(clock_),
      faults_(dice_.fork()),
      fleet_(clock_, dice_.fork()),
      consul_(clock_, dice_.fork()),
      nomad_(clock_, dice_.fork(), Nomad::Job{}, make_hosts(options.hosts)),
      oracle_(clock_, fleet_, trace_, cluster().value()) {
    log::divert([this](log::Level level, const std::string& line) {
        trace_.overhear(line);
        if (level == log::Level::error) {
            oracle_.violated("an operator logs" + line);
        }
    });
    fleet_.set_observer(&oracle_);
    consul_.set_observer(&oracle_);
    for (const ports::NomadNode& host : nomad_.hosts()) {
        consul_.add_node(host.consul_name, address_of(host.name), host.meta);
    }
    nomad_.set_driver({[this](const ports::Allocation& one) { start_instance(one); },
                       [this](const ports::Allocation& one) { instance_stopped(one); }});
}

World::~World() {
    faults_.stop();
    for (auto& [host, process] : operators_) {
        process->stop();
    }
    const auto all_ended = [this] {
        const auto ended = [](const auto& process) { return process->ended(); };
        return std::ranges::all_of(operators_,
                                   [&](const auto& one) { return ended(one.second); }) &&
               std::ranges::all_of(retired_, ended);
    };
    for (int turns = 0; !all_ended() && turns < 1'000'000; ++turns) {
        settle();
        if (!clock_.step()) {
            break;
        }
    }
    clock_.clear();
    log::divert({});
}

Endpoint World::new_address(const std::string& host) {
    return Endpoint{address_of(host), static_cast<std::uint16_t>(21'000 + ports_used_++)};
}

void World::run_job() {
    nomad_.run(options_.instances + static_cast<std::uint32_t>(odd_instances_.size()));
}

void World::next_instance_is(RedisOptions options) {
    odd_instances_.push_back(std::move(options));
}

std::string World::spec_text() const {
    std::string text = R"({"version":1,"mode":"cluster","primaries":)" +
                       std::to_string(options_.primaries) + R"(,"replicasPerPrimary":)" +
                       std::to_string(options_.replicas_per_primary) +
                       R"(,"service":"redis-cache")";
    if (options_.with_nomad) {
        text += R"(,"nomad":{"job":"redis-cache","group":"redis"})";
    }
    std::string allow;
    allow += options_.primaries < 3 ? R"("fewPrimaries")" : "";
    allow += options_.replicas_per_primary > 0 ? ""
             : allow.empty()                   ? R"("noReplicas")"
                                               : R"(,"noReplicas")";
    return text + R"(,"allow":[)" + allow + "]}";
}

void World::declare() {
    trace_.add("the spec is applied");
    consul_.put("redis-operator/clusters/" + cluster().value() + "/spec", spec_text());
}

void World::start_instance(const ports::Allocation& allocation) {
    RedisOptions options;
    const bool odd = !odd_instances_.empty();
    if (odd) {
        options = odd_instances_.back();
        odd_instances_.pop_back();
    } else {
        options.announces_ip = options_.announces_ip;
        options.node_timeout = options_.node_timeout;
        options.sync_delay = options_.sync_delay;
        if (options_.with_password) {
            options.password = "of the cluster";
        }
    }
    options.at = new_address(allocation.node_name);
    options.bus_port = static_cast<std::uint16_t>(options.at.port + 10'000);
    const RedisServer& server = fleet_.start(options);
    if (odd) {
        estrange(server);
    }
    Instance& instance = instances_[allocation.id];
    instance.server = server.id();
    instance.service_id = options_.with_nomad
                              ? "_nomad-task-" + allocation.id + "-redis-redis-cache-db"
                              : "redis-" + allocation.id.substr(0, 8);
    consul_.register_instance(allocation.node_name, instance.service_id, "redis-cache", options.at,
                              {{"bus_port", std::to_string(options.bus_port)}}, true);
    trace_.add("instance " + allocation.id.substr(0, 8) + " runs at " + to_string(options.at) +
               " as node " + server.node().value().substr(0, 8));
}

void World::crash_instance(ServerId id) {
    const RedisServer* victim = fleet_.find(id);
    if (victim == nullptr || !victim->alive()) {
        return;
    }
    for (const auto& [allocation, instance] : instances_) {
        if (instance.server == id) {
            trace_.add("instance " + allocation.substr(0, 8) + " (" +
                       victim->node().value().substr(0, 8) + ") dies");
            oracle_.about_to_die(*victim);
            fleet_.kill(id);
            // A TCP check every second finds nobody.
            clock_.after(
                dice_.between(milliseconds{1}, milliseconds{1'000}),
                [this, service = instance.service_id] { consul_.set_health(service, false); });
            nomad_.task_terminated(allocation);
        }
    }
}

void World::instance_stopped(const ports::Allocation& allocation) {
    consul_.remove_instance(instances_.at(allocation.id).service_id);
}

void World::estrange(const RedisServer& server) {
    oracle_.add_stranger(server.id());
    for (const Key key : server.keys()) {
        oracle_.key_acknowledged(key);
    }
}

RedisServer& World::add_stranger(RedisOptions options) {
    const ports::NomadNode& host = dice_.pick(nomad_.hosts());
    options.at = new_address(host.name);
    options.bus_port = static_cast<std::uint16_t>(options.at.port + 10'000);
    RedisServer& server = fleet_.start(options);
    estrange(server);
    consul_.register_instance(host.name, "stranger-" + std::to_string(server.id()), "redis-cache",
                              options.at, {}, true);
    trace_.add("a stranger runs at " + to_string(options.at) + " as node " +
               server.node().value().substr(0, 8));
    return server;
}

void World::start_operator(std::size_t host) {
    auto& process = operators_[host];
    if (process != nullptr) {
        retired_.push_back(std::move(process));
    }
    const ports::NomadNode& where = nomad_.hosts().at(host);
    const std::string name = "operator-" + std::to_string(++processes_) + "@" + where.name;
    trace_.add(name + " starts");
    process = std::make_unique<Operator>(*this, name, where);
}

bool World::operator_runs(std::size_t host) const {
    const auto it = operators_.find(host);
    return it != operators_.end() && !it->second->ended() && !it->second->process().gone();
}

void World::crash_operator(std::size_t host) {
    if (operator_runs(host)) {
        trace_.add(operators_.at(host)->process().name() + " crashes");
        oracle_.process_ended(operators_.at(host)->process().name());
        operators_.at(host)->crash();
    }
}

void World::stop_operator(std::size_t host) {
    if (operator_runs(host)) {
        trace_.add(operators_.at(host)->process().name() + " is told to stop");
        operators_.at(host)->stop();
    }
}

void World::start_clients() {
    clock_.after(dice_.between(milliseconds{5}, milliseconds{60}), [this] { client_turn(); });
}

void World::client_turn() {
    constexpr Key keys_most = 200;
    if (keys_written_ >= keys_most) {
        return;
    }
    // Who writes into a cluster of which a part died before it had a replica makes that part's
    // loss one that only a user may accept: these users wait.
    const bool whole = oracle_.owned_slots().size() == slot_count;
    const Key key = keys_written_;
    for (RedisServer* server : whole ? fleet_.alive() : std::vector<RedisServer*>{}) {
        if (!oracle_.is_stranger(server->id()) && server->write_key(key)) {
            oracle_.key_acknowledged(key);
            ++keys_written_;
            break;
        }
    }
    start_clients();
}

/// Lets every coroutine that can run do so; time stands still meanwhile.
void World::settle() {
    io_.restart();
    io_.poll();
}

void World::run_for(microseconds span) {
    run_until([] { return false; }, span);
}

bool World::run_until(const std::function<bool()>& done, microseconds limit) {
    const Moment until = clock_.now() + limit;
    bool reached = false;
    const Clock::EventId end = clock_.at(until, [&reached] { reached = true; });
    settle();
    while (!reached && !done() && !oracle_.violation() && clock_.step()) {
        settle();
    }
    clock_.cancel(end);
    return done() && !oracle_.violation();
}

std::map<ClusterName, loop::ClusterView> World::leaders_view() const {
    for (const auto& [host, process] : operators_) {
        if (!process->ended() && !process->process().gone() && process->core().standing().leading) {
            return process->core().clusters();
        }
    }
    return {};
}

}  // namespace rop::simulation
