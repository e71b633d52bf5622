#include <algorithm>
#include <map>
#include <string>

#include "test/support/topology.hpp"

namespace rop::testing {
namespace {

/// Node ids as the names of the instances that report (or reported) them.
class Names {
  public:
    explicit Names(const Snapshot& seen) {
        for (const auto& [id, instance] : seen.instances) {
            const NodeId& node = instance.report ? instance.report->node : instance.last_node;
            if (!node.value().empty()) {
                names_.emplace(node, id.value());
            }
        }
        for (const auto& [id, absence] : seen.absences) {
            names_.emplace(node_of(id.value()), id.value());
        }
    }

    [[nodiscard]] std::string of(const NodeId& node) const {
        const auto it = names_.find(node);
        return it == names_.end() ? node.value() : it->second;
    }

  private:
    std::map<NodeId, std::string> names_;
};

std::string word_of(Contact contact) {
    switch (contact) {
        case Contact::unasked:
            return " unasked";
        case Contact::answered:
            return "";
        case Contact::loading:
            return " loading";
        case Contact::refused:
            return " refused";
        case Contact::timed_out:
            return " timed-out";
        case Contact::auth_failed:
            return " auth-failed";
        case Contact::untrusted:
            return " untrusted";
        case Contact::garbled:
            return " garbled";
    }
    return "";
}

std::string role_of(const TableRow& row, const Names& names) {
    if (row.is_replica) {
        return "replica-of " + names.of(row.primary);
    }
    return row.slots.empty() ? "primary" : "primary " + SlotSet{row.slots}.to_string();
}

/// The row in which the node speaks of itself, or the first that anyone has of it.
const TableRow* statement_of(const Snapshot& seen, const NodeId& node) {
    const TableRow* hearsay = nullptr;
    for (const auto& [id, instance] : seen.instances) {
        if (!instance.report) {
            continue;
        }
        for (const auto& row : instance.report->table) {
            if (row.id == node && row.is_self) {
                return &row;
            }
            hearsay = hearsay == nullptr && row.id == node && !row.in_handshake ? &row : hearsay;
        }
    }
    return hearsay;
}

std::string draw_report(const InstanceReport& report) {
    std::string text;
    text += report.keys > 0 ? " keys=" + std::to_string(report.keys) : "";
    text += report.cluster_enabled ? "" : " cluster-off";
    text += report.is_replica && !report.link_up ? " link-down" : "";
    text += report.my_epoch > 0 ? " epoch=" + std::to_string(report.my_epoch) : "";
    text += " timeout=" + std::to_string(report.node_timeout.count()) + "ms";
    return text;
}

std::string draw_instance(const Snapshot& seen, const Instance& instance, const Names& names) {
    const NodeId& node = instance.report ? instance.report->node : instance.last_node;
    const TableRow* statement = statement_of(seen, node);
    std::string text = instance.id.value() + "  ";
    if ((instance.report && instance.report->is_blank()) || statement == nullptr) {
        text += "blank";
    } else {
        text += role_of(*statement, names);
    }
    text += word_of(instance.contact);
    text += node == node_of(instance.id.value()) ? "" : " node=" + node.value();
    text += instance.report ? draw_report(*instance.report) : "";
    text += " host=" + instance.host.value();
    if (instance.nomad && instance.nomad->client_status != "running") {
        text += " nomad=" + instance.nomad->client_status;
    }
    text += seen.nomad.configured && !instance.nomad ? " nomad=none" : "";
    if (!instance.consul || instance.consul->status != "passing") {
        text += " consul=" + (instance.consul ? instance.consul->status : "none");
    }
    return text + (instance.swept ? "\n" : " unswept\n");
}

std::string draw_opinions(const Snapshot& seen, const Instance& viewer, const Names& names) {
    std::string text;
    for (const auto& row : viewer.report ? viewer.report->table : std::vector<TableRow>{}) {
        const TableRow* statement = statement_of(seen, row.id);
        std::string what;
        if (statement == nullptr || row.is_replica != statement->is_replica ||
            row.slots != statement->slots || row.primary != statement->primary) {
            what += " " + role_of(row, names);
        }
        what += row.failed ? " failed" : "";
        what += row.suspected ? " suspected" : "";
        what += row.in_handshake ? " handshake" : "";
        what += row.has_address ? "" : " noaddr";
        what += row.link_connected || row.is_self ? "" : " link-down";
        if (!what.empty()) {
            text += viewer.id.value() + ": " + names.of(row.id) + what + "\n";
        }
    }
    return text;
}

std::string draw_record(const Snapshot& seen) {
    if (!seen.record) {
        return "";
    }
    std::string members;
    for (const auto& [id, member] : seen.record->members) {
        members += (members.empty() ? " " : ",") + id.value();
        members += member.node == node_of(id.value()) ? "" : "=" + member.node.value();
    }
    std::string text = "record " + std::string(to_string(seen.record->state)) + members + "\n";
    for (const auto& shard : seen.record->layout) {
        text += "layout " + shard.primary.value() + ":" + SlotSet{shard.slots}.to_string() + ":";
        for (const auto& replica : shard.replicas) {
            text += (text.back() == ':' ? "" : ",") + replica.value();
        }
        text += "\n";
    }
    for (const auto& former : seen.record->former) {
        text += "former " + former.node.value() + "\n";
    }
    return text;
}

}  // namespace

std::string draw(const Snapshot& seen) {
    const Names names(seen);
    std::string text = draw_record(seen);
    text += seen.standing.leading ? "" : "not-leading\n";
    text += seen.consul.certain ? "" : "uncertain consul " + seen.consul.why + "\n";
    text += seen.nomad.configured && !seen.nomad.certain
                ? "uncertain nomad " + seen.nomad.why + "\n"
                : "";
    for (const auto& [id, absence] : seen.absences) {
        text += "absence " + id.value() + (absence.confirmed ? " confirmed\n" : "\n");
    }
    for (const auto& [id, instance] : seen.instances) {
        text += draw_instance(seen, instance, names);
    }
    for (const auto& [id, instance] : seen.instances) {
        text += draw_opinions(seen, instance, names);
    }
    return text;
}

}  // namespace rop::testing
