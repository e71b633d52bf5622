#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <vector>

#include "test/simulation/redis_types.hpp"

namespace rop::simulation {

/// Who can hear whom. A way may be cut in one direction alone. What is sent where nobody hears is
/// kept, as TCP keeps it, and arrives in its order once the way is open again: also when whoever
/// sent it has given up meanwhile, or is gone.
class Network {
  public:
    enum class Kind { operators, redis, consul, nomad };

    struct Place {
        Kind kind = Kind::redis;
        std::string host;     // An address; empty for the servers of Consul and Nomad.
        ServerId server = 0;  // Of a Redis.
    };
    /// Some places: what is not set matches every one.
    struct Some {
        std::optional<Kind> kind;
        std::string host;
        ServerId server = 0;
    };
    /// `between_hosts`: what stays on one host is heard all the same.
    struct Cut {
        Some from;
        Some to;
        bool between_hosts = false;
    };
    using CutId = std::uint64_t;

    CutId cut(Cut cut);
    void heal(CutId id);
    void heal_all();

    /// Nothing is cut.
    [[nodiscard]] bool calm() const { return cuts_.empty(); }
    [[nodiscard]] bool hears(const Place& from, const Place& to) const;
    /// Now, or when the way is open.
    void deliver(const Place& from, const Place& to, std::function<void()> news);

  private:
    struct Named {
        CutId id = 0;
        Cut cut;
    };
    struct Kept {
        Place from;
        Place to;
        std::function<void()> news;
    };

    void deliver_kept();

    std::vector<Named> cuts_;
    std::list<Kept> kept_;
    CutId last_ = 0;
};

}  // namespace rop::simulation
