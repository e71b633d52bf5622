#pragma once

#include <chrono>

#include "api/time.hpp"

namespace rop::loop {

/// The moments of one hold of the lock: from when and until when we may act (design, 4.1). Pure;
/// answers for any moment, so a process that was asleep finds its lease over before it runs
/// anything else.
class LeaseClock {
  public:
    LeaseClock(std::chrono::milliseconds lease, std::chrono::milliseconds give_up)
        : lease_(lease), give_up_(give_up) {}

    /// The lock became ours by a transaction sent at `sent` and answered at `answered`. Whoever
    /// led before may act for one lease from its last proof, which is older than `answered`;
    /// unless it has `released` the lock itself, and so stopped before.
    void taken(Moment sent, Moment answered, bool released);
    /// A check sent at `sent` showed that the lock was still ours.
    void proven(Moment sent);

    [[nodiscard]] bool held(Moment now) const { return now >= acts_from_ && now < ends(); }
    /// When the lease ends unless a proof pushes this back.
    [[nodiscard]] Moment ends() const { return proven_ + lease_; }
    /// No proof for so long that whoever else could lead should.
    [[nodiscard]] Moment gives_up_at() const { return ends() + give_up_; }
    /// When held() or giving up changes next without any news.
    [[nodiscard]] Moment next_change(Moment now) const;

  private:
    std::chrono::milliseconds lease_;
    std::chrono::milliseconds give_up_;
    Moment proven_{};
    Moment acts_from_{};
};

}  // namespace rop::loop
