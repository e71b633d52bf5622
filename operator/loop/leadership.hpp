#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "api/endpoint.hpp"
#include "api/snapshot.hpp"
#include "operator/execute/lease.hpp"
#include "operator/loop/ports.hpp"

namespace rop::loop {

/// One validated relation holds between them: 2 × beat < lease < check.
struct LeadershipTimes {
    std::chrono::milliseconds beat{500};       // Passing our TTL check; proving the lock.
    std::chrono::milliseconds lease{1'500};    // From the sending of the last proof.
    std::chrono::milliseconds check{2'000};    // TTL of our own service check.
    std::chrono::seconds session_ttl{10};      // Backstop; Consul doubles it.
    std::chrono::milliseconds give_up{5'000};  // A leader without a lease this long steps down.
};

struct LeadershipOptions {
    std::string kv_prefix = "redis-operator/";
    std::string service = "redis-operator";  // Our own service in Consul.
    Endpoint listen;                         // Where our HTTP listens; registered with the service.
    std::string host;                        // Shown to people as the leader's name.
    std::string version;
    LeadershipTimes times;
};

/// Takes, proves and gives back the lock by which one operator of an installation acts; see
/// docs/architecture.md. Every operator runs one.
///
/// Keys below the prefix: `leader` (the lock), `epoch` (+1 in the transaction that takes the lock)
/// and `installation` (the installation id, 16 hex digits; created in the transaction that first
/// takes the lock, and read by everyone. The contract leaves its place open; records carry the
/// same id).
class Leadership : public execute::Lease {
  public:
    ~Leadership() override = default;

    /// Runs until stopped, then unlocks cleanly (value `released`), destroys the session and
    /// deregisters, in at most a second. A clean unlock spares the next leader its wait.
    virtual boost::asio::awaitable<void> run() = 0;

    /// What the snapshots say about us: leading only while held(). For followers `epoch` and
    /// `leader` are what the lock says.
    [[nodiscard]] virtual Standing standing() const = 0;

    /// Needed for `check-session` in every write; empty while not leading.
    [[nodiscard]] virtual std::string session() const = 0;
    [[nodiscard]] virtual std::string lock_key() const = 0;

    /// Someone acts under a greater epoch than ours (seen in a record or a connection's name):
    /// stop acting at once and take the lock anew under an epoch above `seen`.
    virtual void greater_epoch_seen(Epoch seen) = 0;

    /// Called after every change of standing() (taken, lost, another leader).
    virtual void on_change(std::function<void()> callback) = 0;
};

[[nodiscard]] std::unique_ptr<Leadership> make_leadership(Ports ports, LeadershipOptions options);

/// "2 × beat (500ms) < lease (900ms) < check (2s) does not hold", or nullopt.
[[nodiscard]] std::optional<std::string> problem_of(const LeadershipTimes& times);

}  // namespace rop::loop
