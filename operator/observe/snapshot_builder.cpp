#include "operator/observe/snapshot_builder.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace rop::observe {
namespace {

constexpr std::string_view nomad_prefix = "_nomad-task-";
constexpr std::size_t uuid_size = 36;

const ports::NomadNode* node_of(const Observations& seen, const std::string& id) {
    const auto it = std::find_if(seen.nodes.begin(), seen.nodes.end(),
                                 [&](const ports::NomadNode& node) { return node.id == id; });
    return it == seen.nodes.end() ? nullptr : &*it;
}

Instance from_allocation(const Observations& seen, const ports::Allocation& allocation) {
    Instance instance;
    instance.id = InstanceId{allocation.id};
    instance.nomad = allocation.facts;
    instance.host = allocation.facts.host;
    instance.host_name =
        allocation.node_name.empty() ? instance.host.value() : allocation.node_name;
    if (const ports::NomadNode* node = node_of(seen, allocation.facts.host.value())) {
        instance.nomad->client_connected = node->status == "ready";
        instance.datacenter = node->datacenter;
        instance.host_meta = node->meta;
    }
    return instance;
}

void add_catalog(const ports::ServiceEntry& entry, Instance& instance) {
    instance.consul = ConsulFacts{entry.node, entry.service_id, entry.status, entry.meta};
    instance.address = Endpoint{entry.address, entry.port};
    if (instance.host.value().empty()) {
        instance.host = HostId{entry.node};
        instance.host_name = entry.node;
    }
    if (instance.datacenter.empty()) {
        instance.datacenter = entry.datacenter;
    }
    if (instance.host_meta.empty()) {
        instance.host_meta = entry.node_meta;
    }
}

bool has_ended(const NomadFacts& facts) {
    return facts.client_status == "complete" || facts.client_status == "failed" ||
           facts.client_status == "lost";
}

/// Nomad keeps ended allocations for hours; only those that someone still speaks of matter.
bool is_history(const Observations& seen, const Instance& instance) {
    const bool in_record = seen.record && seen.record->members.contains(instance.id);
    return instance.nomad && !instance.consul && !in_record && has_ended(*instance.nomad);
}

void remember(const Snapshot* previous, Instance& instance) {
    if (previous == nullptr) {
        return;
    }
    const auto it = previous->instances.find(instance.id);
    if (it != previous->instances.end()) {
        instance.last_run_id = it->second.last_run_id;
        instance.last_node = it->second.last_node;
        instance.swept = it->second.swept;
    }
}

bool shows_older(const InstanceReport& report, const Standing& standing) {
    const std::vector<OperatorConnection> none;
    const auto& operators = report.operators ? *report.operators : none;
    return std::any_of(operators.begin(), operators.end(), [&](const OperatorConnection& other) {
        return other.installation != standing.installation || other.epoch != standing.epoch;
    });
}

void fold_answer(const Standing& standing, SurveyAnswer answer, Instance& instance) {
    instance.contact = answer.contact;
    instance.contact_detail = std::move(answer.detail);
    instance.report = std::move(answer.report);
    if (!instance.report) {
        return;
    }
    const InstanceReport& report = *instance.report;
    if (report.run_id != instance.last_run_id) {
        instance.swept.reset();
    }
    if (report.operators && !shows_older(report, standing)) {
        instance.swept = standing.epoch;
    }
    instance.last_run_id = report.run_id;
    instance.last_node = report.node;
}

std::map<InstanceId, Absence> absences(const Snapshot* previous, const Observations& seen,
                                       const std::map<InstanceId, Instance>& instances) {
    std::map<InstanceId, Absence> found;
    if (!seen.record) {
        return found;
    }
    for (const auto& [id, member] : seen.record->members) {
        if (instances.contains(id)) {
            continue;
        }
        Absence absence{seen.now, seen.confirmed_absent.contains(id)};
        if (previous != nullptr) {
            const auto before = previous->absences.find(id);
            if (before != previous->absences.end()) {
                absence.since = before->second.since;
                absence.confirmed = absence.confirmed || before->second.confirmed;
            }
        }
        found.emplace(id, absence);
    }
    return found;
}

/// Rows in handshake come and go under made-up ids, and epochs and offsets say nothing here.
auto essence(const TableRow& row) {
    return std::tie(row.id, row.is_primary, row.primary, row.failed, row.link_connected, row.slots);
}

bool says_the_same(const InstanceReport& a, const InstanceReport& b) {
    const auto settled = [](const InstanceReport& report) {
        std::vector<const TableRow*> rows;
        for (const auto& row : report.table) {
            if (!row.in_handshake) {
                rows.push_back(&row);
            }
        }
        std::sort(rows.begin(), rows.end(),
                  [](const auto* x, const auto* y) { return x->id < y->id; });
        return rows;
    };
    const auto mine = settled(a);
    const auto theirs = settled(b);
    return a.node == b.node && a.run_id == b.run_id && a.state_ok == b.state_ok &&
           a.link_up == b.link_up && a.node_timeout == b.node_timeout &&
           std::equal(mine.begin(), mine.end(), theirs.begin(), theirs.end(),
                      [](const auto* x, const auto* y) { return essence(*x) == essence(*y); });
}

bool say_the_same(const std::map<InstanceId, Instance>& a,
                  const std::map<InstanceId, Instance>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.first == y.first && x.second.contact == y.second.contact &&
               x.second.report.has_value() == y.second.report.has_value() &&
               (!x.second.report || says_the_same(*x.second.report, *y.second.report));
    });
}

}  // namespace

InstanceId identity_of(const ports::ServiceEntry& entry, bool with_nomad) {
    const std::string& id = entry.service_id;
    const bool by_nomad =
        with_nomad && id.starts_with(nomad_prefix) && id.size() > nomad_prefix.size() + uuid_size;
    if (by_nomad) {
        return InstanceId{id.substr(nomad_prefix.size(), uuid_size)};
    }
    return InstanceId{entry.node + "/" + id};
}

std::map<InstanceId, Instance> roster(const Observations& seen, const Snapshot* previous) {
    std::map<InstanceId, Instance> instances;
    for (const auto& allocation : seen.allocations) {
        if (allocation.facts.group == seen.nomad_group) {
            Instance instance = from_allocation(seen, allocation);
            const InstanceId id = instance.id;
            instances.emplace(id, std::move(instance));
        }
    }
    for (const auto& entry : seen.services) {
        const InstanceId id = identity_of(entry, seen.nomad.configured);
        Instance& instance = instances[id];
        instance.id = id;
        if (!instance.consul) {
            add_catalog(entry, instance);
        }
    }
    std::erase_if(instances, [&](const auto& entry) { return is_history(seen, entry.second); });
    for (auto& [id, instance] : instances) {
        remember(previous, instance);
    }
    return instances;
}

SnapshotPtr build_snapshot(const Snapshot* previous, Observations seen) {
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->instances = roster(seen, previous);
    for (auto& answer : seen.answers) {
        const auto it = snapshot->instances.find(answer.id);
        if (it != snapshot->instances.end()) {
            fold_answer(seen.standing, std::move(answer), it->second);
        }
    }
    snapshot->absences = absences(previous, seen, snapshot->instances);
    snapshot->revision = Revision{previous == nullptr ? 1 : previous->revision.value() + 1};
    snapshot->cluster = std::move(seen.cluster);
    snapshot->now = seen.now;
    snapshot->wall = seen.wall;
    snapshot->standing = std::move(seen.standing);
    snapshot->offer = std::move(seen.offer);
    snapshot->record = std::move(seen.record);
    snapshot->record_index = seen.record_index;
    snapshot->records_known = seen.records_known;
    snapshot->claimed = std::move(seen.claimed);
    snapshot->consul = std::move(seen.consul);
    snapshot->nomad = std::move(seen.nomad);
    snapshot->group = std::move(seen.group);
    snapshot->setbacks = std::move(seen.setbacks);
    const bool same = previous != nullptr && say_the_same(previous->instances, snapshot->instances);
    snapshot->last_changed = same ? previous->last_changed : snapshot->now;
    return snapshot;
}

}  // namespace rop::observe
