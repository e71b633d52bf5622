#pragma once

#include <cstdint>
#include <string>

#include "api/snapshot.hpp"
#include "api/time.hpp"
#include "operator/observe/wait_index.hpp"

namespace rop::observe {

/// Which answers of a blocking query to believe, and what to ask next. Pure.
///
/// Two kinds of answer are not believed until a consistent read, asked at once, says the same: an
/// index that went backwards, and emptiness where there was something or nothing is known yet. A
/// Consul server that has just restarted was seen to answer "no such key, index 1" for a key that
/// existed.
class WatchState {
  public:
    struct Question {
        std::uint64_t index = 0;
        bool consistent = false;
        friend bool operator==(const Question&, const Question&) = default;
    };

    WatchState() { view_.configured = true; }

    [[nodiscard]] Question next_question() const;

    /// An answer to next_question(). True: what it said is now the value.
    [[nodiscard]] bool answered(std::uint64_t index, bool empty, Moment now);
    void failed(std::string why);

    [[nodiscard]] const View& view() const { return view_; }

  private:
    void doubt(std::string why);

    WaitIndex index_;
    bool confirming_ = false;
    bool believed_empty_ = false;
    View view_;
};

}  // namespace rop::observe
