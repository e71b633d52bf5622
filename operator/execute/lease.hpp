#pragma once

#include <boost/asio/awaitable.hpp>

#include "api/ids.hpp"

namespace rop::execute {

/// Our right to change things, as it stands this very moment (design, 4.1). Asked before every
/// write to a socket, because a plan takes time.
class Lease {
  public:
    virtual ~Lease() = default;

    /// True while we lead, our last proof is younger than the lease, and the wait after taking
    /// over is over.
    [[nodiscard]] virtual bool held() const = 0;
    [[nodiscard]] virtual Epoch epoch() const = 0;

    /// Returns once the lease is not held any more; at once when it is not held now. Ends every
    /// wait for an answer that only a leader may wait for.
    virtual boost::asio::awaitable<void> lost() = 0;
};

}  // namespace rop::execute
