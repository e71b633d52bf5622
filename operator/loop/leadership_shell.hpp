#pragma once

#include <functional>
#include <list>
#include <string>
#include <utility>
#include <vector>

#include "operator/loop/leader_state.hpp"
#include "operator/loop/leadership.hpp"
#include "operator/observe/watch.hpp"
#include "operator/runtime/backoff.hpp"
#include "operator/runtime/bell.hpp"

namespace rop::loop {

/// Says that something began to fail, once for each kind of failure, and once that it works again.
class Trouble {
  public:
    explicit Trouble(std::string doing) : doing_(std::move(doing)) {}
    void failed(const Error& error);
    void over();

  private:
    std::string doing_;
    std::vector<ErrorKind> told_;  // Of the failures in a row: each kind once.
};

/// A refusal may be a race that was lost, to another standby or to Consul's view of our check; it
/// is trouble only when it goes on.
void note_refusal(Trouble& trouble, const runtime::Backoff& backoff, const Error& error);

/// The coroutines around LeaderState. Six loops, each with one duty and its own pace, so that a
/// slow answer in one never delays another; they meet in the state and wake each other by bells.
///
///     beat    registers our service and passes its check      agent
///     keep    opens, renews and destroys the session          servers
///     follow  watches the lock: who leads, is it free         servers, blocking
///     take    takes the lock when it is free                  servers
///     prove   asks whether the lock is still ours             servers, consistent
///     tell    notices what changes by the passing of time     -
class LeadershipShell : public Leadership {
  public:
    LeadershipShell(Ports ports, LeadershipOptions options);

    boost::asio::awaitable<void> run() override;

    [[nodiscard]] bool held() const override { return state_.held(time_->now()); }
    [[nodiscard]] Epoch epoch() const override { return state_.epoch(); }
    boost::asio::awaitable<void> lost() override;

    [[nodiscard]] Standing standing() const override { return state_.standing(time_->now()); }
    [[nodiscard]] std::string session() const override;
    [[nodiscard]] std::string lock_key() const override { return state_.lock_key(); }
    void greater_epoch_seen(Epoch seen) override;
    void on_change(std::function<void()> callback) override { on_change_ = std::move(callback); }

  private:
    using Lock = observe::Watch<LockEntry>;

    boost::asio::awaitable<void> beat();
    boost::asio::awaitable<Result<void>> beat_once();
    boost::asio::awaitable<Result<void>> join_service();
    boost::asio::awaitable<void> remove_leftovers();

    boost::asio::awaitable<void> keep();
    boost::asio::awaitable<Result<void>> keep_once();
    boost::asio::awaitable<Result<void>> open_session();
    boost::asio::awaitable<Result<void>> renew_session();
    boost::asio::awaitable<Result<void>> destroy_discarded();

    boost::asio::awaitable<void> take();
    boost::asio::awaitable<Result<void>> take_once();
    boost::asio::awaitable<Result<void>> send_attempt(LockEntry lock);
    boost::asio::awaitable<Result<LockEntry>> read(std::string key);
    boost::asio::awaitable<Result<Epoch>> read_written();

    boost::asio::awaitable<void> prove();
    boost::asio::awaitable<LeaderState::Verdict> prove_once();
    boost::asio::awaitable<void> tell();

    boost::asio::awaitable<void> work_until_stopped();
    boost::asio::awaitable<void> leave(bool must_unlock);
    boost::asio::awaitable<Result<void>> end_session(bool must_unlock);

    void lock_changed();
    void took_lock();
    void lost_lock(Loss loss);
    /// After everything that may have changed the state: wakes who waits for its end, and tells.
    void changed();

    ports::TimePort* time_;
    ports::ConsulPort* consul_;
    ports::RandomPort* random_;
    LeadershipOptions options_;
    std::string instance_;
    std::string service_id_;
    std::string check_id_;
    LeaderState state_;
    Lock lock_;
    runtime::Bell beat_bell_;
    runtime::Bell keep_bell_;
    runtime::Bell take_bell_;
    runtime::Bell prove_bell_;
    runtime::Bell tell_bell_;
    runtime::Backoff keep_backoff_;
    runtime::Backoff take_backoff_;
    Trouble beat_trouble_{"pass our check"};
    Trouble keep_trouble_{"keep a session"};
    Trouble take_trouble_{"take the lock"};
    Trouble prove_trouble_{"prove the lock"};
    bool registered_ = false;
    bool leftovers_removed_ = false;
    std::function<void()> on_change_;
    Standing told_;
    std::list<ports::Timer*> waiting_for_loss_;
};

}  // namespace rop::loop
