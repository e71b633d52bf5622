// What must be proven before a cluster that somebody else made is taken over.

#include "reconcilers/adoption_proof.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "reconcilers/evidence.hpp"
#include "reconcilers/forming.hpp"

namespace rop::reconcilers {
namespace {

/// A node id in somebody's table that no instance of the service answered to.
struct Unproven {
    const TableRow* row = nullptr;
    InstanceId viewer;
    bool lives = false;  // Somebody does not call it failed.
    bool owns_slots = false;
};

class Examination {
  public:
    Examination(const ClusterSpec& spec, const Snapshot& seen, const FoundCluster& found);

    Proof run() {
        prove_instances();
        prove_nodes();
        refuse_open_handshakes();
        refuse_work_in_progress();
        compare_owners();
        compare_acquaintance();
        refuse_short_timeouts();
        return std::move(proof_);
    }

  private:
    void prove_instances();
    void prove_nodes();
    void name_unproven(const NodeId& node, const Unproven& unproven);
    void refuse_open_handshakes();
    void refuse_work_in_progress();
    void compare_owners();
    void compare_acquaintance();
    void refuse_short_timeouts();

    [[nodiscard]] const Instance* registered_at(const Endpoint& address) const;
    void refuse(std::string reason, std::string what, std::optional<InstanceId> about = {}) {
        proof_.refusals.push_back(
            Finding{ConditionType::formed, std::move(reason), std::move(what), std::move(about)});
    }

    const ClusterSpec& spec_;
    const Snapshot& seen_;
    const FoundCluster& found_;
    Proof proof_;
};

Examination::Examination(const ClusterSpec& spec, const Snapshot& seen, const FoundCluster& found)
    : spec_(spec), seen_(seen), found_(found) {
    for (const auto& id : found.belonging) {
        const Instance& instance = seen.instances.at(id);
        proof_.nodes.emplace(instance.report->node, &instance);
        proof_.has_keys = proof_.has_keys || instance.report->keys > 0;
    }
}

void Examination::prove_instances() {
    for (const auto& id : found_.belonging) {
        const Verdict verdict = judge(seen_, seen_.instances.at(id));
        if (verdict.kind == Kind::ending) {
            refuse("WaitingForInstances", verdict.what + ": waiting until it is gone", id);
        } else if (verdict.kind != Kind::belongs) {
            refuse(verdict.reason, verdict.what + "; what it is a part of is left alone meanwhile",
                   id);
        }
    }
}

const Instance* Examination::registered_at(const Endpoint& address) const {
    for (const auto& [id, instance] : seen_.instances) {
        if (instance.address == address) {
            return &instance;
        }
    }
    return nullptr;
}

void Examination::prove_nodes() {
    std::map<NodeId, Unproven> unproven;
    for (const auto& [node, viewer] : proof_.nodes) {
        for (const auto& row : viewer->report->table) {
            if (row.is_self || row.in_handshake || proof_.nodes.contains(row.id)) {
                continue;
            }
            Unproven& one = unproven.try_emplace(row.id, Unproven{&row, viewer->id}).first->second;
            one.lives = one.lives || !row.failed;
            one.owns_slots = one.owns_slots || !row.slots.empty();
        }
    }
    for (const auto& [node, one] : unproven) {
        name_unproven(node, one);
    }
}

void Examination::name_unproven(const NodeId& node, const Unproven& unproven) {
    const std::string name = "node " + node.value() + " at " + to_string(unproven.row->address);
    const std::string viewer = short_name(unproven.viewer);
    if (const auto claim = seen_.claimed.find(node); claim != seen_.claimed.end()) {
        return refuse("ForeignNode", name + ", which " + viewer +
                                         " knows, is a member of cluster " + claim->second.value() +
                                         ": the two are one cluster, declare one of them only");
    }
    const Instance* there = registered_at(unproven.row->address);
    const bool may_be_it = there != nullptr && !there->answered();
    if (may_be_it) {
        return refuse("WaitingForInstances",
                      name + ", which " + viewer + " knows, may be " + short_name(there->id) +
                          ", and that one does not answer: bring it back, or deregister it",
                      there->id);
    }
    if (unproven.lives) {
        return refuse("ForeignNode", name + ", which " + viewer +
                                         " knows, is no instance of service " + spec_.service +
                                         ": register it there, or let the cluster forget it");
    }
    if (unproven.owns_slots) {
        return refuse("OwnerFailed",
                      name +
                          " has failed and still owns slots: bring it back, or let a replica "
                          "take them over (CLUSTER FAILOVER TAKEOVER there)");
    }
    const auto silent =
        std::find_if(seen_.instances.begin(), seen_.instances.end(), [&](const auto& entry) {
            return !entry.second.answered() && judge(seen_, entry.second).kind != Kind::ending;
        });
    if (silent != seen_.instances.end()) {
        return refuse("WaitingForInstances",
                      name + " has failed, and " + short_name(silent->first) +
                          ", which may be it on another port, does not answer: bring it back, or "
                          "deregister it",
                      silent->first);
    }
    proof_.failed.insert(node);
}

/// The id in such a row is made up; who it is will be known when the handshake is over.
void Examination::refuse_open_handshakes() {
    for (const auto& [node, viewer] : proof_.nodes) {
        for (const auto& row : viewer->report->table) {
            const Instance* there = row.in_handshake ? registered_at(row.address) : nullptr;
            if (row.in_handshake && (there == nullptr || !there->answered())) {
                return refuse("ForeignNode", short_name(viewer->id) + " shakes hands with " +
                                                 to_string(row.address) +
                                                 ", which is no proven instance of service " +
                                                 spec_.service + ": register it there, or wait");
            }
        }
    }
}

void Examination::refuse_work_in_progress() {
    for (const auto& [node, instance] : proof_.nodes) {
        const TableRow* own = instance->report->self();
        if (own == nullptr) {
            continue;
        }
        if (own->has_open_slots) {
            refuse("SlotsOpen",
                   short_name(instance->id) +
                       " is moving slots for somebody else: let that end, or end it with "
                       "redis-cli --cluster fix " +
                       to_string(*instance->address),
                   instance->id);
        }
        const auto primary = proof_.nodes.find(own->primary);
        if (own->is_replica && primary != proof_.nodes.end() &&
            primary->second->report->is_replica) {
            refuse("ReplicaOfReplica",
                   short_name(instance->id) + " follows " + short_name(primary->second->id) +
                       ", which is a replica itself: Redis puts that right, or CLUSTER REPLICATE "
                       "does",
                   instance->id);
        }
    }
}

std::map<NodeId, std::vector<SlotRange>> claims_of(const Instance& viewer) {
    std::map<NodeId, std::vector<SlotRange>> claims;
    for (const auto& row : viewer.report->table) {
        if (!row.in_handshake && !row.slots.empty()) {
            claims.emplace(row.id, row.slots);
        }
    }
    return claims;
}

/// Equal tables, or without keys: tables that do not contradict each other.
void Examination::compare_owners() {
    const Instance& first = *proof_.nodes.begin()->second;
    const auto agreed = claims_of(first);
    std::map<NodeId, SlotSet> claimed;
    const Instance* other = nullptr;
    for (const auto& [node, viewer] : proof_.nodes) {
        const auto claims = claims_of(*viewer);
        if (viewer != &first && claims == agreed) {
            continue;
        }
        other = viewer == &first ? other : viewer;
        for (const auto& [owner, slots] : claims) {
            claimed[owner] = claimed[owner] | SlotSet{slots};
        }
    }
    bool contradict = false;
    for (const auto& [owner, slots] : claimed) {
        contradict = contradict || !(proof_.owned & slots).empty();
        proof_.owned = proof_.owned | slots;
    }
    proof_.is_whole = other == nullptr && proof_.owned == SlotSet::all();
    if (other != nullptr && (proof_.has_keys || contradict)) {
        return refuse("TablesDisagree",
                      short_name(first.id) + " and " + short_name(other->id) +
                          " disagree on who owns which slots: wait, or redis-cli --cluster check " +
                          to_string(*first.address) + " tells more");
    }
}

void Examination::compare_acquaintance() {
    for (const auto& [node, viewer] : proof_.nodes) {
        std::set<NodeId> known;
        for (const auto& row : viewer->report->table) {
            if (!row.in_handshake) {
                known.insert(row.id);
            }
        }
        for (const auto& [peer, instance] : proof_.nodes) {
            if (known.contains(peer)) {
                continue;
            }
            proof_.is_whole = false;
            if (proof_.has_keys) {
                return refuse("TablesDisagree",
                              short_name(viewer->id) + " does not know " +
                                  short_name(instance->id) +
                                  ": these are two clusters, or a meeting is not over; register "
                                  "one of them elsewhere, or wait");
            }
        }
    }
}

/// A formation of ours that lost its record leaves its short timeout behind, and what there was
/// before is not known.
void Examination::refuse_short_timeouts() {
    if (spec_.failover.node_timeout || (!proof_.has_keys && !proof_.is_whole)) {
        return;
    }
    for (const auto& [node, instance] : proof_.nodes) {
        if (instance->report->node_timeout == forming_timeout) {
            return refuse("ShortNodeTimeout",
                          short_name(instance->id) +
                              " has a node timeout of 500ms, as an interrupted formation leaves "
                              "it: declare the one it shall have as failover.nodeTimeout (Redis' "
                              "default is 15s)",
                          instance->id);
        }
    }
}

}  // namespace

Proof examine(const ClusterSpec& spec, const Snapshot& seen, const FoundCluster& found) {
    return Examination(spec, seen, found).run();
}

}  // namespace rop::reconcilers
