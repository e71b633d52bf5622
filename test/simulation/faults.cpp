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

Error refusal_of(std::uint64_t which) {
    switch (which % 3) {
        case 0:
            return Error{ErrorKind::denied, "403 Permission denied"};
        case 1:
            return Error{ErrorKind::unavailable, "429 Too many requests"};
        default:
            return Error{ErrorKind::unavailable, "500 rpc error: No cluster leader"};
    }
}

bool Faults::happens(std::string_view name, double rate) {
    if (rate <= 0 || !dice_.chance(rate)) {
        return false;
    }
    ++counts_[name];
    return true;
}

std::optional<Error> Faults::refused(std::string_view name, double rate) {
    if (!happens(name, rate)) {
        return std::nullopt;
    }
    return refusal_of(dice_.next());
}

microseconds Faults::latency() {
    if (happens("late", rates_.late)) {
        return dice_.between(milliseconds{200}, milliseconds{4'000});
    }
    if (happens("slow", rates_.slow)) {
        return dice_.between(milliseconds{5}, milliseconds{80});
    }
    return dice_.between(microseconds{60}, microseconds{400});
}

microseconds Faults::patience(microseconds most) {
    return dice_.chance(0.5) ? std::min<microseconds>(latency(), most) : most;
}

}  // namespace rop::simulation
