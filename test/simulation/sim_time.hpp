#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "operator/ports/time.hpp"
#include "test/simulation/clock.hpp"
#include "test/simulation/process.hpp"

namespace rop::simulation {

/// The time port of one operator process.
[[nodiscard]] std::unique_ptr<ports::TimePort> make_sim_time(Clock& clock, Process& process,
                                                             boost::asio::any_io_executor executor);

}  // namespace rop::simulation
