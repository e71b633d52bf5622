#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "api/base/result.hpp"
#include "operator/ports/time.hpp"

namespace rop::net {

/// The addresses behind a name; for an IP literal at once. Asio can not cancel the system's
/// resolver at work, so a stopped caller leaves it behind rather than wait for it, and so does one
/// that waited for four seconds: ErrorKind::unavailable, with the name. Lookups that did not begin
/// yet end with their callers. `time` must outlive the wait.
boost::asio::awaitable<Result<std::vector<boost::asio::ip::tcp::endpoint>>> resolve(
    ports::TimePort* time, std::string host, std::uint16_t port);

}  // namespace rop::net
