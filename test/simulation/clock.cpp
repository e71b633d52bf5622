#include "test/simulation/clock.hpp"

#include <algorithm>
#include <utility>

namespace rop::simulation {

Timestamp Clock::wall() const {
    constexpr Timestamp start{std::chrono::seconds{1'800'000'000}};
    return start + std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
}

Clock::EventId Clock::at(Moment moment, Callback callback) {
    const EventId id{std::max(moment, now_), ++sequence_};
    events_.emplace(id, std::move(callback));
    return id;
}

Clock::EventId Clock::after(std::chrono::microseconds span, Callback callback) {
    return at(now_ + span, std::move(callback));
}

void Clock::cancel(EventId id) {
    events_.erase(id);
}

std::optional<Moment> Clock::next() const {
    if (events_.empty()) {
        return std::nullopt;
    }
    return events_.begin()->first.at;
}

bool Clock::step() {
    if (events_.empty()) {
        return false;
    }
    auto event = events_.extract(events_.begin());
    now_ = event.key().at;
    ++events_run_;
    event.mapped()();
    return true;
}

}  // namespace rop::simulation
