#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace rop::simulation {

/// One operator process as the world sees it. Whatever the world has to say to it goes through
/// deliver(), so that a paused one hears it all at once when it wakes up.
class Process {
  public:
    /// gone: crashed. Its coroutines still run to their end, because frames must be unwound, but
    /// nothing reaches it and nothing that it does reaches the world.
    enum class State { running, paused, gone };

    explicit Process(std::string name) : name_(std::move(name)) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] State state() const { return state_; }
    [[nodiscard]] bool gone() const { return state_ == State::gone; }

    void deliver(std::function<void()> news) {
        if (state_ == State::paused) {
            waiting_.push_back(std::move(news));
        } else {
            news();
        }
    }
    /// How far the wall clock of its host is off.
    [[nodiscard]] std::chrono::milliseconds wall_error() const { return wall_error_; }
    void set_wall_error(std::chrono::milliseconds error) { wall_error_ = error; }
    [[nodiscard]] bool paused() const { return state_ == State::paused; }
    void pause() { state_ = state_ == State::gone ? State::gone : State::paused; }
    void resume() { become(State::running); }
    void crash() { become(State::gone); }

  private:
    void become(State state) {
        state_ = state_ == State::gone ? State::gone : state;
        for (auto& news : std::exchange(waiting_, {})) {
            news();
        }
    }

    std::string name_;
    State state_ = State::running;
    std::chrono::milliseconds wall_error_{0};
    std::vector<std::function<void()>> waiting_;
};

}  // namespace rop::simulation
