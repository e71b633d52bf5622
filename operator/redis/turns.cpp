#include "operator/redis/turns.hpp"

namespace rop::redis {

namespace asio = boost::asio;

Turns::Turn::Turn(Turns* turns) : turns_(turns) {
    if (!turns_->queue_.empty()) {
        timer_ = turns_->time_->make_timer();
    }
    place_ = turns_->queue_.insert(turns_->queue_.end(), timer_.get());
}

Turns::Turn::~Turn() {
    const bool was_ours = place_ == turns_->queue_.begin();
    turns_->queue_.erase(place_);
    if (was_ours && !turns_->queue_.empty()) {
        turns_->queue_.front()->wake();
    }
}

asio::awaitable<bool> Turns::Turn::taken(Moment until) {
    while (place_ != turns_->queue_.begin()) {
        if (turns_->time_->now() >= until) {
            co_return false;
        }
        co_await timer_->wait_until(until);
    }
    co_return true;
}

}  // namespace rop::redis
