#pragma once

#include <memory>

#include <boost/asio/any_io_executor.hpp>

#include "operator/ports/random.hpp"
#include "operator/ports/time.hpp"

namespace rop::runtime {

/// CLOCK_BOOTTIME for moments: a machine that slept must find its lease expired.
[[nodiscard]] std::unique_ptr<ports::TimePort> make_real_time(
    boost::asio::any_io_executor executor);

/// Seeded from the kernel.
[[nodiscard]] std::unique_ptr<ports::RandomPort> make_real_random();

}  // namespace rop::runtime
