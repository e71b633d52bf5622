#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/base/result.hpp"
#include "operator/ports/redis.hpp"

namespace rop::redis {

/// Beyond these a reply is refused, whoever sends it. Arrays nest 8 deep, as in hiredis.
struct RespLimits {
    std::size_t reply_bytes = 16U * 1024 * 1024;
    std::size_t line_bytes = 64U * 1024;  // Of a status, an error or a number.
    std::size_t elements = 256U * 1024;   // Of one reply, over all levels.
};

/// Appends a command as RESP sends it: an array of bulk strings.
void append_command(std::string& out, const ports::Words& words);

/// Cuts a stream of bytes into replies (RESP2). Sans-I/O.
class RespReader {
  public:
    explicit RespReader(RespLimits limits = {});
    ~RespReader();
    RespReader(const RespReader&) = delete;
    RespReader& operator=(const RespReader&) = delete;

    /// Bytes as they come, cut anywhere.
    void feed(std::string_view bytes);

    /// The next whole reply, or nothing until more is fed. `malformed`: that is not Redis, or it
    /// is beyond the limits; every later call says the same.
    [[nodiscard]] Result<std::optional<ports::Reply>> next();

    /// No part of a reply has been fed that next() has not returned.
    [[nodiscard]] bool is_between_replies() const;

  private:
    struct Parser;
    std::unique_ptr<Parser> parser_;
};

}  // namespace rop::redis
