#include "reconcilers/evidence.hpp"

#include <algorithm>

#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

/// The IP at which our authenticated connection got the report, with the bus port it reported.
Endpoint bus_address(const Instance& instance) {
    return Endpoint{.host = instance.address->host, .port = instance.report->bus_port};
}

/// Catalog entries of what has ended stay for a while, and their addresses are given to others.
bool still_stands(const Snapshot& seen, const Instance& instance) {
    if (!instance.nomad) {
        return !seen.nomad.configured || !seen.nomad.certain;
    }
    return instance.nomad->desired_status == "run" && !instance.nomad->terminal();
}

/// Another answering instance with the same node id or bus address, or null.
const Instance* twin_of(const Snapshot& seen, const Instance& instance) {
    for (const auto& [id, other] : seen.instances) {
        if (id == instance.id || !other.answered() || !other.report->cluster_enabled ||
            !still_stands(seen, other)) {
            continue;
        }
        if (other.report->node == instance.report->node ||
            bus_address(other) == bus_address(instance)) {
            return &other;
        }
    }
    return nullptr;
}

Verdict judge_answer(const Snapshot& seen, const Instance& instance) {
    const InstanceReport& report = *instance.report;
    const std::string name = short_name(instance.id) + " at " + to_string(*instance.address);
    if (!report.cluster_enabled) {
        return {Kind::cluster_off, "ClusterModeOff",
                name + " runs without cluster mode: start it with --cluster-enabled yes"};
    }
    if (const auto it = seen.claimed.find(report.node); it != seen.claimed.end()) {
        return {Kind::claimed, "ClaimedElsewhere",
                name + " is a member of cluster " + it->second.value() +
                    ": one process belongs to one cluster, deregister it from one of the services"};
    }
    if (const Instance* twin = twin_of(seen, instance)) {
        return {Kind::duplicate, "DuplicateNode",
                name + " and " + short_name(twin->id) + " report the same node id or bus address"};
    }
    if (report.bus_port_bound != 0 && report.bus_port != report.bus_port_bound) {
        return {Kind::bus_port_mapped, "BusPortMapped",
                name + " announces bus port " + std::to_string(report.bus_port) +
                    " but listens on " + std::to_string(report.bus_port_bound) +
                    ": the announced port may be another cluster's"};
    }
    if (report.is_blank()) {
        return {Kind::blank, "", ""};
    }
    const TableRow* own = report.self();
    if (report.known_nodes > 1 || report.table.size() > 1 || report.is_replica ||
        (own != nullptr && !own->slots.empty())) {
        return {Kind::belongs, "", ""};
    }
    return {Kind::holds_keys, "HoldsKeys",
            name + " holds " + std::to_string(report.keys) +
                " keys and belongs to no cluster: move them away or stop it; it is left alone"};
}

bool bus_link_down_at_a_peer(const Snapshot& seen, const NodeId& node) {
    return std::any_of(seen.instances.begin(), seen.instances.end(), [&](const auto& entry) {
        if (!entry.second.answered()) {
            return false;
        }
        const auto& table = entry.second.report->table;
        return std::any_of(table.begin(), table.end(), [&](const TableRow& row) {
            return row.id == node && !row.is_self && !row.link_connected;
        });
    });
}

}  // namespace

Verdict judge(const Snapshot& seen, const Instance& instance) {
    const std::string name = short_name(instance.id);
    if (seen.nomad.configured && !instance.nomad && seen.nomad.certain) {
        return {Kind::not_ours, "NotOurAllocation",
                name + " answers to the service's name, but Nomad runs no such allocation for it"};
    }
    if (instance.nomad && (instance.nomad->desired_status != "run" || instance.nomad->terminal())) {
        return {Kind::ending, "", name + " is being stopped"};
    }
    const std::string at = instance.address ? " at " + to_string(*instance.address) : "";
    switch (instance.contact) {
        case Contact::unasked:
            return {Kind::starting, "Starting", name + " has no address yet"};
        case Contact::loading:
            return {Kind::loading, "Loading", name + at + " is loading its data"};
        case Contact::timed_out:
            return {Kind::silent, "Silent",
                    name + at + " does not answer: " + instance.contact_detail};
        case Contact::refused:
            return {Kind::refused, "ConnectionRefused", name + at + " refuses connections"};
        case Contact::auth_failed:
            return {Kind::locked_out, "WrongPassword",
                    name + at + " refuses our credentials: " + instance.contact_detail};
        case Contact::untrusted:
            return {Kind::untrusted, "TlsFailed",
                    name + at + " cannot be asked over TLS: " + instance.contact_detail};
        case Contact::garbled:
            return {Kind::garbled, "ProtocolError",
                    name + at + " does not speak Redis as we know it: " + instance.contact_detail};
        case Contact::answered:
            break;
    }
    return instance.report ? judge_answer(seen, instance)
                           : Verdict{Kind::starting, "Starting", name + " was not asked yet"};
}

bool is_dead(const Snapshot& seen, const InstanceId& id) {
    const auto it = seen.instances.find(id);
    if (it == seen.instances.end()) {
        return false;
    }
    const Instance& instance = it->second;
    if (instance.nomad && seen.nomad.certain && instance.nomad->client_connected &&
        (instance.nomad->terminal() ||
         instance.nomad->terminated_at > instance.nomad->started_at)) {
        return !instance.answered();
    }
    NodeId node = instance.last_node;
    if (node.value().empty() && seen.record && seen.record->members.contains(id)) {
        node = seen.record->members.at(id).node;  // Since we started, it never answered.
    }
    return instance.contact == Contact::refused && instance.consul && seen.consul.certain &&
           !node.value().empty() && bus_link_down_at_a_peer(seen, node);
}

bool is_gone(const Snapshot& seen, const InstanceId& id, const NodeId& node) {
    return is_dead(seen, id) || is_gone_for_good(seen, id, node);
}

bool is_gone_for_good(const Snapshot& seen, const InstanceId& id, const NodeId& node) {
    const auto it = seen.instances.find(id);
    if (it != seen.instances.end()) {
        const Instance& instance = it->second;
        if (instance.answered()) {
            return instance.report->node != node;
        }
        return instance.nomad && seen.nomad.certain && instance.nomad->terminal();
    }
    const auto absence = seen.absences.find(id);
    const bool certain = seen.consul.certain && (!seen.nomad.configured || seen.nomad.certain);
    return certain && absence != seen.absences.end() && absence->second.confirmed;
}

const Instance* moved_to(const Snapshot& seen, const Record& record, const InstanceId& entry) {
    const NodeId& node = record.members.at(entry).node;
    const Instance* claimant = nullptr;
    for (const auto& [id, instance] : seen.instances) {
        if (instance.answered() && instance.report->node == node) {
            if (claimant != nullptr) {
                return nullptr;
            }
            claimant = &instance;
        }
    }
    if (claimant == nullptr || claimant->id == entry) {
        return nullptr;
    }
    const Verdict verdict = judge(seen, *claimant);
    const bool sound = verdict.kind == Kind::belongs || verdict.kind == Kind::blank;
    const auto own_entry = record.members.find(claimant->id);
    const bool has_other_entry =
        own_entry != record.members.end() && own_entry->second.node != node;
    return sound && !has_other_entry ? claimant : nullptr;
}

void enter(Record& record, const InstanceId& id, const NodeId& node) {
    std::erase_if(record.former, [&](const FormerNode& gone) { return gone.node == node; });
    record.members[id] = Member{node};
}

void give_up(const Snapshot& seen, Record& record, const NodeId& node) {
    record.former.push_back(FormerNode{node, seen.wall});
    if (record.former.size() <= former_max) {
        return;
    }
    const auto newest = record.former.end() - 1;
    const auto oldest = std::find_if(record.former.begin(), newest, [&](const FormerNode& gone) {
        return std::none_of(seen.instances.begin(), seen.instances.end(), [&](const auto& entry) {
            return entry.second.answered() && row_of(entry.second, gone.node) != nullptr;
        });
    });
    if (oldest != newest) {
        record.former.erase(oldest);
    }
}

std::string place_of(const ClusterSpec& spec, const Instance& instance) {
    if (spec.spread == "datacenter") {
        return instance.datacenter;
    }
    if (spec.spread.starts_with("meta.")) {
        const auto it = instance.host_meta.find(spec.spread.substr(5));
        return it == instance.host_meta.end() ? std::string{} : it->second;
    }
    return instance.host.value();
}

std::string short_name(const InstanceId& id) {
    const std::string& text = id.value();
    const bool is_uuid = text.size() == 36 && text[8] == '-' && text[13] == '-';
    return is_uuid ? text.substr(0, 8) : text;
}

std::string list_names(const std::vector<InstanceId>& ids) {
    constexpr std::size_t shown_max = 6;
    std::string text;
    for (std::size_t i = 0; i < ids.size() && i < shown_max; ++i) {
        text += (i == 0 ? "" : ", ") + short_name(ids[i]);
    }
    if (ids.size() > shown_max) {
        text += " and " + std::to_string(ids.size() - shown_max) + " more";
    }
    return text;
}

}  // namespace rop::reconcilers
