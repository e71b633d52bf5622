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
        if (level == log::Level::error && !is_expected(line)) {
            oracle_.violated("an operator logs" + line);
        }
    });
    fleet_.set_observer(&oracle_);
    fleet_.set_network(&network_);
    consul_.set_reached([this](const std::string& node) {
        return network_.calm() || network_.hears({Network::Kind::operators, address_of(node), 0},
                                                 {Network::Kind::consul, "", 0});
    });
    fleet_.set_cutter([this] { return faults_.bus_cut(); });
    consul_.set_observer(&oracle_);
    for (const ports::NomadNode& host : nomad_.hosts()) {
        consul_.add_node(host.consul_name, address_of(host.name), host.meta);
    }
    nomad_.set_driver({[this](const ports::Allocation& one) { start_instance(one); },
                       [this](const ports::Allocation& one) { instance_stopped(one); },
                       [this](const ports::Allocation& one) { stop_instance(one); }});
}

World::~World() {
    faults_.stop();
    for (auto& [host, process] : operators_) {
        process->process().resume();
        process->stop();
    }
    for (const auto& process : retired_) {  // Two may have run on one host.
        process->process().resume();
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
    const auto add = [&allow](bool wanted, const char* what) {
        allow += wanted ? (allow.empty() ? "\"" : ",\"") + std::string(what) + "\"" : "";
    };
    add(options_.primaries < 3, "fewPrimaries");
    add(options_.replicas_per_primary == 0, "noReplicas");
    add(may_adopt_, "adopt");
    return text + R"(,"allow":[)" + allow + "]}";
}

void World::declare() {
    trace_.add("the spec is applied");
    put_key("redis-operator/clusters/" + cluster().value() + "/spec", spec_text());
}

void World::put_key(const std::string& key, const std::string& value) {
    oracle_.key_put(key, value);
    consul_.put(key, value);
}

void World::remove_key(const std::string& key) {
    oracle_.key_put(key, std::nullopt);
    consul_.remove(key);
}

void World::lose_consul_data() {
    trace_.add("Consul loses its keys");
    may_adopt_ = true;
    const std::string cluster = "clusters/" + this->cluster().value() + "/";
    for (const std::string& key :
         {cluster + "spec", cluster + "record", cluster + "status", cluster + "events",
          std::string("leader"), std::string("epoch"), std::string("installation")}) {
        remove_key("redis-operator/" + key);
    }
}

RedisOptions World::own_options() const {
    RedisOptions options;
    options.announces_ip = options_.announces_ip;
    options.node_timeout = options_.node_timeout;
    options.sync_delay = options_.sync_delay;
    if (options_.with_password) {
        options.password = "of the cluster";
    }
    return options;
}

void World::start_instance(const ports::Allocation& allocation) {
    RedisOptions options = own_options();
    const bool odd = !odd_instances_.empty();
    if (odd) {
        options = odd_instances_.back();
        odd_instances_.pop_back();
    } else if (!disks_.empty()) {
        options.disk = std::move(disks_.front());
        disks_.pop_front();
    }
    options.at = new_address(allocation.node_name);
    options.bus_port = static_cast<std::uint16_t>(options.at.port + 10'000);
    const RedisServer& server = fleet_.start(options);
    if (odd) {
        estrange(server);
    } else if (was_replaced(server)) {
        oracle_.add_replaced(server.id());
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

/// One whose slots went to a successor while the cluster was formed, because it was gone: it comes
/// back with a table of its own, is named, and left to people.
bool World::was_replaced(const RedisServer& server) const {
    const auto& record = oracle_.record();
    return record && !server.self().slots.empty() &&
           std::ranges::any_of(record->former, [&](const FormerNode& former) {
               return former.node == server.node();
           });
}

void World::restart_instance(const std::string& allocation, RedisOptions options) {
    if (!nomad_.is_wanted(allocation)) {
        return;  // It was given to another host meanwhile.
    }
    const RedisServer& server = fleet_.start(std::move(options));
    if (was_replaced(server)) {
        oracle_.add_replaced(server.id());
    }
    Instance& instance = instances_.at(allocation);
    instance.server = server.id();
    trace_.add("instance " + allocation.substr(0, 8) + " runs again at " +
               to_string(server.options().at) + " as node " + server.node().value().substr(0, 8));
    nomad_.task_restarted(allocation);
    clock_.after(dice_.between(milliseconds{1}, milliseconds{1'000}),
                 [this, service = instance.service_id, id = server.id()] {
                     if (fleet_.find(id)->alive()) {
                         consul_.set_health(service, true);
                     }
                 });
}

void World::crash_instance(ServerId id) {
    const RedisServer* victim = fleet_.find(id);
    if (victim == nullptr || !victim->alive()) {
        return;
    }
    const auto it = std::ranges::find_if(
        instances_, [id](const auto& entry) { return entry.second.server == id; });
    if (it == instances_.end()) {
        return;
    }
    const auto& [allocation, instance] = *it;
    trace_.add("instance " + allocation.substr(0, 8) + " (" + victim->node().value().substr(0, 8) +
               ") dies");
    oracle_.about_to_die(*victim);
    fleet_.kill(id);
    // A TCP check every second finds nobody.
    clock_.after(dice_.between(milliseconds{1}, milliseconds{1'000}),
                 [this, service = instance.service_id] { consul_.set_health(service, false); });
    RedisOptions again = own_options();
    again.at = victim->options().at;
    again.bus_port = victim->options().bus_port;
    if (options_.keeps_disks()) {
        again.disk = victim->disk();
    }
    switch (options_.comeback) {
        case Comeback::elsewhere_with_disk:
            disks_.push_back(*again.disk);
            [[fallthrough]];
        case Comeback::elsewhere_empty:
            nomad_.task_terminated(allocation);
            return;
        case Comeback::in_place_empty:
        case Comeback::in_place_with_disk:
            nomad_.task_restarts(allocation);
            clock_.after(dice_.between(milliseconds{1'100}, milliseconds{5'000}),
                         [this, id = allocation, again] { restart_instance(id, again); });
            return;
    }
}

void World::instance_stopped(const ports::Allocation& allocation) {
    if (const auto it = instances_.find(allocation.id); it != instances_.end()) {
        consul_.remove_instance(it->second.service_id);
    }
}

/// By Nomad's client: what runs on a host whose allocations count as lost.
void World::stop_instance(const ports::Allocation& allocation) {
    const auto it = instances_.find(allocation.id);
    const RedisServer* victim = it == instances_.end() ? nullptr : fleet_.find(it->second.server);
    if (victim != nullptr && victim->alive()) {
        trace_.add("instance " + allocation.id.substr(0, 8) + " is stopped by Nomad");
        oracle_.about_to_die(*victim);
        fleet_.kill(victim->id());
    }
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

void World::start_clients() {
    clock_.after(dice_.between(milliseconds{5}, milliseconds{60}), [this] { client_turn(); });
}

void World::client_turn() {
    constexpr Key keys_most = 200;
    if (keys_written_ >= keys_most) {
        return;
    }
    // They rest while anything is cut or hangs: what Redis itself forgets then is no operator's.
    const bool calm = network_.calm() && !fleet_.any_hangs();
    // Who writes into a cluster of which a part died before it had a replica makes that part's
    // loss one that only a user may accept: these users wait.
    const Key key = keys_written_;
    std::vector<RedisServer*> owners;
    if (calm && oracle_.owned_slots().size() == slot_count) {
        for (RedisServer* server : fleet_.living()) {
            if (server->self().is_primary && server->self().slots.contains(slot_of(key))) {
                owners.push_back(server);
            }
        }
    }
    if (owners.size() == 1 && !oracle_.is_stranger(owners.front()->id()) &&
        owners.front()->write_key(key)) {
        oracle_.key_acknowledged(key);
        ++keys_written_;
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

}  // namespace rop::simulation
