#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "operator/observe/watch_shell.hpp"

namespace rop::telemetry {
class Metrics;
}

namespace rop::loop {

/// Brings watches into the metrics, and takes them away again: an age that nobody reports any more
/// grows for ever, and an alert with it.
class WatchReport {
  public:
    /// The watch's age, once it has one, and its failures since the last call.
    void add(telemetry::Metrics& metrics, const observe::WatchShell& watch, Moment now);

    /// The watches that were added before and not since the last call are no more.
    void forget_others(telemetry::Metrics& metrics);
    void forget_all(telemetry::Metrics& metrics);

  private:
    struct Reported {
        std::uint64_t failures = 0;
        bool is_current = true;
    };
    std::map<std::string, Reported> reported_;  // By name.
};

}  // namespace rop::loop
