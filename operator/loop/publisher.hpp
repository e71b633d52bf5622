#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "api/base/result.hpp"
#include "api/status.hpp"
#include "operator/execute/executor.hpp"
#include "operator/ports/consul.hpp"
#include "operator/ports/time.hpp"

namespace rop::loop {

/// The newest 100 events; equal neighbours are counted, not repeated.
class EventLog {
  public:
    void add(Timestamp now, EventType type, std::string reason, std::string message);
    /// What an earlier leader left behind; what is newer than it stays.
    void resume(std::vector<Event> earlier);

    [[nodiscard]] const std::vector<Event>& events() const { return events_; }

  private:
    std::vector<Event> events_;
};

/// The events of one round: one per action, one per change of phase.
void note_actions(const execute::PlanOutcome& outcome, Timestamp now, EventLog& log);
void note_phase(const ClusterStatus* before, const ClusterStatus& after, EventLog& log);

/// Whether a person would call the difference a change (not times, not offsets).
[[nodiscard]] bool differs(const ClusterStatus& a, const ClusterStatus& b);

struct PublisherOptions {
    std::string kv_prefix;
    std::string lock_key;
    std::function<std::string()> session;
};

/// Writes status and events of one cluster with check-session: when they changed, and at most
/// once a second.
class Publisher {
  public:
    Publisher(ports::TimePort* time, ports::ConsulPort* consul, ClusterName name,
              PublisherOptions options);

    /// Writes if it is time, and if `anchor` is still what it was: whose record or spec was deleted
    /// must not have its status and events back. Returns when to come back because something is
    /// left unwritten.
    boost::asio::awaitable<std::optional<Moment>> publish(
        std::shared_ptr<const ClusterStatus> status, std::shared_ptr<const EventLog> log,
        ports::KvCheckIndex anchor);

    /// Somebody else may have written since: the next publish() writes anew.
    void forget_written() {
        written_.reset();
        events_written_.clear();
    }
    /// Whether a view of the keys, current at `seen_at`, shows that our status was replaced or
    /// deleted by somebody: there its index is `index` (0: it is not there). A smaller one is an
    /// old view of it.
    [[nodiscard]] bool was_replaced(std::uint64_t index, Moment seen_at) const {
        // An answer from before our writing may have been on its way when that was answered.
        constexpr std::chrono::seconds on_its_way{2};
        const bool is_gone = index == 0 && seen_at > written_at_ + on_its_way;
        return written_ && (is_gone || index > written_index_);
    }

  private:
    ports::TimePort* time_;
    ports::ConsulPort* consul_;
    ClusterName name_;
    PublisherOptions options_;
    std::optional<ClusterStatus> written_;
    std::uint64_t written_index_ = 0;
    Moment written_at_{};  // When we knew of it.
    std::vector<Event> events_written_;
    std::optional<Moment> last_;
};

}  // namespace rop::loop
