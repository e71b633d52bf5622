#include "operator/loop/lease_clock.hpp"

#include <algorithm>

namespace rop::loop {

void LeaseClock::taken(Moment sent, Moment answered, bool released) {
    proven_ = sent;
    acts_from_ = released ? answered : answered + lease_;
}

void LeaseClock::proven(Moment sent) {
    proven_ = std::max(proven_, sent);  // Answers may overtake each other.
}

Moment LeaseClock::next_change(Moment now) const {
    if (now < acts_from_) {
        return acts_from_;
    }
    return now < ends() ? ends() : gives_up_at();
}

}  // namespace rop::loop
