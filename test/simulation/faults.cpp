#include "test/simulation/faults.hpp"

#include <algorithm>

namespace rop::simulation {

using std::chrono::microseconds;
using std::chrono::milliseconds;

Faults::Fate Faults::fate() {
    if (request_lost()) {
        return Fate::request_lost;
    }
    return reply_lost() ? Fate::reply_lost : Fate::fine;
}

microseconds Faults::latency() {
    if (dice_.chance(rates_.slow)) {
        return dice_.between(milliseconds{5}, milliseconds{80});
    }
    return dice_.between(microseconds{60}, microseconds{400});
}

microseconds Faults::patience(microseconds most) {
    return dice_.chance(0.5) ? std::min<microseconds>(latency(), most) : most;
}

}  // namespace rop::simulation
