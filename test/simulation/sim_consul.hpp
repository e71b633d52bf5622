#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "operator/ports/consul.hpp"
#include "test/simulation/consul.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/process.hpp"
#include "test/simulation/sim_call.hpp"

namespace rop::simulation {

/// Told what an operator was told about the lock, so that a judge can compute its lease, and what
/// it asks to be written.
class LeaseObserver {
  public:
    virtual ~LeaseObserver() = default;
    virtual void session_created(const std::string& process, const std::string& session) = 0;
    /// An answer that proves that `session` held `key` some time after `sent` was delivered.
    virtual void lock_proved(const std::string& process, const std::string& key,
                             const std::string& session, Moment sent) = 0;
    /// A transaction leaves; whether it is applied, and when, is another matter.
    virtual void kv_asked(const std::string& process, const std::vector<ports::TxnOp>& ops) = 0;
};

/// The Consul port of one operator process, which talks to the agent of its host.
struct SimConsulContext {
    Clock* clock = nullptr;
    Consul* consul = nullptr;
    Faults* faults = nullptr;
    Process* process = nullptr;
    LeaseObserver* observer = nullptr;  // May be null.
    std::string node;
    Line line = {};  // To the servers.
};
[[nodiscard]] std::unique_ptr<ports::ConsulPort> make_sim_consul(
    SimConsulContext context, boost::asio::any_io_executor executor);

}  // namespace rop::simulation
