#include "test/simulation/operator_process.hpp"

#include <exception>
#include <stdexcept>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "test/simulation/sim_consul.hpp"
#include "test/simulation/sim_nomad.hpp"
#include "test/simulation/sim_time.hpp"

namespace rop::simulation {

Operator::Operator(World& world, std::string name, const ports::NomadNode& host,
                   std::string address)
    : process_(std::move(name)), random_(world.dice().fork()) {
    const auto executor = world.io_.get_executor();
    time_ = make_sim_time(world.clock_, process_, executor);
    redis_ = make_sim_redis(
        SimRedisContext{&world.clock_, &world.fleet_, &world.faults_, &process_, &world.oracle_,
                        [this, &world] { world.pause(process_, world.faults_.pause()); },
                        &world.network_, address},
        executor);
    const auto line_to = [&](Network::Kind servers) {
        return Line{&world.network_, {Network::Kind::operators, address, 0}, {servers, "", 0}};
    };
    consul_ = make_sim_consul(
        SimConsulContext{&world.clock_, &world.consul_, &world.faults_, &process_, &world.oracle_,
                         host.consul_name, line_to(Network::Kind::consul)},
        executor);
    if (world.options_.with_nomad) {
        SimNomadContext context{&world.clock_,
                                &world.nomad_,
                                &world.faults_,
                                &process_,
                                {},
                                line_to(Network::Kind::nomad)};
        context.scaled = [&world](const std::string& process, std::uint32_t count) {
            world.oracle_.count_change();
            world.trace_.add(process + " scales the group to " + std::to_string(count));
        };
        context.observer = &world.oracle_;
        nomad_ = make_sim_nomad(std::move(context), executor);
    }
    loop::CoreOptions options;
    options.leadership.listen = Endpoint{host.name, 9480};
    options.leadership.host = host.name;
    options.leadership.version = "simulated";
    options.resync = world.options_.resync;
    options.access = [with_password = world.options_.with_password](
                         const ClusterSpec& spec,
                         const loop::FetchedSecret&) -> Result<ports::AccessPtr> {
        if (spec.name == World::faulty_cluster()) {
            throw std::logic_error("a bug");
        }
        auto access = std::make_shared<ports::Access>();
        if (with_password) {
            access->password = "of the cluster";
        }
        return ports::AccessPtr(std::move(access));
    };
    core_ = loop::make_core(
        loop::Ports{time_.get(), redis_.get(), consul_.get(), nomad_.get(), &random_},
        std::move(options), nullptr);
    boost::asio::co_spawn(executor, core_->run(), [this](std::exception_ptr failure) {
        ended_ = true;
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
}

Operator::~Operator() = default;

void Operator::stop() {
    core_->stop();
}

void Operator::crash() {
    process_.crash();
    redis_->process_ended();
    core_->stop();
}

}  // namespace rop::simulation
