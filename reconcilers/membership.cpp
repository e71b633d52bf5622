// Keeps the record and Redis' own tables in step: newcomers meet a member after they proved who
// they are, members that moved keep their entry, and who does not belong is named, never touched.
//
// Ranks before slots and replicas, which can only go to members.

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reconcilers/acquaintance.hpp"
#include "reconcilers/evidence.hpp"
#include "reconcilers/record_step.hpp"
#include "reconcilers/registry.hpp"
#include "reconcilers/topology.hpp"

namespace rop::reconcilers {
namespace {

/// A newcomer needs one introduction; more make it quick although one of them may be dying.
constexpr std::size_t introductions_max = 3;

/// A whole cluster put together again costs a meeting per pair; more than this waits a round.
constexpr std::size_t meetings_max = 4'096;

class Membership {
  public:
    explicit Membership(const Snapshot& seen)
        : seen_(seen),
          record_(*seen.record),
          topology_(topology_of(seen)),
          met_(met_by_chance(seen, topology_)) {}

    Proposal propose();

  private:
    void take_over_moved_entries();
    void let_former_members_back();
    void enter_newcomers();
    void let_members_meet();
    [[nodiscard]] std::string what_it_is(const Instance& instance) const;
    void name_the_rest();
    void name_unknown_nodes();

    [[nodiscard]] bool would_merge(const Instance& one, const Instance& host);
    [[nodiscard]] std::vector<const Instance*> hosts_for_newcomers() const;
    [[nodiscard]] bool is_newcomer(const Instance& instance) const {
        return !record_.members.contains(instance.id) && judge(seen_, instance).kind == Kind::blank;
    }
    [[nodiscard]] bool comes_back(const Instance& instance) const {
        const auto& table = instance.report->table;
        const TableRow* own = instance.report->self();
        return own != nullptr && own->slots.empty() && is_former(*seen_.record, own->id) &&
               std::all_of(table.begin(), table.end(), [&](const TableRow& row) {
                   return row.in_handshake || is_of_record(*seen_.record, row.id);
               });
    }
    [[nodiscard]] bool sources_are_certain() const {
        return !seen_.nomad.configured || seen_.nomad.certain;
    }
    void note(ConditionType about, std::string reason, std::string what, const InstanceId& id) {
        proposal_.findings.push_back(Finding{about, std::move(reason), std::move(what), id});
    }

    const Snapshot& seen_;
    Record record_;  // As it is to become.
    Topology topology_;
    std::set<InstanceId> met_;
    Proposal proposal_;
    std::vector<InstanceId> entered_;
    std::set<InstanceId> estranged_;
    std::vector<InstanceId> moved_;
};

/// A process that reports a node id of the record under another identity is that member, started
/// again with its data, once its former identity is proven gone.
void Membership::take_over_moved_entries() {
    const std::map<InstanceId, Member> members = record_.members;
    for (const auto& [old_id, member] : members) {
        const Instance* claimant = moved_to(seen_, record_, old_id);
        if (claimant == nullptr) {
            continue;
        }
        if (!is_gone(seen_, old_id, member.node)) {
            note(ConditionType::members_known, "MemberMoved",
                 short_name(claimant->id) + " reports the node id of " + short_name(old_id) +
                     ", which is not proven gone: its entry stays",
                 claimant->id);
            continue;
        }
        record_.members.erase(old_id);
        record_.members[claimant->id] = member;
        moved_.push_back(claimant->id);
    }
}

/// A member that was given up, and comes back with its data under a new identity: it is known, it
/// owns nothing, and whom it knows is of record. It meets the others again like any member.
void Membership::let_former_members_back() {
    if (!sources_are_certain()) {
        return;
    }
    for (const auto& [id, instance] : seen_.instances) {
        if (!record_.members.contains(id) && judge(seen_, instance).kind == Kind::belongs &&
            comes_back(instance)) {
            enter(record_, id, instance.report->node);
            moved_.push_back(id);
        }
    }
}

void Membership::enter_newcomers() {
    if (hosts_for_newcomers().empty() || !sources_are_certain()) {
        return;
    }
    for (const auto& [id, instance] : seen_.instances) {
        if (judge(seen_, instance).kind != Kind::blank && !met_.contains(id)) {
            continue;
        }
        const auto entry = record_.members.find(id);
        const bool is_new = entry == record_.members.end();
        if (!is_new && entry->second.node == instance.report->node) {
            continue;
        }
        if (!is_new) {  // Restarted empty in place: who it was must not come back.
            give_up(seen_, record_, entry->second.node);
        }
        enter(record_, id, instance.report->node);
        entered_.push_back(id);
    }
}

/// Members that are part of the cluster: they know others and serve, or would.
std::vector<const Instance*> Membership::hosts_for_newcomers() const {
    std::vector<const Instance*> hosts;
    for (const auto& [node, id] : topology_.where) {
        const Instance& instance = seen_.instances.at(id);
        const TableRow* own = instance.report->self();
        const bool settled = own != nullptr && (!own->slots.empty() || own->is_replica);
        if (settled && judge(seen_, instance).kind == Kind::belongs) {
            hosts.push_back(&instance);
        }
    }
    return hosts;
}

bool shakes_hands(const Instance& viewer, const Instance& other) {
    const auto& table = viewer.report->table;
    return std::any_of(table.begin(), table.end(), [&](const TableRow& row) {
        return row.in_handshake &&
               (row.address == *other.address || row.address == other.report->announced);
    });
}

/// Between two that the record proves, either way will do. A blank one meets a settled one.
void Membership::let_members_meet() {
    Meet meet;
    const std::vector<const Instance*> hosts = hosts_for_newcomers();
    for (const auto& [node, id] : topology_.where) {
        const Instance& one = seen_.instances.at(id);
        std::size_t introductions = 0;
        for (const Instance* host : hosts) {
            const TableRow* row = row_of(one, host->report->node);
            // Whom the others forgot still knows them: it came back from its disk.
            const bool forgotten = row_of(*host, node) == nullptr && !met_in_vain(seen_);
            const bool lost = row == nullptr || has_stale_address(*row, *host) || forgotten;
            const bool knows_enough = one.report->is_blank() && introductions >= introductions_max;
            if (host->id == id || !lost || knows_enough || meet.pairs.size() >= meetings_max ||
                shakes_hands(one, *host) || shakes_hands(*host, one)) {
                continue;
            }
            if (would_merge(one, *host)) {
                continue;
            }
            meet.pairs.push_back(Meet::Pair{id, host->id});
            ++introductions;
        }
    }
    if (!meet.pairs.empty()) {
        proposal_.steps.push_back(Step{std::move(meet), "members that lost sight of each other"});
        proposal_.look_again = std::chrono::milliseconds{50};
    }
}

/// A member that was moved to another cluster by hand keeps its id. It is left alone.
bool Membership::would_merge(const Instance& one, const Instance& host) {
    const NodeId* foreign = foreign_peer(seen_, one, host);
    const Instance* who = &one;
    if (foreign == nullptr) {
        foreign = foreign_peer(seen_, host, one);
        who = &host;
    }
    if (foreign == nullptr) {
        return false;
    }
    if (estranged_.insert(who->id).second) {
        note(ConditionType::members_known, "OtherCluster",
             short_name(who->id) + " knows node " + foreign->value() +
                 ", which the others do not: nobody is introduced to it, that would merge two "
                 "clusters",
             who->id);
    }
    return true;
}

/// Of one that belongs to a cluster, and not to this one.
std::string Membership::what_it_is(const Instance& instance) const {
    const auto& table = instance.report->table;
    const auto stranger = std::find_if(table.begin(), table.end(), [&](const TableRow& row) {
        return !row.in_handshake && !row.is_self && !is_of_record(*seen_.record, row.id);
    });
    const TableRow* own = instance.report->self();
    if (instance.report->keys > 0 || own == nullptr || !own->slots.empty() || own->is_replica) {
        return " belongs to a cluster that is not of record: it is left alone";
    }
    return stranger == table.end()
               ? " is empty, but whoever owns most slots does not know it: it is left alone"
               : " is empty, but knows node " + stranger->id.value() +
                     ", which is not of record: it is left alone";
}

void Membership::name_the_rest() {
    for (const auto& [id, instance] : seen_.instances) {
        const auto member = record_.members.find(id);
        const Verdict verdict = judge(seen_, instance);
        if (member != record_.members.end()) {
            const bool answers = instance.answered();
            if (answers && instance.report->node != member->second.node) {
                note(ConditionType::members_known, "LostIdentity",
                     short_name(id) + " came back under another node id: what it held is gone", id);
            } else if (!verdict.reason.empty()) {
                const bool about_members =
                    verdict.kind == Kind::locked_out || verdict.kind == Kind::untrusted ||
                    verdict.kind == Kind::duplicate || verdict.kind == Kind::not_ours;
                note(about_members ? ConditionType::members_known : ConditionType::observed,
                     verdict.reason, verdict.what, id);
            }
            continue;
        }
        if (verdict.kind == Kind::belongs &&
            (is_member(record_, instance.report->node) || comes_back(instance))) {
            continue;  // See take_over_moved_entries() and let_former_members_back().
        }
        if (verdict.kind == Kind::blank || met_.contains(id)) {
            note(ConditionType::observed, "Newcomer",
                 short_name(id) + " is blank and waits to join", id);
        } else if (verdict.kind == Kind::belongs) {
            note(ConditionType::members_known, "OtherCluster",
                 short_name(id) + what_it_is(instance), id);
        } else if (!verdict.reason.empty()) {
            const bool waits = verdict.kind == Kind::starting || verdict.kind == Kind::loading ||
                               verdict.kind == Kind::silent || verdict.kind == Kind::refused;
            note(waits ? ConditionType::observed : ConditionType::members_known, verdict.reason,
                 verdict.what, id);
        }
    }
}

void Membership::name_unknown_nodes() {
    for (const auto& node : topology_.unknown) {
        const auto reports_it = [&](const auto& entry) {
            return entry.second.answered() && entry.second.report->node == node;
        };
        if (std::any_of(seen_.instances.begin(), seen_.instances.end(), reports_it)) {
            continue;  // It is registered, and named as what it is.
        }
        proposal_.findings.push_back(
            Finding{ConditionType::members_known,
                    "UnknownNode",
                    "node " + node.value() +
                        " is in the members' tables, but not of record: it is "
                        "left alone; if it is yours, register it under the service",
                    {}});
    }
}

/// Formed, and now nobody owns a slot although every member is accounted for: nothing of what was
/// written is left.
bool all_is_lost(const Snapshot& seen) {
    for (const auto& [id, instance] : seen.instances) {
        if (instance.answered() && judge(seen, instance).kind == Kind::belongs) {
            return false;
        }
    }
    const auto& members = seen.record->members;
    return std::all_of(members.begin(), members.end(), [&](const auto& entry) {
        const auto it = seen.instances.find(entry.first);
        const bool answers = it != seen.instances.end() && it->second.answered();
        return answers || is_gone(seen, entry.first, entry.second.node);
    });
}

Proposal Membership::propose() {
    if (all_is_lost(seen_)) {
        name_the_rest();
        proposal_.findings.push_back(Finding{
            ConditionType::slots_covered,
            "ShardDataLost",
            "the cluster was formed, but no instance of record owns a slot any more: "
            "nothing is assigned without consent (delete --forget-record --yes starts anew)",
            {}});
        proposal_.holds = true;
        return std::move(proposal_);
    }
    name_the_rest();
    name_unknown_nodes();
    take_over_moved_entries();
    let_former_members_back();
    enter_newcomers();
    if (!entered_.empty() || !moved_.empty()) {
        std::string reason = entered_.empty() ? "" : list_names(entered_) + " joined the service";
        if (!moved_.empty()) {
            reason += (reason.empty() ? "" : "; ") + list_names(moved_) + " restarted elsewhere";
        }
        proposal_.steps.push_back(write_signed(
            seen_, std::move(record_), "enter members before they meet", std::move(reason)));
        return std::move(proposal_);
    }
    let_members_meet();
    for (auto& finding : blocked_buses(seen_, topology_, ConditionType::members_known)) {
        proposal_.findings.push_back(std::move(finding));
    }
    return std::move(proposal_);
}

}  // namespace

Proposal membership(const ClusterSpec& /*spec*/, const Snapshot& seen) {
    if (!seen.record || seen.record->state != RecordState::formed) {
        return {};
    }
    return Membership(seen).propose();
}

}  // namespace rop::reconcilers
