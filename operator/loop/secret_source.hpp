#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/spec.hpp"
#include "operator/loop/ports.hpp"
#include "operator/loop/watch_report.hpp"
#include "operator/observe/watch.hpp"
#include "operator/runtime/task_group.hpp"

namespace rop::loop {

/// Where a password is that Consul or Nomad keeps.
struct SecretPlace {
    SecretRef::Kind kind = SecretRef::Kind::consul_key;
    std::string path;             // A whole key, or the path of a variable.
    std::string item;             // Of the variable; empty for a key.
    std::string nomad_namespace;  // Empty: the operator's own.

    friend bool operator==(const SecretPlace&, const SecretPlace&) = default;
};

/// Nothing for a spec whose password is kept elsewhere. Rejected where the spec may not look.
///
/// Whoever may write a spec decides to which servers its password goes. So a spec reads only what
/// is kept for its own cluster: keys below `<kv_prefix>secrets/<name>/`, and the variable
/// `redis-operator/<name>` with those below it; its item is named after a #, else `password`.
[[nodiscard]] Result<std::optional<SecretPlace>> secret_place(const ClusterSpec& spec,
                                                              const std::string& kv_prefix);

/// Null: the spec refers to nothing in Consul or Nomad. Errors name the place, never the secret.
using FetchedSecret = std::shared_ptr<const Result<std::string>>;

/// Asks once.
boost::asio::awaitable<FetchedSecret> fetch_secret(Ports ports, ClusterSpec spec,
                                                   std::string kv_prefix);

/// Follows the password of one cluster, wherever Consul or Nomad keeps it: a new one is known as
/// soon as it is written.
class SecretSource {
  public:
    /// `ring` is called whenever it changed.
    SecretSource(Ports ports, std::string kv_prefix, std::function<void()> ring);

    /// Watches what `spec` refers to from now on. Cheap when that is what is watched already.
    boost::asio::awaitable<void> follow(ClusterSpec spec);

    [[nodiscard]] FetchedSecret fetched() const;
    /// It answered, or failed, at least once; or there is nothing to ask for.
    [[nodiscard]] bool ready() const;

    void report(telemetry::Metrics& metrics);
    /// Takes the watch out of the metrics: it ends.
    void forget(telemetry::Metrics& metrics) { report_.forget_all(metrics); }

    void stop() { tasks_.stop(); }
    boost::asio::awaitable<void> join() { return tasks_.join(); }

  private:
    using ItemsWatch = observe::Watch<std::optional<ports::VariableItems>>;

    Ports ports_;
    std::string kv_prefix_;
    std::function<void()> ring_;
    runtime::TaskGroup tasks_;
    Result<std::optional<SecretPlace>> place_ = std::optional<SecretPlace>();
    std::unique_ptr<ItemsWatch> watch_;
    WatchReport report_;
    bool broken_ = false;  // The watch ended by a bug.
};

}  // namespace rop::loop
