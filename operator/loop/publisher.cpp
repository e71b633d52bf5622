#include "operator/loop/publisher.hpp"

#include <algorithm>
#include <utility>

#include "api/json/status_json.hpp"
#include "operator/telemetry/log.hpp"

namespace rop::loop {

namespace asio = boost::asio;

namespace {

constexpr std::size_t events_max = 100;
constexpr std::chrono::milliseconds publish_every{1'000};

/// "write-record" -> "WriteRecord": events speak as conditions do.
std::string camel(const std::string& kind) {
    std::string text;
    bool upper = true;
    for (const char c : kind) {
        if (c == '-') {
            upper = true;
            continue;
        }
        text += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        upper = false;
    }
    return text;
}

std::uint64_t index_of(const ports::TxnAnswer& answer, const std::string& key) {
    const auto it = std::find_if(answer.entries.begin(), answer.entries.end(),
                                 [&](const ports::KvEntry& entry) { return entry.key == key; });
    return it == answer.entries.end() ? 0 : it->modify_index;
}

}  // namespace

void EventLog::add(Timestamp now, EventType type, std::string reason, std::string message) {
    if (!events_.empty() && events_.back().reason == reason && events_.back().message == message) {
        events_.back().time = now;
        ++events_.back().count;
        return;
    }
    events_.push_back(Event{now, now, 1, type, std::move(reason), std::move(message)});
    if (events_.size() > events_max) {
        events_.erase(events_.begin());
    }
}

void EventLog::resume(std::vector<Event> earlier) {
    const auto newest = earlier.empty() ? Timestamp{} : earlier.back().time;
    std::erase_if(events_, [&](const Event& event) { return event.time <= newest; });
    earlier.insert(earlier.end(), events_.begin(), events_.end());
    if (earlier.size() > events_max) {
        earlier.erase(earlier.begin(), earlier.end() - static_cast<std::ptrdiff_t>(events_max));
    }
    events_ = std::move(earlier);
}

void note_actions(const execute::PlanOutcome& outcome, Timestamp now, EventLog& log) {
    for (const auto& step : outcome.steps) {
        if (!step.failure) {
            log.add(now, EventType::normal, camel(step.kind), step.what + " (" + step.reason + ")");
        } else if (step.failure->kind != ErrorKind::fenced) {
            log.add(now, EventType::warning, camel(step.kind) + "Failed",
                    step.what + ": " + step.failure->what);
        }
    }
}

void note_phase(const ClusterStatus* before, const ClusterStatus& after, EventLog& log) {
    if (before != nullptr && before->phase == after.phase && before->reason == after.reason) {
        return;
    }
    const bool fine = after.phase == Phase::ready || after.phase == Phase::forming ||
                      after.phase == Phase::pending || after.phase == Phase::paused;
    log.add(after.updated_at, fine ? EventType::normal : EventType::warning,
            std::string(to_string(after.phase)), after.reason + ": " + after.message);
}

bool differs(const ClusterStatus& a, const ClusterStatus& b) {
    ClusterStatus copy = a;
    copy.updated_at = b.updated_at;
    return !(copy == b);
}

Publisher::Publisher(ports::TimePort* time, ports::ConsulPort* consul, ClusterName name,
                     PublisherOptions options)
    : time_(time), consul_(consul), name_(std::move(name)), options_(std::move(options)) {}

asio::awaitable<std::optional<Moment>> Publisher::publish(
    std::shared_ptr<const ClusterStatus> status, std::shared_ptr<const EventLog> log,
    ports::KvCheckIndex anchor) {
    const bool status_changed = !written_ || differs(*written_, *status);
    const bool events_changed = log->events() != events_written_;
    if (!status_changed && !events_changed) {
        co_return std::nullopt;
    }
    const std::string session = options_.session();
    if (session.empty()) {  // Consul takes it for the session of a lock that nobody holds.
        co_return std::nullopt;
    }
    const Moment now = time_->now();
    if (last_ && now - *last_ < publish_every) {
        co_return *last_ + publish_every;
    }
    last_ = now;
    const std::string base = options_.kv_prefix + "clusters/" + name_.value() + "/";
    const std::vector<Event> events = log->events();
    std::vector<ports::TxnOp> operations;
    operations.emplace_back(ports::KvCheckSession{options_.lock_key, session});
    operations.emplace_back(std::move(anchor));
    operations.emplace_back(ports::KvSet{base + "status", json::write_status(*status)});
    if (events_changed) {
        operations.emplace_back(ports::KvSet{base + "events", json::write_events(events)});
    }
    const Result<ports::TxnAnswer> answer = co_await consul_->txn(std::move(operations));
    if (answer.has_value() && answer.value().applied) {
        written_ = *status;
        written_index_ = index_of(answer.value(), base + "status");
        written_at_ = time_->now();
        events_written_ = events;
        co_return std::nullopt;
    }
    const std::string why = answer.has_error()              ? answer.error().what
                            : answer.value().errors.empty() ? "refused"
                                                            : answer.value().errors.front();
    log::debug("status not written", {{"cluster", name_.value()}, {"error", why}});
    co_return now + publish_every;
}

}  // namespace rop::loop
