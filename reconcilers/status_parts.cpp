#include "reconcilers/status_parts.hpp"

#include <algorithm>
#include <set>

#include "reconcilers/evidence.hpp"

namespace rop::reconcilers {
namespace {

std::string word_for(Kind kind) {
    switch (kind) {
        case Kind::starting:
            return "starting";
        case Kind::loading:
            return "loading";
        case Kind::silent:
            return "silent";
        case Kind::refused:
            return "refused";
        case Kind::locked_out:
            return "wrong-password";
        case Kind::untrusted:
            return "tls-failed";
        case Kind::garbled:
            return "garbled";
        case Kind::not_ours:
            return "not-ours";
        case Kind::ending:
            return "ending";
        case Kind::cluster_off:
            return "cluster-off";
        case Kind::duplicate:
            return "duplicate";
        case Kind::bus_port_mapped:
            return "bus-port-mapped";
        case Kind::claimed:
            return "claimed-elsewhere";
        case Kind::holds_keys:
            return "stranger";
        case Kind::belongs:
            return "stranger";
        case Kind::blank:
            return "blank";
    }
    return "";
}

std::string state_of(const Snapshot& seen, const Instance& instance) {
    const Verdict verdict = judge(seen, instance);
    if (!seen.record || !instance.answered()) {
        return word_for(verdict.kind);
    }
    const auto member = seen.record->members.find(instance.id);
    if (member == seen.record->members.end() || member->second.node != instance.report->node) {
        return word_for(verdict.kind);
    }
    const bool sound = verdict.kind == Kind::belongs || verdict.kind == Kind::blank ||
                       verdict.kind == Kind::holds_keys;
    if (!sound) {
        return word_for(verdict.kind);
    }
    if (instance.report->is_replica && !instance.report->link_up) {
        return "syncing";
    }
    return instance.report->state_ok ? "ok" : "cluster-down";
}

std::string role_of(const Instance& instance) {
    if (!instance.answered()) {
        return "none";
    }
    const TableRow* own = instance.report->self();
    if (instance.report->is_replica) {
        return "replica";
    }
    return own != nullptr && !own->slots.empty() ? "primary" : "none";
}

/// Whom a node id belongs to: a member that answered, else the record's entry.
InstanceId instance_of(const Snapshot& seen, const Topology& topology, const NodeId& node) {
    if (const auto it = topology.where.find(node); it != topology.where.end()) {
        return it->second;
    }
    for (const auto& [id, member] : seen.record->members) {
        if (member.node == node) {
            return id;
        }
    }
    return InstanceId{node.value()};
}

}  // namespace

std::string engine_of(const Snapshot& seen) {
    std::set<std::string> engines;
    for (const auto& [id, instance] : seen.instances) {
        if (instance.answered()) {
            engines.insert(instance.report->engine + " " + instance.report->version);
        }
    }
    std::string text;
    for (const auto& engine : engines) {
        text += (text.empty() ? "" : ", ") + engine;
    }
    return text;
}

std::uint32_t slots_served(const Snapshot& seen, const Topology& topology) {
    SlotSet served;
    for (const auto& [node, slots] : topology.owners) {
        const Instance* owner = find_node(seen, topology, node);
        if (owner != nullptr && owner->report->state_ok && !owner->report->is_replica) {
            served = served | slots;
        }
    }
    return static_cast<std::uint32_t>(served.size());
}

SlotSet slots_unheard(const Snapshot& seen, const Topology& topology) {
    SlotSet unheard;
    for (const auto& [node, slots] : topology.owners) {
        const bool well =
            std::all_of(topology.where.begin(), topology.where.end(), [&](const auto& entry) {
                const Instance& one = seen.instances.at(entry.second);
                const TableRow* row = row_of(one, node);
                return one.report->state_ok && row != nullptr && row->link_connected &&
                       !row->failed && !row->suspected;
            });
        if (well && !topology.where.empty() && !topology.where.contains(node)) {
            unheard = unheard | slots;
        }
    }
    return unheard;
}

bool is_in_sync(const Snapshot& seen, const Topology& topology, const Instance& replica) {
    const TableRow* own = replica.report->self();
    const Instance* primary = own == nullptr ? nullptr : find_node(seen, topology, own->primary);
    if (primary == nullptr || !replica.report->link_up) {
        return replica.report->link_up;  // Of a silent primary SlotsCovered tells.
    }
    const auto& streams = primary->report->streams_to;
    // What was never written to has nothing to acknowledge. Nor has what holds no key: Redis' own
    // first ping counts as written, and is acknowledged up to a second later.
    // And who has all that there is needs no acknowledgement: it comes once a second.
    const auto flows = [&](const StreamedReplica& stream) {
        return stream.online && (stream.offset > 0 || primary->report->repl_offset == 0 ||
                                 primary->report->keys == 0 ||
                                 replica.report->repl_offset >= primary->report->repl_offset);
    };
    const auto it = std::find_if(streams.begin(), streams.end(), [&](const auto& stream) {
        return stream.at == *replica.address || stream.at == replica.report->announced;
    });
    // Behind a translated address it cannot be told from the others: then all must flow.
    return it != streams.end() ? flows(*it) : std::all_of(streams.begin(), streams.end(), flows);
}

std::vector<ShardStatus> shards_of(const Snapshot& seen, const Topology& topology) {
    std::vector<ShardStatus> shards;
    if (!seen.record) {
        return shards;
    }
    std::vector<std::pair<std::uint16_t, NodeId>> order;
    for (const auto& [node, slots] : topology.owners) {
        order.emplace_back(slots.ranges().front().first.value(), node);
    }
    std::sort(order.begin(), order.end());
    for (const auto& [first, node] : order) {
        ShardStatus shard{instance_of(seen, topology, node), {}, {}};
        for (const auto& range : topology.owners.at(node).ranges()) {
            shard.slots.push_back(SlotSet{range}.to_string());
        }
        const auto followers = topology.replicas.find(node);
        if (followers != topology.replicas.end()) {
            for (const auto& follower : followers->second) {
                const Instance* replica = find_node(seen, topology, follower);
                shard.replicas.push_back(
                    ReplicaStatus{instance_of(seen, topology, follower),
                                  replica != nullptr && is_in_sync(seen, topology, *replica)});
            }
        }
        shards.push_back(std::move(shard));
    }
    return shards;
}

std::vector<InstanceStatus> instances_of(const Snapshot& seen) {
    std::vector<InstanceStatus> list;
    for (const auto& [id, instance] : seen.instances) {
        InstanceStatus status;
        status.instance = id;
        status.address = instance.address ? to_string(*instance.address) : "";
        status.host = instance.host_name.empty() ? instance.host.value() : instance.host_name;
        status.role = role_of(instance);
        status.state = state_of(seen, instance);
        if (instance.answered()) {
            status.node = instance.report->node;
            status.bus_port = instance.report->bus_port;
        }
        list.push_back(std::move(status));
    }
    return list;
}

std::map<InstanceId, std::uint64_t> replication_lag(const Snapshot& seen,
                                                    const std::vector<ShardStatus>& shards) {
    const auto report_of = [&](const InstanceId& id) -> const InstanceReport* {
        const auto it = seen.instances.find(id);
        return it != seen.instances.end() && it->second.answered() ? &*it->second.report : nullptr;
    };
    std::map<InstanceId, std::uint64_t> lags;
    for (const auto& shard : shards) {
        const InstanceReport* primary = report_of(shard.primary);
        for (const auto& one : shard.replicas) {
            const InstanceReport* replica = report_of(one.instance);
            if (primary == nullptr || replica == nullptr || primary->replid != replica->replid) {
                continue;
            }
            const std::int64_t lag = primary->repl_offset - replica->repl_offset;
            auto& most = lags[shard.primary];
            most = std::max(most, static_cast<std::uint64_t>(std::max<std::int64_t>(lag, 0)));
        }
    }
    return lags;
}

}  // namespace rop::reconcilers
