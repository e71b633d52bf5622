#include <algorithm>
#include <utility>

#include "test/simulation/conformance/lab.hpp"

namespace rop::simulation {

using std::chrono::milliseconds;

void Lab::renamed(std::size_t server, std::string id) {
    Facts& facts = facts_.at(server - 1);
    if (facts.id != id) {
        facts.former.push_back(std::exchange(facts.id, std::move(id)));
    }
}

ModelLab::ModelLab(const Terms& terms, std::uint64_t seed) : fleet_(clock_, Dice{seed}) {
    for (std::size_t i = 0; i < terms.servers; ++i) {
        RedisOptions options;
        // Not within the range of slots: a port is told from a slot by its number.
        options.at = Endpoint{"127.0.0.1", next_port_};
        options.bus_port = static_cast<std::uint16_t>(next_port_ + 10'000);
        options.has_config_file = true;
        options.node_timeout = lab_node_timeout;
        ++next_port_;
        servers_.push_back(&fleet_.start(options));
    }
    std::ranges::sort(servers_, {}, [](const RedisServer* one) { return one->node(); });
    for (const RedisServer* one : servers_) {
        facts_.push_back(
            {one->node().value(), one->options().at.port, one->options().bus_port, {}});
    }
    for (std::size_t i = 1; i <= count(); ++i) {
        ask(i, "",
            {"CONFIG", "SET", "cluster-allow-replica-migration",
             terms.replica_migration ? "yes" : "no"});
    }
    run_for(milliseconds{3'000});  // The real ones have been up for some time, too.
}

const RedisServer& ModelLab::server(std::size_t number) const {
    return *servers_.at(number - 1);
}

bool ModelLab::running(std::size_t server) const {
    return servers_.at(server - 1)->alive();
}

std::optional<ports::Reply> ModelLab::ask(std::size_t server, const std::string& connection,
                                          const ports::Words& words) {
    RedisServer& one = *servers_.at(server - 1);
    const auto found = clients_.find({server, connection});
    const std::int64_t client =
        found == clients_.end()
            ? clients_.emplace(std::pair(server, connection), one.accept("test", {})).first->second
            : found->second;
    if (!one.connected(client)) {
        return std::nullopt;
    }
    return one.execute(client, words);
}

void ModelLab::kill(std::size_t server) {
    fleet_.kill(servers_.at(server - 1)->id());
    std::erase_if(clients_, [&](const auto& client) { return client.first.first == server; });
}

void ModelLab::start(std::size_t server, Restart how) {
    const RedisServer& before = *servers_.at(server - 1);
    RedisOptions options = before.options();
    options.disk.reset();
    options.keys.clear();
    if (how != Restart::as_a_blank_one) {
        options.disk = before.disk();
    }
    if (how == Restart::without_data) {
        options.disk->keys.clear();
    }
    if (how == Restart::on_new_ports) {
        options.at.port = next_port_;
        options.bus_port = static_cast<std::uint16_t>(next_port_ + 10'000);
        ++next_port_;
        facts_.at(server - 1).port = options.at.port;
        facts_.at(server - 1).bus_port = options.bus_port;
    }
    servers_.at(server - 1) = &fleet_.start(options);
    renamed(server, servers_.at(server - 1)->node().value());
}

void ModelLab::run_for(std::chrono::microseconds span) {
    const Moment until = clock_.now() + span;
    while (clock_.next() && *clock_.next() <= until) {
        clock_.step();
    }
    // Time passes also where nothing happens.
    clock_.at(until, [] {});
    while (clock_.now() < until) {
        clock_.step();
    }
}

}  // namespace rop::simulation
