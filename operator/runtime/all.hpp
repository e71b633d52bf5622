#pragma once

#include <vector>

#include <boost/asio/awaitable.hpp>

namespace rop::runtime {

/// Runs `tasks` at the same time on the caller's executor and returns when all have ended. When
/// one throws, the others are stopped, and the first exception is thrown again once all have
/// ended. When the caller is stopped, so are the tasks, and operation_aborted is thrown once all
/// have ended: what the tasks point to may live in the caller's frame.
boost::asio::awaitable<void> all(std::vector<boost::asio::awaitable<void>> tasks);

}  // namespace rop::runtime
