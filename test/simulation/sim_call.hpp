#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "test/simulation/clock.hpp"
#include "test/simulation/faults.hpp"
#include "test/simulation/network.hpp"
#include "test/simulation/parking.hpp"
#include "test/simulation/process.hpp"

namespace rop::simulation {

/// The way from a process to the servers that it asks.
struct Line {
    Network* network = nullptr;
    Network::Place here;
    Network::Place there;

    [[nodiscard]] bool open() const {
        return network == nullptr || network->calm() || network->hears(here, there);
    }
    [[nodiscard]] bool answers() const {
        return network == nullptr || network->calm() || network->hears(there, here);
    }
};

/// One request over HTTP: it travels, is carried out, and its answer travels back; or not.
/// Copied into every event that belongs to it.
template <class T>
class SimCall {
  public:
    using Answer = Result<T>;

    /// `line` may be null: who is asked lives on the same host.
    SimCall(Clock& clock, Faults& faults, Process& process, const Line* line,
            boost::asio::any_io_executor executor)
        : clock_(&clock),
          faults_(&faults),
          process_(&process),
          line_(line),
          parking_(std::make_shared<Parked>(std::move(executor))) {}

    /// Runs `arrive` where the request comes in, unless it is lost on the way; sometimes twice, as
    /// when an agent asks again on its own.
    void send(std::function<void()> arrive) const {
        if (process_->gone()) {
            fail(std::chrono::milliseconds{1}, "connection refused");
            return;
        }
        if (faults_->request_lost()) {
            fail(faults_->patience(deadline), "no answer: the request was lost");
            return;
        }
        if (line_ != nullptr && !line_->open()) {
            fail(deadline, "no answer: nobody is reached");
            if (faults_->dice().chance(0.5)) {
                line_->network->deliver(line_->here, line_->there, std::move(arrive));
            }
            return;
        }
        if (faults_->doubled()) {
            clock_->after(faults_->latency() * 8, arrive);
        }
        clock_->after(faults_->latency(), std::move(arrive));
    }

    /// Sends the answer back. `delivered` runs when it reaches the process.
    void answer(Answer answer, std::function<void()> delivered = {}) const {
        if (faults_->reply_lost() || (line_ != nullptr && !line_->answers())) {
            fail(faults_->patience(deadline), "no answer: the reply was lost");
            return;
        }
        auto carried = std::make_shared<Answer>(std::move(answer));
        clock_->after(faults_->latency(),
                      [*this, carried = std::move(carried), delivered = std::move(delivered)] {
                          if (delivered) {
                              delivered();
                          }
                          give(carried);
                      });
    }

    /// The operator hears of a failure.
    void fail(std::chrono::microseconds after, std::string why) const {
        fail(after, Error{ErrorKind::unavailable, std::move(why)});
    }
    void fail(std::chrono::microseconds after, Error error) const {
        clock_->after(after,
                      [*this, error = std::move(error)] { give(std::make_shared<Answer>(error)); });
    }

    boost::asio::awaitable<Answer> wait() const {
        const std::shared_ptr<Parked> parking = parking_;
        Answer answer = co_await parking->wait();
        co_return answer;
    }

  private:
    using Parked = Parking<Answer>;
    static constexpr std::chrono::milliseconds deadline{2'000};

    void give(std::shared_ptr<Answer> answer) const {
        process_->deliver(
            [parking = parking_, answer = std::move(answer)] { parking->put(std::move(*answer)); });
    }

    Clock* clock_;
    Faults* faults_;
    Process* process_;
    const Line* line_;
    std::shared_ptr<Parked> parking_;
};

}  // namespace rop::simulation
