#include "test/simulation/sim_time.hpp"

#include <utility>

#include "test/simulation/parking.hpp"

namespace rop::simulation {
namespace {

namespace asio = boost::asio;

class SimTimer : public ports::Timer {
  public:
    SimTimer(Clock& clock, Process& process, asio::any_io_executor executor)
        : clock_(clock),
          process_(process),
          executor_(std::move(executor)),
          rung_(std::make_shared<Bell>(executor_)) {}
    ~SimTimer() override { clock_.cancel(alarm_); }
    SimTimer(const SimTimer&) = delete;
    SimTimer& operator=(const SimTimer&) = delete;

    asio::awaitable<Woken> wait_until(Moment moment) override {
        const std::shared_ptr<Bell> bell = rung_;  // Outlives us when the alarm is on its way.
        alarm_ = clock_.at(
            moment, [this, bell] { process_.deliver([bell] { bell->put(Woken::elapsed); }); });
        const Alarm forget_it(*this);
        const Woken woken = co_await bell->wait();
        co_return woken;
    }

    void wake() override { rung_->put(Woken::early); }

  private:
    using Bell = Parking<Woken>;

    /// Ends the alarm of a wait that is over, however it ended.
    struct Alarm {
        explicit Alarm(SimTimer& timer) : timer_(timer) {}
        ~Alarm() {
            timer_.clock_.cancel(timer_.alarm_);
            if (timer_.clock_.now() >= timer_.alarm_.at) {
                // It may wait at the gate of a paused process: the next wait is another one.
                timer_.rung_ = std::make_shared<Bell>(timer_.executor_);
            }
        }
        Alarm(const Alarm&) = delete;
        Alarm& operator=(const Alarm&) = delete;
        SimTimer& timer_;
    };

    Clock& clock_;
    Process& process_;
    asio::any_io_executor executor_;
    std::shared_ptr<Bell> rung_;
    Clock::EventId alarm_;
};

class SimTime : public ports::TimePort {
  public:
    SimTime(Clock& clock, Process& process, asio::any_io_executor executor)
        : clock_(clock), process_(process), executor_(std::move(executor)) {}

    [[nodiscard]] Moment now() const override { return clock_.now(); }
    [[nodiscard]] Timestamp wall() const override { return clock_.wall() + process_.wall_error(); }
    [[nodiscard]] asio::any_io_executor executor() const override { return executor_; }
    [[nodiscard]] std::unique_ptr<ports::Timer> make_timer() override {
        return std::make_unique<SimTimer>(clock_, process_, executor_);
    }

  private:
    Clock& clock_;
    Process& process_;
    asio::any_io_executor executor_;
};

}  // namespace

std::unique_ptr<ports::TimePort> make_sim_time(Clock& clock, Process& process,
                                               asio::any_io_executor executor) {
    return std::make_unique<SimTime>(clock, process, std::move(executor));
}

}  // namespace rop::simulation
