#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "operator/ports/time.hpp"
#include "operator/runtime/all.hpp"

namespace rop::runtime {

/// Gives `work` until `limit` of the port's time; then cancels it and reports it unavailable.
/// What `work` throws is thrown again, operation_aborted too when the caller is stopped.
/// `time` must outlive the wait: it is owned by whoever runs the program.
template <class T>
boost::asio::awaitable<Result<T>> within(ports::TimePort* time, std::chrono::microseconds limit,
                                         boost::asio::awaitable<Result<T>> work) {
    struct TooLate {};
    const Moment latest = time->now() + limit;
    const std::unique_ptr<ports::Timer> timer = time->make_timer();
    std::optional<Result<T>> answer;
    std::exception_ptr failure;
    // Work that is done wakes the timer: cancelling it would cost an exception for every answer
    // that comes in time.
    auto keep_answer = [&]() -> boost::asio::awaitable<void> {
        try {
            answer.emplace(co_await std::move(work));
        } catch (...) {
            failure = std::current_exception();
        }
        timer->wake();
    };
    auto wait = [&]() -> boost::asio::awaitable<void> {
        const ports::Timer::Woken woken = co_await timer->wait_until(latest);
        if (woken == ports::Timer::Woken::elapsed && !answer && !failure) {
            throw TooLate{};
        }
    };
    bool is_late = false;
    try {
        std::vector<boost::asio::awaitable<void>> both;
        both.push_back(keep_answer());
        both.push_back(wait());
        co_await all(std::move(both));
    } catch (const TooLate&) {
        is_late = true;
    }
    if (answer && (!is_late || answer->has_value())) {
        co_return std::move(*answer);
    }
    if (failure && !is_late) {
        std::rethrow_exception(failure);
    }
    // Work that was cancelled here may have thrown, or may report that it was cancelled.
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
    co_return Error{ErrorKind::unavailable, "no answer within " + std::to_string(ms) + " ms"};
}

}  // namespace rop::runtime
