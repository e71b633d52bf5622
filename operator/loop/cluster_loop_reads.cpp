// What a cluster's loop reads beside its watches: secrets, and consistent reads before anything is
// believed that a lagging or empty view might have made up.

#include <algorithm>
#include <utility>

#include "operator/loop/cluster_loop.hpp"

namespace rop::loop {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds confirm_every{2'000};
constexpr milliseconds look_at_files{1'000};

bool refers_to_files(const ClusterSpec& spec) {
    return spec.tls.enabled || (spec.auth && spec.auth->password.kind == SecretRef::Kind::file);
}

}  // namespace

/// Members of record that no source shows any more are looked for once again, consistently,
/// before anyone may call them gone.
asio::awaitable<SnapshotPtr> ClusterLoop::confirm_absences(ClusterSpec spec, SnapshotPtr seen) {
    std::erase_if(confirmed_absent_, [&](const auto& id) { return !seen->absences.contains(id); });
    const bool open = std::any_of(seen->absences.begin(), seen->absences.end(),
                                  [](const auto& entry) { return !entry.second.confirmed; });
    const Moment now = context_.ports.time->now();
    if (!open || !seen->standing.leading || !seen->consul.certain) {
        co_return seen;
    }
    if (now - last_confirmation_ < confirm_every) {
        publish_again_ = last_confirmation_ + confirm_every;  // Nothing rings for who is gone.
        co_return seen;
    }
    last_confirmation_ = now;
    ports::BlockingQuery consistent;
    consistent.consistent = true;
    const auto services = co_await context_.ports.consul->health(spec.service, consistent);
    if (services.has_error()) {
        co_return seen;
    }
    std::set<InstanceId> shown;
    for (const auto& entry : services.value().value) {
        shown.insert(observe::identity_of(entry, spec.nomad.has_value()));
    }
    if (spec.nomad) {
        if (context_.ports.nomad == nullptr || !seen->nomad.certain) {
            co_return seen;
        }
        const ports::BlockingQuery fresh;
        const auto allocations = co_await context_.ports.nomad->allocations(
            spec.nomad->nomad_namespace, spec.nomad->job, fresh);
        if (allocations.has_error()) {
            co_return seen;
        }
        for (const auto& allocation : allocations.value().value) {
            shown.insert(InstanceId{allocation.id});
        }
    }
    auto confirmed = std::make_shared<Snapshot>(*seen);
    for (auto& [id, absence] : confirmed->absences) {
        if (!shown.contains(id)) {
            absence.confirmed = true;
            confirmed_absent_.insert(id);
        }
    }
    co_return confirmed;
}

asio::awaitable<void> ClusterLoop::reread_record() {
    const std::string key =
        context_.options->leadership.kv_prefix + "clusters/" + name_.value() + "/record";
    ports::BlockingQuery consistent;
    consistent.consistent = true;
    const auto page = co_await context_.ports.consul->kv_get(key, consistent);
    if (page.has_error()) {
        publish_again_ = context_.ports.time->now() + milliseconds{500};
        co_return;
    }
    documents_.record.reset();
    documents_.record_index = 0;
    documents_.record_problem.clear();
    if (page.value().value) {
        const std::vector<ports::KvEntry> entries{*page.value().value};
        const Catalogue read = read_documents(entries, context_.options->leadership.kv_prefix);
        const Documents& found = read.clusters.at(name_);
        documents_.record = found.record;
        documents_.record_index = found.record_index;
        documents_.record_problem = found.record_problem;
    }
    record_unknown_ = false;
}

/// No event tells that a file has changed.
asio::awaitable<void> ClusterLoop::wait_for_round(Moment wake) {
    const bool has_files = refers_to_files(looked_with_);
    for (;;) {
        const Moment now = context_.ports.time->now();
        const Moment until = has_files ? std::min(wake, now + look_at_files) : wake;
        const auto woken = co_await bell_.wait_until(until);
        const bool is_time = until == wake || has_new_access();
        if (woken == runtime::Bell::Woken::early || is_time) {
            co_return;
        }
    }
}

Result<ports::AccessPtr> ClusterLoop::access_to(const ClusterSpec& spec) const {
    return context_.options->access ? context_.options->access(spec, secret_.fetched())
                                    : Result<ports::AccessPtr>(nullptr);
}

bool ClusterLoop::has_new_access() const {
    const auto access = access_to(looked_with_);
    return (access.has_value() ? access.value() : nullptr) != access_;
}

void ClusterLoop::stop_sources() {
    sources_.stop();
    secret_.stop();
}

asio::awaitable<void> ClusterLoop::join_sources() {
    co_await sources_.join();
    co_await secret_.join();
}

void ClusterLoop::forget_watches(telemetry::Metrics& metrics) {
    sources_.forget(metrics);
    secret_.forget(metrics);
}

}  // namespace rop::loop
