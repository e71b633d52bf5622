#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "api/base/result.hpp"
#include "operator/ports/time.hpp"

namespace rop::runtime {

/// Gives `work` until `limit` of the port's time; then cancels it and reports it unavailable.
/// What `work` throws is thrown again, operation_aborted too when the caller is stopped.
/// `time` must outlive the wait: it is owned by whoever runs the program.
template <class T>
boost::asio::awaitable<Result<T>> within(ports::TimePort* time, std::chrono::microseconds limit,
                                         boost::asio::awaitable<Result<T>> work) {
    using boost::asio::experimental::awaitable_operators::operator||;
    std::optional<Result<T>> answer;  // `||` needs a type with a default: Result has none.
    std::exception_ptr failure;       // `||` waits for a success, and hides what was thrown.
    auto keep_answer = [&]() -> boost::asio::awaitable<void> {
        try {
            answer.emplace(co_await std::move(work));
        } catch (...) {
            failure = std::current_exception();
        }
    };
    const auto first = co_await (keep_answer() || time->sleep_for(limit));
    const bool is_late = first.index() == 1;
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
