#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "operator/ports/time.hpp"

namespace rop::testing {

/// Time that stands still until the test moves it. Single-threaded; owns the event loop.
class ManualTime : public ports::TimePort {
  public:
    ManualTime();
    ~ManualTime() override;

    [[nodiscard]] Moment now() const override { return now_; }
    [[nodiscard]] Timestamp wall() const override;
    [[nodiscard]] boost::asio::any_io_executor executor() const override;
    [[nodiscard]] std::unique_ptr<ports::Timer> make_timer() override;

    /// Runs whatever is ready, at the present moment. Throws when that never ends: a hot loop.
    void settle();
    /// Moves the hands, stopping at every timer on the way.
    void advance(std::chrono::microseconds span);
    /// Moves the hands only, as for a process that was stopped and does not know it yet.
    void jump(std::chrono::microseconds span) { now_ += span; }

    /// Advances in steps of a millisecond until `reached`; false after `at_most`.
    template <class Condition>
    [[nodiscard]] bool advance_until(Condition reached, std::chrono::milliseconds at_most) {
        settle();
        for (auto waited = std::chrono::milliseconds(0); !reached(); ++waited) {
            if (waited >= at_most) {
                return false;
            }
            advance(std::chrono::milliseconds(1));
        }
        return true;
    }

  private:
    class ManualTimer;

    boost::asio::io_context io_{1};
    Moment now_{std::chrono::seconds(1'000)};
    std::vector<ManualTimer*> waiting_;
};

}  // namespace rop::testing
