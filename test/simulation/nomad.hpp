#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "operator/ports/nomad.hpp"
#include "test/simulation/clock.hpp"
#include "test/simulation/dice.hpp"

namespace rop::simulation {

/// One Nomad with one job of one group: places allocations on hosts, and replaces those that
/// failed five seconds later by new ones, as the shipped job asks.
class Nomad {
  public:
    struct Job {
        std::string name = "redis-cache";
        std::string group = "redis";
        std::string nomad_namespace = "default";
    };
    /// Brings the task of an allocation to life, or learns that it has to end.
    struct Driver {
        std::function<void(const ports::Allocation&)> start;
        std::function<void(const ports::Allocation&)> stopped;
        std::function<void(const ports::Allocation&)> stop;  // Kill it, if it still lives.
    };

    Nomad(Clock& clock, Dice dice, Job job, std::vector<ports::NomadNode> hosts);

    void set_driver(Driver driver) { driver_ = std::move(driver); }
    [[nodiscard]] const std::vector<ports::NomadNode>& hosts() const { return hosts_; }
    [[nodiscard]] const Job& job() const { return job_; }
    [[nodiscard]] std::uint32_t count() const { return count_; }

    /// `nomad job run`, or a scale: as many allocations as said, at once.
    void run(std::uint32_t count);
    /// The task ended by itself; its client tells so after a moment.
    void task_terminated(const std::string& allocation);
    /// It ended and its client starts it again where it was (a restart block with attempts).
    void task_restarts(const std::string& allocation);
    void task_restarted(const std::string& allocation);

    void fail();
    /// `back`: what each caller asks next of every kind is answered from so many changes ago; the
    /// more than there were, as if nothing had ever been. Nothing: from what is.
    void heal(std::optional<std::size_t> back = std::nullopt,
              std::function<void()> on_told = nullptr);
    /// Whoever has not been told anything old yet will not be.
    void remember() { old_.reset(); }
    [[nodiscard]] bool up() const { return up_; }
    /// What every request is answered with; nothing: it is carried out.
    void refuse(std::optional<Error> why);
    [[nodiscard]] std::optional<Error> refusal() const;
    /// From now on allocations are shown as they are now, until catch_up().
    void lag();
    void catch_up();
    /// No heartbeat of a client came in time: its allocations count as lost, and others take
    /// their place.
    void client_lost(const std::string& host);
    /// It is there again. What counted as lost is stopped on it.
    void client_returned(const std::string& host);

    /// True once for each caller and kind of question after heal(back).
    bool forgot(const std::string& caller, const std::string& question);
    /// `old`: as it was, for one who is told so.
    [[nodiscard]] ports::Page<std::vector<ports::Allocation>> allocations(
        const std::string& nomad_namespace, const std::string& job, bool old = false) const;
    [[nodiscard]] std::uint64_t index() const { return earlier_ ? earlier_->index : index_; }
    [[nodiscard]] ports::Page<std::vector<ports::NomadNode>> nodes(bool old = false) const;
    [[nodiscard]] std::uint64_t nodes_index() const { return nodes_index_; }
    [[nodiscard]] GroupFacts group(const std::string& nomad_namespace, const std::string& job,
                                   const std::string& group, bool old = false) const;
    Result<void> scale(const NomadTarget& target, std::uint32_t count,
                       std::uint64_t job_modify_index);

    /// Whether its client still has it to run.
    [[nodiscard]] bool is_wanted(const std::string& id) {
        const ports::Allocation* one = find(id);
        return one != nullptr && one->facts.desired_status != "stop";
    }

    using Waiter = std::function<bool()>;
    void wait(Waiter waiter) { waiters_.push_back(std::move(waiter)); }

  private:
    [[nodiscard]] std::size_t wanted_running() const;
    [[nodiscard]] std::size_t free_index() const;
    void place();
    void place_missing();
    void started(const std::string& id);
    [[nodiscard]] bool is_ready(const std::string& host) const;
    ports::Allocation* find(const std::string& id);
    void changed();

    Clock& clock_;
    Dice dice_;
    Job job_;
    std::vector<ports::NomadNode> hosts_;
    Driver driver_;
    /// What reads may show an old state of.
    struct View {
        std::vector<ports::Allocation> allocations;
        std::vector<ports::NomadNode> hosts;
        bool registered = false;
        std::uint32_t count = 0;
        std::uint64_t index = 1;
        std::uint64_t nodes_index = 1;
        std::uint64_t job_index = 1;
    };
    static constexpr std::size_t views_most = 8;

    [[nodiscard]] View view() const;

    bool up_ = true;
    std::optional<Error> refusal_;
    std::optional<View> earlier_;
    std::deque<View> past_;  // After each of the last changes.
    std::optional<View> old_;
    std::function<void()> on_told_;
    std::set<std::pair<std::string, std::string>> told_;  // Who was told it, asked what.
    bool registered_ = false;                             // The job.
    std::uint32_t count_ = 0;
    std::uint64_t index_ = 20;
    std::uint64_t nodes_index_ = 20;
    std::uint64_t job_index_ = 20;
    std::vector<ports::Allocation> allocations_;
    std::vector<Waiter> waiters_;
};

}  // namespace rop::simulation
