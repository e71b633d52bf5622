#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "api/time.hpp"

namespace rop::simulation {

/// Virtual time: it stands still until the next event is run, and what happens at one moment
/// happens in the order in which it was asked for.
class Clock {
  public:
    struct EventId {
        Moment at{};
        std::uint64_t sequence = 0;  // 0: no event.
        friend auto operator<=>(const EventId&, const EventId&) = default;
    };
    using Callback = std::function<void()>;

    /// Not zero, so that "never" has a value of its own.
    explicit Clock(Moment start = Moment{std::chrono::hours{1}}) : now_(start) {}

    [[nodiscard]] Moment now() const { return now_; }
    [[nodiscard]] Timestamp wall() const;
    [[nodiscard]] std::uint64_t events_run() const { return events_run_; }

    EventId at(Moment moment, Callback callback);
    EventId after(std::chrono::microseconds span, Callback callback);
    /// Of an event that has run or was never asked for: nothing happens.
    void cancel(EventId id);

    [[nodiscard]] std::optional<Moment> next() const;
    /// Goes to the next event and runs it; false when there is none.
    bool step();
    /// Nothing that was asked for will happen: the world ends.
    void clear() { events_.clear(); }

  private:
    std::map<EventId, Callback> events_;
    Moment now_;
    std::uint64_t sequence_ = 0;
    std::uint64_t events_run_ = 0;
};

}  // namespace rop::simulation
