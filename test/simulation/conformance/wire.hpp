#pragma once

#include <optional>
#include <vector>

#include "operator/ports/redis.hpp"
#include "operator/redis/resp.hpp"

namespace rop::simulation {

/// A blocking connection to a real server, for as long as both sides keep it. Loopback only.
class Wire {
  public:
    /// Nobody listens: it is closed from the start.
    explicit Wire(const Endpoint& to);
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    [[nodiscard]] bool open() const { return fd_ >= 0; }
    /// The replies to all commands, sent at once. Nothing: it was closed, or 5 s went by.
    std::optional<std::vector<ports::Reply>> ask(const std::vector<ports::Words>& commands);

  private:
    void close();
    bool write_all(const std::string& bytes) const;

    int fd_ = -1;
    redis::RespReader reader_;
};

}  // namespace rop::simulation
