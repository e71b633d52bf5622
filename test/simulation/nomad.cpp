#include "test/simulation/nomad.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace rop::simulation {

using ports::Allocation;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

bool is_over(const Allocation& allocation) {
    return allocation.facts.client_status == "failed" ||
           allocation.facts.client_status == "complete" || allocation.facts.client_status == "lost";
}

}  // namespace

Nomad::Nomad(Clock& clock, Dice dice, Job job, std::vector<ports::NomadNode> hosts)
    : clock_(clock), dice_(dice), job_(std::move(job)), hosts_(std::move(hosts)) {}

Nomad::View Nomad::view() const {
    return View{allocations_, hosts_, registered_, count_, index_, nodes_index_, job_index_};
}

void Nomad::changed() {
    if (past_.empty() || past_.back().index != index_) {
        past_.push_back(view());
        if (past_.size() > views_most) {
            past_.pop_front();
        }
    }
    std::vector<Waiter> asked = std::exchange(waiters_, {});
    std::erase_if(asked, [](const Waiter& waiter) { return !waiter(); });
    std::ranges::move(waiters_, std::back_inserter(asked));
    waiters_ = std::move(asked);
}

void Nomad::fail() {
    up_ = false;
    changed();
}

void Nomad::heal(std::optional<std::size_t> back, std::function<void()> on_told) {
    up_ = true;
    told_.clear();
    old_.reset();
    on_told_ = std::move(on_told);
    if (back) {
        old_ = *back < past_.size() ? past_[past_.size() - 1 - *back] : View{};
    }
    changed();
}

bool Nomad::forgot(const std::string& caller, const std::string& question) {
    const bool tells = old_ && told_.emplace(caller, question).second;
    if (tells && on_told_) {
        std::exchange(on_told_, nullptr)();
    }
    return tells;
}

void Nomad::refuse(std::optional<Error> why) {
    refusal_ = std::move(why);
    changed();
}

std::optional<Error> Nomad::refusal() const {
    return up_ ? refusal_ : Error{ErrorKind::unavailable, "500 No cluster leader"};
}

void Nomad::lag() {
    earlier_ = view();
}

void Nomad::catch_up() {
    earlier_.reset();
    changed();
}

bool Nomad::is_ready(const std::string& host) const {
    return std::ranges::any_of(hosts_, [&](const ports::NomadNode& one) {
        return one.name == host && one.status == "ready";
    });
}

void Nomad::client_lost(const std::string& host) {
    for (ports::NomadNode& one : hosts_) {
        one.status = one.name == host ? "down" : one.status;
    }
    nodes_index_ = ++index_;
    for (Allocation& one : allocations_) {
        if (one.node_name == host && !is_over(one)) {
            one.facts.client_status = "lost";
            one.facts.desired_status = "stop";
        }
    }
    place_missing();
    changed();
}

void Nomad::client_returned(const std::string& host) {
    for (ports::NomadNode& one : hosts_) {
        one.status = one.name == host ? "ready" : one.status;
    }
    nodes_index_ = ++index_;
    std::vector<std::string> lost;
    for (const Allocation& one : allocations_) {
        if (one.node_name == host && one.facts.client_status == "lost") {
            lost.push_back(one.id);
        }
    }
    for (const std::string& id : lost) {
        driver_.stop(*find(id));
        find(id)->facts.client_status = "complete";
        find(id)->facts.terminated_at = clock_.wall();
        ++index_;
        driver_.stopped(*find(id));
    }
    place_missing();
    changed();
}

void Nomad::place_missing() {
    const bool any_ready = std::ranges::any_of(
        hosts_, [](const ports::NomadNode& host) { return host.status == "ready"; });
    while (any_ready && wanted_running() < count_) {
        place();
    }
}

std::size_t Nomad::wanted_running() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(allocations_, [](const auto& one) { return !is_over(one); }));
}

std::size_t Nomad::free_index() const {
    std::set<std::string> taken;
    for (const Allocation& one : allocations_) {
        if (!is_over(one)) {
            taken.insert(one.facts.name);
        }
    }
    std::size_t index = 0;
    while (taken.contains(job_.name + "." + job_.group + "[" + std::to_string(index) + "]")) {
        ++index;
    }
    return index;
}

void Nomad::run(std::uint32_t count) {
    registered_ = true;
    count_ = count;
    job_index_ = ++index_;
    place_missing();
    changed();
}

void Nomad::place() {
    Allocation one;
    one.id = dice_.uuid();
    // On the host with the fewest, the first of them.
    const auto load = [this](const ports::NomadNode& host) {
        const auto here = std::ranges::count_if(allocations_, [&](const Allocation& other) {
            return !is_over(other) && other.node_name == host.name;
        });
        return std::pair(host.status != "ready", here);
    };
    const ports::NomadNode& host = *std::ranges::min_element(hosts_, {}, load);
    one.node_name = host.name;
    one.facts.job = job_.name;
    one.facts.group = job_.group;
    one.facts.name = job_.name + "." + job_.group + "[" + std::to_string(free_index()) + "]";
    one.facts.host = HostId{host.id};
    one.facts.client_status = "pending";
    one.facts.desired_status = "run";
    one.facts.create_index = ++index_;
    allocations_.push_back(one);
    clock_.after(dice_.between(milliseconds{50}, milliseconds{400}),
                 [this, id = one.id] { started(id); });
}

void Nomad::started(const std::string& id) {
    Allocation& one = *find(id);
    if (is_over(one)) {
        return;  // Its host was lost before it began.
    }
    one.facts.client_status = "running";
    one.facts.started_at = clock_.wall();
    ++index_;
    driver_.start(one);
    changed();
}

Allocation* Nomad::find(const std::string& id) {
    const auto it =
        std::ranges::find_if(allocations_, [&](const auto& one) { return one.id == id; });
    return it == allocations_.end() ? nullptr : &*it;
}

void Nomad::task_terminated(const std::string& id) {
    const Timestamp ended = clock_.wall();
    clock_.after(dice_.between(milliseconds{20}, milliseconds{600}), [this, id, ended] {
        Allocation& one = *find(id);
        if (is_over(one) || !is_ready(one.node_name)) {
            return;  // Its host tells when it returns.
        }
        one.facts.client_status = "failed";
        one.facts.terminated_at = ended;
        ++index_;
        driver_.stopped(one);
        changed();
        // restart { attempts = 0 mode = "fail" } reschedule { delay = "5s" }
        clock_.after(seconds{5}, [this] {
            place_missing();
            changed();
        });
    });
}

void Nomad::task_restarts(const std::string& id) {
    const Timestamp ended = clock_.wall();
    clock_.after(dice_.between(milliseconds{20}, milliseconds{600}), [this, id, ended] {
        Allocation& one = *find(id);
        if (is_over(one)) {
            return;
        }
        one.facts.client_status = "pending";
        one.facts.terminated_at = ended;
        ++index_;
        changed();
    });
}

void Nomad::task_restarted(const std::string& id) {
    Allocation& one = *find(id);
    if (is_over(one)) {
        return;
    }
    one.facts.client_status = "running";
    one.facts.started_at = clock_.wall();
    ++index_;
    changed();
}

ports::Page<std::vector<Allocation>> Nomad::allocations(const std::string& nomad_namespace,
                                                        const std::string& job, bool old) const {
    const bool known = nomad_namespace == job_.nomad_namespace && job == job_.name;
    const View* const shown = old ? &*old_ : earlier_ ? &*earlier_ : nullptr;
    const std::vector<Allocation>& all = shown != nullptr ? shown->allocations : allocations_;
    return {known ? all : std::vector<Allocation>{}, shown != nullptr ? shown->index : index_};
}

ports::Page<std::vector<ports::NomadNode>> Nomad::nodes(bool old) const {
    std::vector<ports::NomadNode> stubs = old ? old_->hosts : hosts_;
    for (ports::NomadNode& stub : stubs) {
        stub.meta.clear();
        stub.consul_name.clear();
    }
    return {stubs, old ? old_->nodes_index : nodes_index_};
}

GroupFacts Nomad::group(const std::string& nomad_namespace, const std::string& job,
                        const std::string& group, bool old) const {
    GroupFacts facts;
    const View shown = old ? *old_ : view();
    const bool known = nomad_namespace == job_.nomad_namespace && job == job_.name;
    if (shown.registered && known && group == job_.group) {
        facts.job_exists = true;
        facts.count = shown.count;
        facts.job_modify_index = shown.job_index;
    }
    return facts;
}

Result<void> Nomad::scale(const NomadTarget& target, std::uint32_t count,
                          std::uint64_t job_modify_index) {
    if (!registered_ || target.job != job_.name) {
        return Error{ErrorKind::rejected, "job \"" + target.job + "\" not found"};
    }
    if (target.group != job_.group) {
        return Error{ErrorKind::rejected, "task group \"" + target.group +
                                              "\" specified for scaling does not exist in job"};
    }
    if (job_modify_index != 0 && job_modify_index != job_index_) {
        return Error{ErrorKind::rejected,
                     "Enforcing job modify index: job exists with conflicting job modify index"};
    }
    if (count < count_) {
        return Error{ErrorKind::rejected, "the model does not scale in"};
    }
    run(count);
    return ok();
}

}  // namespace rop::simulation
