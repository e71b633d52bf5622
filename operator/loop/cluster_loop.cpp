#include "operator/loop/cluster_loop.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "operator/loop/look.hpp"
#include "operator/runtime/cancellation.hpp"
#include "operator/telemetry/log.hpp"
#include "operator/telemetry/metrics.hpp"
#include "reconcilers/registry.hpp"
#include "reconcilers/status_parts.hpp"

namespace rop::loop {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

/// Rings come in bursts; a round sees them all.
constexpr milliseconds breath{20};
/// After an action its effect is looked for at once.
constexpr milliseconds breath_after_acting{1};
constexpr milliseconds bug_pause{1'000};
constexpr milliseconds claim_again{1'000};
constexpr milliseconds retry_least{20};
constexpr milliseconds retry_most{10'000};

execute::ExecutorPorts executor_ports(const LoopContext& context) {
    return {context.ports.time, context.ports.redis, context.ports.consul, context.ports.nomad,
            context.leadership};
}

execute::ExecutorOptions executor_options(const LoopContext& context) {
    execute::ExecutorOptions options;
    options.kv_prefix = context.options->leadership.kv_prefix;
    options.lock_key = context.leadership->lock_key();
    options.session = [leadership = context.leadership] { return leadership->session(); };
    options.redis_deadline = context.options->redis_deadline;
    return options;
}

PublisherOptions publisher_options(const LoopContext& context) {
    return {context.options->leadership.kv_prefix, context.leadership->lock_key(),
            [leadership = context.leadership] { return leadership->session(); }};
}

milliseconds retry_after(std::uint32_t failures) {
    milliseconds wait = retry_least;
    for (std::uint32_t i = 1; i < failures && wait < retry_most; ++i) {
        wait *= 2;
    }
    return std::min(wait, retry_most);
}

}  // namespace

ClusterLoop::ClusterLoop(LoopContext context, ClusterName name)
    : context_(context),
      name_(std::move(name)),
      bell_(context.ports.time),
      sources_(context.ports, context.nodes, [this] { bell_.ring(); }),
      secret_(context.ports, context.options->leadership.kv_prefix, [this] { bell_.ring(); }),
      executor_(executor_ports(context), executor_options(context)),
      publisher_(context.ports.time, context.ports.consul, name_, publisher_options(context)) {
    if (context_.metrics != nullptr) {
        context_.metrics->last_good_round(name_, milliseconds{0});  // From here its age grows.
    }
}

/// The watch may lag behind a record that we wrote ourselves: the newer one counts.
void ClusterLoop::update(Documents documents, const View& kv) {
    const bool wake = !documents.same_wish(documents_) || kv.certain != kv_.certain;
    kv_ = kv;
    if (documents.record_index < documents_.record_index) {
        record_unknown_ = record_unknown_ || documents.record_index == 0;  // Deleted, or not yet?
        documents.record = documents_.record;
        documents.record_index = documents_.record_index;
        documents.record_problem = documents_.record_problem;
    }
    documents_ = std::move(documents);
    if (documents_.record) {
        context_.claims->know(name_, *documents_.record);
    }
    if (wake) {
        bell_.ring();
    }
}

asio::awaitable<void> ClusterLoop::run() {
    for (;;) {
        co_await guarded_round();
        const Moment wake = next_round();
        const auto least = acted_ ? breath_after_acting : breath;
        co_await context_.ports.time->sleep_for(least);
        co_await wait_for_round(wake);
    }
}

/// A bug in one cluster's round must not end the loops of all others: it is said aloud, and tried
/// again with patience.
asio::awaitable<void> ClusterLoop::guarded_round() {
    std::string bug;
    try {
        co_await round();
    } catch (const std::exception& error) {
        if (runtime::is_cancellation(std::current_exception())) {
            throw;
        }
        bug = error.what();
    }
    if (!bug.empty()) {
        log::error("round ended by a bug", {{"cluster", name_.value()}, {"error", bug}});
        acted_ = false;
        co_await context_.ports.time->sleep_for(bug_pause);
    }
}

Moment ClusterLoop::next_round() const {
    const Moment now = context_.ports.time->now();
    if (acted_) {
        return now;
    }
    Moment wake = now + context_.options->resync;
    if (view_.plan && view_.plan->look_again) {
        wake = std::min(wake, now + *view_.plan->look_again);
    }
    if (publish_again_) {
        wake = std::min(wake, *publish_again_);
    }
    return wake;
}

std::optional<ClusterSpec> ClusterLoop::wanted() const {
    Snapshot documents;
    documents.offer = documents_.offer;
    documents.record = documents_.record;
    return reconcilers::spec_in_force(documents);
}

asio::awaitable<void> ClusterLoop::round() {
    acted_ = false;
    publish_again_.reset();
    const Moment begun = context_.ports.time->now();
    last_round_ = begun;
    // A watch may lag behind what the leader before us wrote.
    const bool takes_over = context_.leadership->standing().leading && !was_leading_;
    if (record_unknown_ || takes_over) {
        record_unknown_ = true;
        co_await reread_record();
    }
    const ClusterSpec spec = wanted().value_or(ClusterSpec{});
    if (!spec.service.empty()) {
        co_await sources_.follow(spec);
        co_await sources_.refresh_hosts(spec);
        co_await secret_.follow(spec);
        if (!sources_.ready() || !secret_.ready()) {
            co_return;  // They ring when they have something to say.
        }
    }
    SnapshotPtr seen = co_await observe(spec);
    seen = co_await confirm_absences(spec, seen);
    watch_for_greater_epochs(*seen);
    Plan plan = reconcilers::plan_round(*seen);
    conclude(seen, plan);
    const bool acts = seen->standing.leading && !plan.steps.empty();
    // Another cluster may have taken one of the same instances since we looked.
    if (acts && context_.claims->stake(name_, plan)) {
        co_await act(std::move(plan), seen);
    } else if (acts) {
        publish_again_ = context_.ports.time->now() + claim_again;
    }
    if (seen->standing.leading) {
        co_await publish();
    }
    was_leading_ = seen->standing.leading;
    if (context_.metrics != nullptr) {
        using telemetry::RoundOutcome;
        const bool failed = acts && !acted_;
        const bool skipped = !seen->standing.leading || !seen->consul.certain;
        const auto outcome = failed    ? RoundOutcome::failed
                             : acted_  ? RoundOutcome::acted
                             : skipped ? RoundOutcome::skipped
                                       : RoundOutcome::quiet;
        context_.metrics->round(name_, outcome, context_.ports.time->now() - begun);
        if (!failed && seen->consul.certain) {
            last_good_ = context_.ports.time->now();
        }
        if (last_good_) {
            context_.metrics->last_good_round(name_, context_.ports.time->now() - *last_good_);
        }
        sources_.report(*context_.metrics);
        secret_.report(*context_.metrics);
    }
}

observe::Observations ClusterLoop::collect(const ClusterSpec& spec) const {
    observe::Observations seen;
    seen.cluster = name_;
    seen.now = context_.ports.time->now();
    seen.wall = context_.ports.time->wall();
    seen.standing = context_.leadership->standing();
    seen.offer = documents_.offer;
    seen.record = documents_.record;
    seen.record_index = documents_.record_index;
    seen.records_known = kv_.seen && documents_.record_problem.empty() && !record_unknown_;
    seen.claimed = context_.claims->of_others(name_);
    seen.setbacks = setbacks_;
    seen.confirmed_absent = confirmed_absent_;
    if (spec.service.empty()) {
        seen.consul = kv_;
        return seen;
    }
    sources_.fill(spec, seen);
    if (seen.consul.certain && !kv_.certain) {
        seen.consul.certain = false;
        seen.consul.why = "keys: " + kv_.why;
    }
    if (!documents_.record_problem.empty()) {
        seen.consul.certain = false;
        seen.consul.why = "the record cannot be read: " + documents_.record_problem;
    }
    return seen;
}

asio::awaitable<SnapshotPtr> ClusterLoop::observe(ClusterSpec spec) {
    observe::Observations collected = collect(spec);
    const Standing& standing = collected.standing;
    const std::string name = standing.leading
                                 ? execute::connection_name(standing.installation, standing.epoch)
                                 : looking_name(standing.installation);
    auto access = access_to(spec);
    looked_with_ = spec;
    access_ = access.has_value() ? access.value() : nullptr;
    LookRequest request{std::move(collected), view_.snapshot, std::move(access), name,
                        context_.options->redis_deadline};
    const Moment asked = context_.ports.time->now();
    SnapshotPtr seen = co_await look(context_.ports, std::move(request));
    if (context_.metrics != nullptr) {
        context_.metrics->survey(name_, context_.ports.time->now() - asked);
    }
    co_return seen;
}

void ClusterLoop::watch_for_greater_epochs(const Snapshot& seen) {
    Epoch greatest = seen.record ? seen.record->epoch : Epoch{};
    for (const auto& [id, instance] : seen.instances) {
        if (!instance.report || !instance.report->operators) {
            continue;
        }
        for (const auto& other : *instance.report->operators) {
            if (other.installation == seen.standing.installation) {
                greatest = std::max(greatest, other.epoch);
            }
        }
    }
    if (seen.standing.leading && greatest > seen.standing.epoch) {
        context_.leadership->greater_epoch_seen(greatest);
    }
}

void ClusterLoop::conclude(SnapshotPtr seen, Plan plan) {
    const ClusterStatus* before = view_.status        ? view_.status.get()
                                  : documents_.status ? &*documents_.status
                                                      : nullptr;
    auto status = std::make_shared<ClusterStatus>(reconcilers::conditions(*seen, plan, before));
    if (seen->standing.leading) {
        if (!was_leading_) {
            events_->resume(documents_.events);
            publisher_.forget_written();
        }
        note_phase(before, *status, *events_);
    } else {
        events_ = std::make_shared<EventLog>();
        events_->resume(documents_.events);
    }
    if (context_.metrics != nullptr) {
        context_.metrics->cluster(*status);
        context_.metrics->replication_lag(name_,
                                          reconcilers::replication_lag(*seen, status->shards));
    }
    view_.snapshot = std::move(seen);
    view_.plan = std::make_shared<Plan>(std::move(plan));
    view_.status = std::move(status);
    view_.events = events_->events();
}

asio::awaitable<void> ClusterLoop::act(Plan plan, SnapshotPtr seen) {
    execute::PlanOutcome outcome = co_await executor_.run(plan, seen, access_);
    fold_outcome(plan, outcome);
}

void ClusterLoop::fold_outcome(const Plan& plan, const execute::PlanOutcome& outcome) {
    const Moment now = context_.ports.time->now();
    note_actions(outcome, context_.ports.time->wall(), *events_);
    for (const auto& step : outcome.steps) {
        const auto took = std::chrono::duration_cast<milliseconds>(step.took).count();
        if (!step.failure) {
            log::info("step done", {{"cluster", name_.value()},
                                    {"concern", plan.concern},
                                    {"action", step.what},
                                    {"reason", step.reason},
                                    {"took_ms", took}});
        } else {
            log::warn("step failed", {{"cluster", name_.value()},
                                      {"concern", plan.concern},
                                      {"action", step.what},
                                      {"error", step.failure->what}});
        }
        if (context_.metrics != nullptr) {
            using telemetry::ActionOutcome;
            const auto result = !step.failure                             ? ActionOutcome::done
                                : step.failure->kind == ErrorKind::fenced ? ActionOutcome::fenced
                                                                          : ActionOutcome::failed;
            context_.metrics->action(name_, step.kind, result, step.took);
        }
    }
    if (outcome.record) {
        documents_.record = outcome.record;
        documents_.record_index = outcome.record_index;
    }
    record_unknown_ = record_unknown_ || outcome.record_unknown;
    acted_ = !outcome.failed();
    if (!outcome.failed()) {
        setbacks_.erase(plan.concern);
    } else if (!outcome.fenced()) {
        Setback& setback = setbacks_[plan.concern];
        ++setback.failures;
        setback.what = outcome.steps.back().failure->what;
        setback.retry_at = now + retry_after(setback.failures);
        publish_again_ = setback.retry_at;
    }
    for (const auto& step : plan.steps) {
        if (const auto* raise = std::get_if<RaiseCount>(&step.action)) {
            sources_.expect_new_count(outcome.failed() ? std::nullopt
                                                       : std::optional<std::uint32_t>(raise->to));
        }
    }
}

asio::awaitable<void> ClusterLoop::publish() {
    const std::string base =
        context_.options->leadership.kv_prefix + "clusters/" + name_.value() + "/";
    ports::KvCheckIndex anchor{base + "record", documents_.record_index};
    if (documents_.record_index == 0 && documents_.offer) {
        anchor = {base + "spec", documents_.offer->modify_index};
    }
    if (kv_.certain && publisher_.was_replaced(documents_.status_index, kv_.at)) {
        publisher_.forget_written();  // People and their dashboards read it there.
    }
    const std::optional<Moment> again =
        co_await publisher_.publish(view_.status, events_, std::move(anchor));
    if (again) {
        publish_again_ = publish_again_ ? std::min(*publish_again_, *again) : *again;
    }
    view_.events = events_->events();
}

std::vector<Endpoint> ClusterLoop::endpoints() const {
    std::vector<Endpoint> list;
    if (view_.snapshot) {
        for (const auto& [id, instance] : view_.snapshot->instances) {
            if (instance.address) {
                list.push_back(*instance.address);
            }
        }
    }
    return list;
}

}  // namespace rop::loop
