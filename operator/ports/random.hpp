#pragma once

#include <cstdint>

namespace rop::ports {

/// Jitter, process ids, installation ids. Seeded in the simulator.
class RandomPort {
  public:
    virtual ~RandomPort() = default;
    virtual std::uint64_t next() = 0;
};

}  // namespace rop::ports
