#pragma once

#include <chrono>

namespace rop {

/// Time since boot, suspended time included (CLOCK_BOOTTIME). Has no now(): only the time port
/// reads clocks, so that judgement stays pure and the simulator can turn the hands.
struct BootClock {
    using duration = std::chrono::microseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
};

/// For every decision that depends on time. Never leaves the process.
using Moment = BootClock::time_point;

/// Wall clock, for people and documents only. No decision rests on it.
using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

}  // namespace rop
