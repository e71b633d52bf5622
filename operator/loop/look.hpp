#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/snapshot.hpp"
#include "operator/loop/ports.hpp"
#include "operator/observe/snapshot_builder.hpp"

namespace rop::loop {

/// What a survey needs beside what the sources said.
struct LookRequest {
    observe::Observations seen;
    SnapshotPtr previous;
    Result<ports::AccessPtr> access;
    std::string connection_name;
    std::chrono::milliseconds redis_deadline{1'000};
};

/// The name under which those who only look are connected: no successor ends it.
[[nodiscard]] std::string looking_name(const InstallationId& installation);

/// Asks every instance that the sources name, in parallel, and makes a snapshot of it all.
boost::asio::awaitable<SnapshotPtr> look(Ports ports, LookRequest request);

}  // namespace rop::loop
