#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include "api/base/result.hpp"
#include "operator/ports/time.hpp"

namespace rop::runtime {

/// Gives `work` until `limit` of the port's time; then cancels it and reports it unavailable.
/// `time` must outlive the wait: it is owned by whoever runs the program.
template <class T>
boost::asio::awaitable<Result<T>> within(ports::TimePort* time, std::chrono::microseconds limit,
                                         boost::asio::awaitable<Result<T>> work) {
    using boost::asio::experimental::awaitable_operators::operator||;
    std::optional<Result<T>> answer;  // `||` needs a type with a default: Result has none.
    auto keep_answer = [&]() -> boost::asio::awaitable<void> {
        answer.emplace(co_await std::move(work));
    };
    co_await (keep_answer() || time->sleep_for(limit));
    if (!answer) {
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(limit).count();
        co_return Error{ErrorKind::unavailable, "no answer within " + std::to_string(ms) + " ms"};
    }
    co_return std::move(*answer);
}

}  // namespace rop::runtime
