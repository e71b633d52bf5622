#include <utility>

#include "test/simulation/operator_process.hpp"
#include "test/simulation/world.hpp"

// Operators: who runs, what is done to them, and what they meet with in their own rounds.
namespace rop::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;

void World::start_operator(std::size_t host) {
    if (operator_runs(host)) {
        return;
    }
    auto& process = operators_[host];
    if (process != nullptr) {
        retired_.push_back(std::move(process));
    }
    const ports::NomadNode& where = nomad_.hosts().at(host);
    const std::string name = "operator-" + std::to_string(++processes_) + "@" + where.name;
    trace_.add(name + " starts");
    process = std::make_unique<Operator>(*this, name, where, address_of_host(host));
    if (const auto error = wall_errors_.find(host); error != wall_errors_.end()) {
        process->process().set_wall_error(error->second);
    }
}

void World::pause(Process& process, microseconds span) {
    if (process.state() != Process::State::running) {
        return;
    }
    trace_.add(process.name() + " is paused");
    process.pause();
    clock_.after(span, [this, &process] {
        if (process.paused()) {
            trace_.add(process.name() + " goes on");
            process.resume();
        }
    });
}

void World::pause_operator(std::size_t host, microseconds span) {
    if (operator_runs(host)) {
        pause(operators_.at(host)->process(), span);
    }
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
    if (operator_runs(host) && !operators_.at(host)->process().paused()) {
        trace_.add(operators_.at(host)->process().name() + " is told to stop");
        operators_.at(host)->stop();
    }
}

void World::set_wall_error(std::size_t host, milliseconds error) {
    wall_errors_[host] = error;
    if (const auto it = operators_.find(host); it != operators_.end()) {
        trace_.add("the wall clock of " + nomad_.hosts().at(host).name + " is off by " +
                   std::to_string(error.count()) + " ms");
        it->second->process().set_wall_error(error);
    }
}

ClusterName World::faulty_cluster() {
    return ClusterName{"faulty"};
}

void World::declare_faulty() {
    trace_.add("another cluster is declared, whose rounds end by a bug");
    has_faulty_ = true;
    put_key("redis-operator/clusters/" + faulty_cluster().value() + "/spec",
            R"({"version":1,"mode":"cluster","primaries":3,"replicasPerPrimary":1,)"
            R"("service":"redis-faulty"})");
}

void World::delete_faulty() {
    trace_.add("that cluster is deleted");
    has_faulty_ = false;
    remove_key("redis-operator/clusters/" + faulty_cluster().value() + "/spec");
}

bool World::is_expected(const std::string& logged) {
    const bool expected = logged.find("round ended by a bug") != std::string::npos &&
                          logged.find(faulty_cluster().value()) != std::string::npos;
    bugs_met_ += expected ? 1U : 0U;
    return expected;
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
