#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "operator/ports/nomad.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/nomad.hpp"
#include "test/simulation/process.hpp"
#include "test/simulation/sim_call.hpp"

namespace rop::simulation {

/// Told what an operator hears of Nomad, and asks of it.
class NomadObserver {
  public:
    virtual ~NomadObserver() = default;
    /// An answer to one of the questions on which a snapshot rests, or that there was none.
    virtual void nomad_answered(const std::string& process, const std::string& question,
                                bool well) = 0;
    /// It asks for another count; whether that arrives is another matter.
    virtual void scale_asked(const std::string& process, std::uint32_t count) = 0;
};

struct SimNomadContext {
    Clock* clock = nullptr;
    Nomad* nomad = nullptr;
    Faults* faults = nullptr;
    Process* process = nullptr;
    /// Told about every scale that was carried out.
    std::function<void(const std::string& process, std::uint32_t count)> scaled;
    Line line = {};                     // To the servers.
    NomadObserver* observer = nullptr;  // May be null.
};
/// The Nomad port of one operator process.
[[nodiscard]] std::unique_ptr<ports::NomadPort> make_sim_nomad(
    SimNomadContext context, boost::asio::any_io_executor executor);

}  // namespace rop::simulation
