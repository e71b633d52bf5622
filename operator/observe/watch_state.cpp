#include "operator/observe/watch_state.hpp"

#include <utility>

namespace rop::observe {

WatchState::Question WatchState::next_question() const {
    Question question;
    question.index = confirming_ ? 0 : index_.value();
    question.consistent = confirming_;
    return question;
}

bool WatchState::answered(std::uint64_t index, bool empty, Moment now) {
    const bool confirmed = std::exchange(confirming_, false);
    const bool backwards = index_.advance(index) == WaitIndex::Verdict::backwards;
    if (!confirmed && backwards) {
        doubt("the index went backwards");
        return false;
    }
    if (!confirmed && empty && !believed_empty_) {
        doubt(view_.seen ? "everything is gone, says an unconfirmed read"
                         : "empty, says an unconfirmed read");
        return false;
    }
    if (backwards) {
        (void)index_.advance(index);  // Confirmed: this is where to wait from.
    }
    believed_empty_ = empty;
    view_.seen = true;
    view_.certain = true;
    view_.why.clear();
    view_.at = now;
    return true;
}

void WatchState::failed(std::string why) {
    index_.ask_anew();
    view_.certain = false;
    view_.why = std::move(why);
}

void WatchState::doubt(std::string why) {
    confirming_ = true;
    view_.certain = false;
    view_.why = std::move(why);
}

}  // namespace rop::observe
