// What a cluster's loop asks Consul and Nomad beside its watches: consistent reads, before anything
// is believed that a lagging or empty view might have made up.

#include <algorithm>
#include <utility>

#include "operator/loop/cluster_loop.hpp"

namespace rop::loop {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds confirm_every{2'000};

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

}  // namespace rop::loop
