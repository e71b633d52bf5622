#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "operator/ports/nomad.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/nomad.hpp"
#include "test/simulation/process.hpp"
#include "test/simulation/sim_call.hpp"

namespace rop::simulation {

struct SimNomadContext {
    Clock* clock = nullptr;
    Nomad* nomad = nullptr;
    Faults* faults = nullptr;
    Process* process = nullptr;
    /// Told about every scale that was carried out.
    std::function<void(const std::string& process, std::uint32_t count)> scaled;
    Line line = {};  // To the servers.
};
/// The Nomad port of one operator process.
[[nodiscard]] std::unique_ptr<ports::NomadPort> make_sim_nomad(
    SimNomadContext context, boost::asio::any_io_executor executor);

}  // namespace rop::simulation
