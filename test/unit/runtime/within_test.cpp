#include "operator/runtime/within.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <gtest/gtest.h>

#include "operator/runtime/real_time.hpp"

namespace rop::runtime {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

class Within : public ::testing::Test {
  protected:
    asio::awaitable<Result<int>> answer_after(std::chrono::milliseconds span) {
        co_await time_->sleep_for(span);
        co_return 7;
    }

    /// Reports a stop as an error, as leaves do that use redirect_error.
    asio::awaitable<Result<int>> report_cancelled() {
        try {
            co_await time_->sleep_for(1h);
        } catch (const boost::system::system_error&) {
            co_return Error{ErrorKind::cancelled, "stopped"};
        }
        co_return 7;
    }

    asio::awaitable<Result<int>> break_down() {
        co_await time_->sleep_for(1ms);
        throw std::logic_error("a bug");
    }

    /// "7", "unavailable: ...", "thrown: ...".
    std::string outcome_of(std::chrono::milliseconds limit, asio::awaitable<Result<int>> work) {
        std::string text = "never ended";
        auto run = [&]() -> asio::awaitable<void> {
            const auto result = co_await within(time_.get(), limit, std::move(work));
            text = result.has_value() ? std::to_string(result.value()) : result.error().what;
        };
        asio::co_spawn(io_, run(),
                       asio::bind_cancellation_slot(stop_.slot(), [&](std::exception_ptr failure) {
                           text = failure ? "thrown: " + what(failure) : text;
                       }));
        io_.run_for(5s);
        return text;
    }

    static std::string what(const std::exception_ptr& failure) {
        try {
            std::rethrow_exception(failure);
        } catch (const boost::system::system_error& error) {
            return error.code() == asio::error::operation_aborted ? "stopped" : error.what();
        } catch (const std::exception& error) {
            return error.what();
        }
    }

    asio::io_context io_{1};
    std::unique_ptr<ports::TimePort> time_ = make_real_time(io_.get_executor());
    asio::cancellation_signal stop_;
};

TEST_F(Within, HandsOnAnAnswerInTime) {
    EXPECT_EQ(outcome_of(1h, answer_after(1ms)), "7");
}

TEST_F(Within, CutsOffWhatIsLate) {
    EXPECT_EQ(outcome_of(5ms, answer_after(1h)), "no answer within 5 ms");
}

TEST_F(Within, CallsLateWhatReportsItsOwnCancelling) {
    EXPECT_EQ(outcome_of(5ms, report_cancelled()), "no answer within 5 ms");
}

TEST_F(Within, DoesNotHideWhatWasThrown) {
    EXPECT_EQ(outcome_of(1h, break_down()), "thrown: a bug");
}

TEST_F(Within, IsStoppedWithItsCaller) {
    asio::co_spawn(
        io_,
        [&]() -> asio::awaitable<void> {
            co_await time_->sleep_for(5ms);
            stop_.emit(asio::cancellation_type::terminal);
        },
        [](std::exception_ptr) {});

    EXPECT_EQ(outcome_of(1h, answer_after(1h)), "thrown: stopped");
}

}  // namespace
}  // namespace rop::runtime
