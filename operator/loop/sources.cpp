#include "operator/loop/sources.hpp"

#include <utility>

namespace rop::loop {

namespace asio = boost::asio;

namespace {

/// When nothing rings: who scales without effect on allocations is noticed this late.
constexpr std::chrono::milliseconds group_every{10'000};

/// The end of a deployment rings nothing either, and may be what scaling waits for.
constexpr std::chrono::milliseconds group_every_while_deployed{1'000};

/// Allocations change in bursts.
constexpr std::chrono::milliseconds group_pace{100};

}  // namespace

Sources::Sources(Ports ports, const NodesWatch* nodes, std::function<void()> ring)
    : ports_(ports),
      nodes_(nodes),
      ring_(std::move(ring)),
      tasks_(ports.time->executor()),
      group_bell_(ports.time) {
    tasks_.on_failure([this] {
        broken_ = true;
        ring_();
    });
}

asio::awaitable<void> Sources::follow(ClusterSpec spec) {
    const std::optional<NomadTarget> target = with_nomad(spec) ? spec.nomad : std::nullopt;
    if (health_ && !broken_ && service_ == spec.service && target_ == target) {
        co_return;
    }
    tasks_.stop();
    co_await tasks_.join();  // Throws what a watch ended by; the next round begins anew.
    broken_ = false;
    service_ = spec.service;
    target_ = target;
    group_.reset();
    group_problem_.clear();
    group_asked_ = false;
    const auto ask_health = [this](ports::BlockingQuery query) {
        return ports_.consul->health(service_, query);
    };
    observe::WatchOptions options;
    options.name = "service " + service_;
    health_ = std::make_unique<observe::Watch<std::vector<ports::ServiceEntry>>>(
        ports_.time, ports_.random, options, ask_health, ring_);
    tasks_.spawn(options.name, health_->run());
    allocations_.reset();
    if (target_) {
        const auto ask_allocations = [this](ports::BlockingQuery query) {
            return ports_.nomad->allocations(target_->nomad_namespace, target_->job, query);
        };
        options.name = "allocations " + target_->job;
        allocations_ = std::make_unique<observe::Watch<std::vector<ports::Allocation>>>(
            ports_.time, ports_.random, options, ask_allocations, [this] {
                group_bell_.ring();
                ring_();
            });
        tasks_.spawn(options.name, allocations_->run());
        tasks_.spawn("group " + target_->group, keep_asking_for_count());
    }
}

asio::awaitable<void> Sources::keep_asking_for_count() {
    for (;;) {
        const NomadTarget target = *target_;
        Result<GroupFacts> group =
            co_await ports_.nomad->group(target.nomad_namespace, target.job, target.group);
        group_asked_ = true;
        const std::string problem = group.has_error() ? group.error().what : std::string{};
        const std::optional<GroupFacts> found =
            group.has_value() ? std::optional<GroupFacts>(group.value()) : std::nullopt;
        if (found != group_ || problem != group_problem_) {
            group_ = found;
            group_problem_ = problem;
            ring_();
        }
        co_await ports_.time->sleep_for(group_pace);
        const bool deployed = group_ && group_->deployment_active;
        const auto wait = deployed ? group_every_while_deployed : group_every;
        co_await group_bell_.wait_until(ports_.time->now() + wait);
    }
}

void Sources::expect_new_count(std::optional<std::uint32_t> accepted) {
    if (group_ && accepted) {
        group_->count = *accepted;
    }
    group_bell_.ring();
}

asio::awaitable<void> Sources::refresh_hosts(ClusterSpec spec) {
    if (!target_ || !spec.spread.starts_with("meta.") || nodes_ == nullptr || !nodes_->value()) {
        co_return;
    }
    const std::vector<ports::NomadNode> listed = *nodes_->value();
    for (const auto& node : listed) {
        if (hosts_.contains(node.id)) {
            continue;
        }
        Result<ports::NomadNode> detail = co_await ports_.nomad->node(node.id);
        if (detail.has_value()) {
            hosts_[node.id] = std::move(detail).value();
        }
    }
}

void Sources::fill(const ClusterSpec& spec, observe::Observations& seen) const {
    seen.consul = health_->view();
    seen.consul.configured = true;
    if (health_->value()) {
        seen.services = *health_->value();
    }
    seen.nomad.configured = spec.nomad.has_value();
    if (spec.nomad && ports_.nomad == nullptr) {
        seen.nomad.why = "this operator was started without an address of Nomad";
    }
    if (!allocations_) {
        return;
    }
    seen.nomad = allocations_->view();
    seen.nomad.configured = true;
    seen.nomad_group = target_->group;
    seen.group = group_;
    if (allocations_->value()) {
        seen.allocations = *allocations_->value();
    }
    if (nodes_ != nullptr && nodes_->value()) {
        seen.nodes = *nodes_->value();
        for (auto& node : seen.nodes) {
            if (const auto it = hosts_.find(node.id); it != hosts_.end()) {
                node.meta = it->second.meta;
            }
        }
    }
    if (nodes_ != nullptr && !nodes_->view().certain) {
        seen.nomad.certain = false;
        seen.nomad.why = "nodes: " + nodes_->view().why;
    } else if (!group_problem_.empty() && seen.nomad.certain) {
        seen.nomad.certain = false;
        seen.nomad.why = group_problem_;
    }
}

bool Sources::ready() const {
    const auto settled = [](const auto& watch) {
        return watch.view().seen || watch.failures() > 0;
    };
    return health_ && settled(*health_) && (!allocations_ || settled(*allocations_)) &&
           (!allocations_ || group_asked_) &&
           (!allocations_ || nodes_ == nullptr || settled(*nodes_));
}

std::string Sources::not_live() const {
    if (!health_) {
        return {};
    }
    if (!health_->view().certain) {
        return health_->name() + ": " + health_->view().why;
    }
    if (allocations_ && !allocations_->view().certain) {
        return allocations_->name() + ": " + allocations_->view().why;
    }
    if (allocations_ && nodes_ != nullptr && !nodes_->view().certain) {
        return nodes_->name() + ": " + nodes_->view().why;
    }
    return {};
}

void Sources::report(telemetry::Metrics& metrics) {
    const Moment now = ports_.time->now();
    if (health_) {
        report_.add(metrics, *health_, now);
    }
    if (allocations_) {
        report_.add(metrics, *allocations_, now);
    }
    report_.forget_others(metrics);
}

}  // namespace rop::loop
