#pragma once

#include <string>
#include <variant>
#include <vector>

#include "api/base/result.hpp"
#include "api/plan.hpp"
#include "api/snapshot.hpp"
#include "operator/ports/redis.hpp"

namespace rop::execute {

/// One Redis command of a script.
struct Command {
    ports::Words words;
    /// An error reply that begins so means that it was already so. Empty: every error counts.
    std::string already_so;

    friend bool operator==(const Command&, const Command&) = default;
};

/// What goes to one instance in one pipelined write, in this order.
struct Batch {
    InstanceId at;
    Endpoint to;
    std::vector<Command> commands;

    friend bool operator==(const Batch&, const Batch&) = default;
};

/// Sent to all at once. Any subset that keeps each connection's order is safe to stop at.
using RedisStage = std::vector<Batch>;

/// A stage is done before the next begins.
using Stage = std::variant<RedisStage, WriteRecord, RaiseCount>;
using Script = std::vector<Stage>;

/// Writes an action out. Pure: the simulator can lose any of it. Fails (rejected) when the
/// snapshot knows no address for someone the action names.
[[nodiscard]] Result<Script> write_script(const Action& action, const Snapshot& seen);

}  // namespace rop::execute
