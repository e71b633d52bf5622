#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "operator/ports/redis.hpp"
#include "operator/ports/time.hpp"
#include "operator/redis/resp.hpp"

namespace rop::redis {

struct RedisOptions {
    std::chrono::milliseconds connect_limit{1'000};  // Of the deadline of a request.
    std::size_t write_max = 64U * 1024;              // Bytes of one write to a socket.
    RespLimits limits;
    /// After an attempt to connect that failed, for how long a request is answered with that
    /// failure at once instead of trying again. Doubles from the first to the last.
    std::chrono::milliseconds back_off_first{50};
    std::chrono::milliseconds back_off_last{1'000};
    std::chrono::milliseconds back_off_refused{250};  // The last one where nobody listens.
};

/// The real Redis port. Requests to one endpoint take turns, those to different ones run at the
/// same time. The deadline of a request covers the wait for its turn. A stopped request closes
/// the connection that it was using: its replies would be taken for those of the next one.
/// on_closed() replaces the callback. `time` must outlive the port, and the port its requests.
[[nodiscard]] std::unique_ptr<ports::RedisPort> make_redis_port(ports::TimePort& time,
                                                                RedisOptions options = {});

}  // namespace rop::redis
