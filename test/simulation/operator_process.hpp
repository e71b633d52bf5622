#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "operator/loop/core.hpp"
#include "test/simulation/dice.hpp"
#include "test/simulation/process.hpp"
#include "test/simulation/sim_redis.hpp"
#include "test/simulation/world.hpp"

namespace rop::simulation {

/// One operator process: the real core, on ports of the world.
class Operator {
  public:
    /// `address` is that of its host.
    Operator(World& world, std::string name, const ports::NomadNode& host, std::string address);
    ~Operator();
    Operator(const Operator&) = delete;
    Operator& operator=(const Operator&) = delete;

    void stop();
    void crash();
    /// run() has returned.
    [[nodiscard]] bool ended() const { return ended_; }
    [[nodiscard]] Process& process() { return process_; }
    [[nodiscard]] const loop::Core& core() const { return *core_; }

  private:
    Process process_;
    SimRandom random_;
    std::unique_ptr<ports::TimePort> time_;
    std::unique_ptr<SimRedis> redis_;
    std::unique_ptr<ports::ConsulPort> consul_;
    std::unique_ptr<ports::NomadPort> nomad_;
    std::unique_ptr<loop::Core> core_;
    bool ended_ = false;
};

}  // namespace rop::simulation
