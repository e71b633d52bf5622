#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "test/simulation/clock.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/parking.hpp"
#include "test/simulation/process.hpp"

namespace rop::simulation {

/// One request over HTTP: it travels, is carried out, and its answer travels back; or not.
/// Copied into every event that belongs to it.
template <class T>
class SimCall {
  public:
    using Answer = Result<T>;

    SimCall(Clock& clock, Faults& faults, Process& process, boost::asio::any_io_executor executor)
        : clock_(&clock),
          faults_(&faults),
          process_(&process),
          parking_(std::make_shared<Parked>(std::move(executor))) {}

    /// Runs `arrive` where the request comes in, unless it is lost on the way.
    template <class F>
    void send(F arrive) const {
        if (process_->gone()) {
            fail(std::chrono::milliseconds{1}, "connection refused");
        } else if (faults_->request_lost()) {
            fail(faults_->patience(deadline), "no answer: the request was lost");
        } else {
            clock_->after(faults_->latency(), std::move(arrive));
        }
    }

    /// Sends the answer back. `delivered` runs when it reaches the process.
    void answer(Answer answer, std::function<void()> delivered = {}) const {
        if (faults_->reply_lost()) {
            fail(faults_->patience(deadline), "no answer: the reply was lost");
            return;
        }
        clock_->after(faults_->latency(),
                      [*this, answer = std::move(answer), delivered = std::move(delivered)] {
                          if (delivered) {
                              delivered();
                          }
                          give(answer);
                      });
    }

    /// The operator hears of a failure.
    void fail(std::chrono::microseconds after, std::string why) const {
        clock_->after(after, [*this, why = std::move(why)] {
            give(Error{ErrorKind::unavailable, why});
        });
    }

    boost::asio::awaitable<Answer> wait() const {
        const std::shared_ptr<Parked> parking = parking_;
        Answer answer = co_await parking->wait();
        co_return answer;
    }

  private:
    using Parked = Parking<Answer>;
    static constexpr std::chrono::milliseconds deadline{2'000};

    void give(const Answer& answer) const {
        process_->deliver([parking = parking_, answer] { parking->put(answer); });
    }

    Clock* clock_;
    Faults* faults_;
    Process* process_;
    std::shared_ptr<Parked> parking_;
};

}  // namespace rop::simulation
