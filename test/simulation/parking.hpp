#pragma once

#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace rop::simulation {

/// Where one coroutine waits until the world puts something there: the only way to wait in the
/// simulator. What is put while nobody waits is kept for the next one.
template <class T>
class Parking {
  public:
    explicit Parking(boost::asio::any_io_executor executor) : bell_(std::move(executor)) {}

    /// Throws operation_aborted when the waiting task is stopped.
    boost::asio::awaitable<T> wait() {
        if (!value_) {
            boost::system::error_code code;
            co_await bell_.async_receive(
                boost::asio::redirect_error(boost::asio::use_awaitable, code));
            const auto state = co_await boost::asio::this_coro::cancellation_state;
            if (state.cancelled() != boost::asio::cancellation_type::none) {
                throw boost::system::system_error(boost::asio::error::operation_aborted);
            }
        }
        T value = std::move(*value_);
        value_.reset();
        co_return value;
    }

    void put(T value) {
        if (!value_) {  // The first one counts: it has woken the waiter already.
            value_.emplace(std::move(value));
            bell_.try_send(boost::system::error_code{});
        }
    }

  private:
    boost::asio::experimental::channel<void(boost::system::error_code)> bell_;
    std::optional<T> value_;
};

}  // namespace rop::simulation
