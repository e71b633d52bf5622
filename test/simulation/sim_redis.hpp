#pragma once

#include <functional>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "operator/ports/redis.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/fleet.hpp"
#include "test/simulation/process.hpp"

namespace rop::simulation {

/// Told about every write to a socket, when it happens: what arrives later is another matter.
class SocketObserver {
  public:
    virtual ~SocketObserver() = default;
    virtual void commands_written(const std::string& process, const Endpoint& to,
                                  const std::string& connection_name,
                                  const std::vector<ports::Words>& commands) = 0;
};

struct SimRedisContext {
    Clock* clock = nullptr;
    Fleet* fleet = nullptr;
    Faults* faults = nullptr;
    Process* process = nullptr;
    SocketObserver* observer = nullptr;  // May be null.
    std::function<void()> stall;         // Stops the process for a while; may be empty.
    Network* network = nullptr;          // May be null: everybody hears everybody.
    std::string host;                    // The address of the process.
};

/// The Redis port of one operator process.
class SimRedis : public ports::RedisPort {
  public:
    /// The process is gone: its sockets are closed by the kernel, which still sends what was in
    /// their buffers.
    virtual void process_ended() = 0;
};
[[nodiscard]] std::unique_ptr<SimRedis> make_sim_redis(SimRedisContext context,
                                                       boost::asio::any_io_executor executor);

}  // namespace rop::simulation
