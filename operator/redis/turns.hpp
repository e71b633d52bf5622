#pragma once

#include <list>
#include <memory>

#include <boost/asio/awaitable.hpp>

#include "api/time.hpp"
#include "operator/ports/time.hpp"

namespace rop::redis {

/// One at a time, in the order of asking.
class Turns {
  public:
    explicit Turns(ports::TimePort* time) : time_(time) {}
    Turns(const Turns&) = delete;
    Turns& operator=(const Turns&) = delete;

    /// A place in the queue, and then the turn itself, until it is destroyed. The turns must
    /// outlive it.
    class Turn {
      public:
        explicit Turn(Turns* turns);
        ~Turn();
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;

        /// False: it was not our turn before `until`.
        boost::asio::awaitable<bool> taken(Moment until);

      private:
        Turns* turns_;
        std::list<ports::Timer*>::iterator place_;
        std::unique_ptr<ports::Timer> timer_;  // Null when nobody was before us.
    };

  private:
    ports::TimePort* time_;
    std::list<ports::Timer*> queue_;  // Whose turn it is, and those who wait.
};

}  // namespace rop::redis
