// Completes a formation to which the record has committed, from wherever it was left: every
// round looks at what is missing and does only that, so the operator may die at any point.

#include "reconcilers/forming.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "reconcilers/acquaintance.hpp"
#include "reconcilers/evidence.hpp"
#include "reconcilers/record_step.hpp"

namespace rop::reconcilers {
namespace {

/// Everything the questions below are about, looked up once.
class Forming {
  public:
    explicit Forming(const Snapshot& seen)
        : seen_(seen), record_(*seen.record), topology_(topology_of(seen)) {
        for (const auto& [node, id] : topology_.where) {
            present_.push_back(&seen.instances.at(id));
        }
        any_keys_ = std::any_of(present_.begin(), present_.end(),
                                [](const Instance* i) { return i->report->keys > 0; });
    }

    [[nodiscard]] const Topology& topology() const { return topology_; }
    [[nodiscard]] const std::vector<const Instance*>& present() const { return present_; }
    [[nodiscard]] bool any_keys() const { return any_keys_; }

    /// The member that should be at this place of the layout, when it answered.
    [[nodiscard]] const Instance* at(const InstanceId& id) const {
        const auto member = record_.members.find(id);
        return member == record_.members.end() ? nullptr
                                               : find_node(seen_, topology_, member->second.node);
    }

    /// Clients write already, so the layout is history: what is there is the cluster. Waits for
    /// members that may live, because they may still have the short node timeout.
    [[nodiscard]] bool in_use() const {
        return any_keys_ && topology_.unowned.empty() && missing_are_gone();
    }
    [[nodiscard]] bool as_laid_out() const;
    /// Everybody serves and knows everybody, so nothing is left to do. An election can lead here.
    [[nodiscard]] bool serves_otherwise() const;

    [[nodiscard]] PrepareNodes preparation() const;
    [[nodiscard]] AssignSlots later_shares() const;
    [[nodiscard]] Meet meetings() const;
    [[nodiscard]] Follow followings() const;
    [[nodiscard]] Forget forgettings() const;

  private:
    [[nodiscard]] bool missing_are_gone() const {
        const auto& missing = topology_.missing;
        return std::all_of(missing.begin(), missing.end(), [&](const InstanceId& id) {
            return is_gone(seen_, id, record_.members.at(id).node);
        });
    }
    [[nodiscard]] SlotSet lacking(const ShardLayout& shard, const Instance& primary) const;
    /// Each place its own, and every replacement one above all that were given before it: who was
    /// replaced may come back with its slots, and the greater epoch decides who keeps them.
    [[nodiscard]] std::uint64_t epoch_at(std::uint64_t place) const {
        return record_.members.size() * record_.former.size() + place;
    }
    /// Whether it heard of the epochs of all others: what it raises its own to is above them.
    [[nodiscard]] bool knows_epochs(const Instance& primary) const {
        return std::all_of(present_.begin(), present_.end(), [&](const Instance* other) {
            return other->report->my_epoch <= primary.report->current_epoch;
        });
    }
    [[nodiscard]] bool owned_by_nobody(const SlotSet& slots) const {
        return (slots - topology_.unowned).empty();
    }
    [[nodiscard]] bool is_first_sight(const Instance& instance) const {
        return instance.report->is_blank() && record_.former.empty();
    }

    const Snapshot& seen_;
    const Record& record_;
    Topology topology_;
    std::vector<const Instance*> present_;
    bool any_keys_ = false;
};

SlotSet Forming::lacking(const ShardLayout& shard, const Instance& primary) const {
    const TableRow* own = primary.report->self();
    return own == nullptr ? SlotSet{} : SlotSet{shard.slots} - SlotSet{own->slots};
}

bool follows(const Instance& replica, const NodeId& primary) {
    const TableRow* own = replica.report->self();
    return own != nullptr && own->is_replica && own->primary == primary;
}

bool Forming::as_laid_out() const {
    for (const auto& shard : record_.layout) {
        const Instance* primary = at(shard.primary);
        if (primary == nullptr || !primary->report->state_ok || !lacking(shard, *primary).empty()) {
            return false;
        }
        for (const auto& id : shard.replicas) {
            const Instance* replica = at(id);
            if (replica == nullptr || !replica->report->state_ok ||
                !follows(*replica, primary->report->node)) {
                return false;
            }
        }
    }
    return true;
}

bool Forming::serves_otherwise() const {
    const auto knows_all = [&](const Instance* one) {
        return std::all_of(present_.begin(), present_.end(), [&](const Instance* other) {
            return row_of(*one, other->report->node) != nullptr;
        });
    };
    const auto& owners = topology_.owners;
    const bool owners_live = std::all_of(owners.begin(), owners.end(), [&](const auto& entry) {
        return topology_.where.contains(entry.first);  // Tables name the dead for a while.
    });
    return topology_.unowned.empty() && topology_.agrees() && owners_live && missing_are_gone() &&
           std::all_of(present_.begin(), present_.end(), [&](const Instance* one) {
               return one->report->state_ok && knows_all(one);
           });
}

/// What a lone instance needs before it meets anyone, and settings that got lost.
PrepareNodes Forming::preparation() const {
    PrepareNodes prepare;
    prepare.node_timeout = forming_timeout;
    std::uint64_t place = 0;
    const auto look_at = [&](const InstanceId& id, const ShardLayout* shard) {
        ++place;
        const Instance* instance = at(id);
        if (instance == nullptr) {
            return;
        }
        PrepareNodes::Node node{id, {}, {}};
        const InstanceReport& report = *instance->report;
        bool needed = report.node_timeout != forming_timeout || report.replica_migration_allowed;
        if (report.is_blank() && report.my_epoch == 0 && report.current_epoch == 0) {
            node.config_epoch = epoch_at(place);
            needed = true;
        }
        if (shard != nullptr && is_first_sight(*instance)) {
            const SlotSet slots = lacking(*shard, *instance);
            if (!slots.empty() && owned_by_nobody(slots)) {
                node.slots = slots.ranges();
                needed = true;
            }
        }
        if (needed) {
            prepare.nodes.push_back(std::move(node));
        }
    };
    for (const auto& shard : record_.layout) {
        look_at(shard.primary, &shard);
    }
    for (const auto& shard : record_.layout) {
        for (const auto& replica : shard.replicas) {
            look_at(replica, nullptr);
        }
    }
    return prepare;
}

/// Slots for a primary that already knows the others: with an epoch above a former owner's.
AssignSlots Forming::later_shares() const {
    AssignSlots assign;
    for (const auto& shard : record_.layout) {
        const Instance* primary = at(shard.primary);
        if (primary == nullptr || primary->report->is_replica || is_first_sight(*primary) ||
            (primary->report->known_nodes <= 1 && record_.members.size() > 1) ||
            !knows_epochs(*primary)) {
            continue;
        }
        const SlotSet slots = lacking(shard, *primary);
        if (!slots.empty() && owned_by_nobody(slots)) {
            assign.shares.push_back(AssignSlots::Share{shard.primary, slots.ranges(), true});
        }
    }
    return assign;
}

bool handshakes_with(const Instance& viewer, const Instance& other) {
    const auto& table = viewer.report->table;
    return std::any_of(table.begin(), table.end(), [&](const TableRow& row) {
        return row.in_handshake && row.address == *other.address;
    });
}

/// Never met, or restarted elsewhere since.
bool has_lost(const Instance& viewer, const Instance& other) {
    const TableRow* row = row_of(viewer, other.report->node);
    return row == nullptr || has_stale_address(*row, other);
}

Meet Forming::meetings() const {
    Meet meet;
    const std::set<NodeId> own = nodes_met_by_chance(seen_, topology_);  // They keep nobody apart.
    for (std::size_t a = 0; a < present_.size(); ++a) {
        for (std::size_t b = a + 1; b < present_.size(); ++b) {
            const Instance& one = *present_[a];
            const Instance& two = *present_[b];
            if (handshakes_with(one, two) || handshakes_with(two, one) ||
                foreign_peer(seen_, one, two, own) != nullptr ||
                foreign_peer(seen_, two, one, own) != nullptr) {
                continue;
            }
            if (has_lost(one, two)) {
                meet.pairs.push_back(Meet::Pair{one.id, two.id});
            } else if (has_lost(two, one)) {
                meet.pairs.push_back(Meet::Pair{two.id, one.id});
            }
        }
    }
    return meet;
}

/// A replica is placed once it and its primary know each other: earlier Redis refuses, or the
/// primary does not know its replica (redis-admin: 5.2, trap a).
Follow Forming::followings() const {
    Follow follow;
    for (const auto& shard : record_.layout) {
        const Instance* primary = at(shard.primary);
        if (primary == nullptr) {
            continue;
        }
        for (const auto& id : shard.replicas) {
            const Instance* replica = at(id);
            if (replica == nullptr || follows(*replica, primary->report->node)) {
                continue;
            }
            const TableRow* own = replica->report->self();
            const TableRow* there = row_of(*replica, primary->report->node);
            const bool may = replica->report->keys == 0 && own != nullptr && own->slots.empty();
            if (may && there != nullptr && there->is_primary &&
                row_of(*primary, replica->report->node) != nullptr) {
                follow.pairs.push_back(Follow::Pair{id, primary->report->node});
            }
        }
    }
    return follow;
}

/// While no instance holds a key, a former owner may be forgotten together with its slots.
Forget Forming::forgettings() const {
    Forget forget;
    for (const auto& former : record_.former) {
        bool known = false;
        for (const Instance* instance : present_) {
            const TableRow* row = row_of(*instance, former.node);
            const TableRow* own = instance->report->self();
            const bool is_its_primary = own != nullptr && own->primary == former.node;
            const bool may_hold_keys = any_keys_ || !missing_are_gone();
            if (row == nullptr || is_its_primary || (!row->slots.empty() && may_hold_keys)) {
                continue;
            }
            known = true;
            if (std::find(forget.at.begin(), forget.at.end(), instance->id) == forget.at.end()) {
                forget.at.push_back(instance->id);
            }
        }
        if (known) {
            forget.nodes.push_back(former.node);
        }
    }
    std::erase_if(forget.at, [&](const InstanceId& id) {
        return follows_one_of(seen_.instances.at(id), forget.nodes);
    });
    if (forget.at.empty()) {
        forget.nodes.clear();
    }
    return forget;
}

std::chrono::milliseconds wanted_timeout(const ClusterSpec& spec, const Record& record) {
    using std::chrono::milliseconds;
    constexpr milliseconds redis_default{15'000};
    return spec.failover.node_timeout.value_or(record.node_timeout_found.value_or(redis_default));
}

Finding how_far(const Snapshot& seen) {
    const FormingProgress progress = forming_progress(seen);
    return Finding{ConditionType::formed,
                   "Forming",
                   std::to_string(progress.done) + " of " + std::to_string(progress.total) +
                       " instances serve all slots",
                   {}};
}

/// First what formation changed for its own purpose is put right, then it is over.
Proposal finish(const ClusterSpec& spec, const Snapshot& seen, const Forming& forming) {
    Proposal proposal;
    proposal.findings.push_back(how_far(seen));
    SetNodeTimeout restore{{}, wanted_timeout(spec, *seen.record)};
    for (const Instance* instance : forming.present()) {
        if (instance->report->node_timeout != restore.timeout) {
            restore.at.push_back(instance->id);
        }
    }
    if (!restore.at.empty()) {
        const auto count = std::to_string(restore.at.size());
        proposal.steps.push_back(
            Step{std::move(restore), count + " instances still have the short one of forming"});
    }
    Record record = *seen.record;
    record.state = RecordState::formed;
    record.layout.clear();
    record.node_timeout_found.reset();
    proposal.steps.push_back(write_signed(
        seen, std::move(record), "note that the cluster is formed",
        forming.as_laid_out() ? "every instance serves all slots"
                              : "it serves, though not as laid out: what is there is the cluster"));
    return proposal;
}

template <class A>
void add(Proposal& proposal, A action, std::size_t size, std::string reason) {
    if (size > 0) {
        proposal.steps.push_back(Step{std::move(action), std::move(reason)});
    }
}

/// Redis needs no more than half a second; whoever waits longer can wait with less haste.
std::chrono::milliseconds patience(const Snapshot& seen) {
    using std::chrono::milliseconds;
    const auto waited = std::chrono::duration_cast<milliseconds>(seen.now - seen.last_changed);
    return std::clamp(waited / 40, forming_look_again, milliseconds{1'000});
}

}  // namespace

Proposal complete_formation(const ClusterSpec& spec, const Snapshot& seen) {
    const Forming forming(seen);
    if (forming.as_laid_out() || forming.in_use()) {
        return finish(spec, seen, forming);
    }
    Proposal proposal;
    auto prepare = forming.preparation();
    auto forget = forming.forgettings();
    auto assign = forming.later_shares();
    auto meet = forming.meetings();
    auto follow = forming.followings();
    const std::size_t prepared = prepare.nodes.size();
    const std::size_t forgotten = forget.nodes.size();
    const std::size_t assigned = assign.shares.size();
    const std::size_t met = meet.pairs.size();
    const std::size_t followed = follow.pairs.size();
    add(proposal, std::move(prepare), prepared, "not yet ready to meet");
    add(proposal, std::move(forget), forgotten, "replaced before the cluster was formed");
    add(proposal, std::move(assign), assigned, "their share of the slots has no owner");
    add(proposal, std::move(meet), met, "they do not know each other");
    add(proposal, std::move(follow), followed, "laid out as replicas");
    if (proposal.steps.empty() && forming.serves_otherwise()) {
        return finish(spec, seen, forming);
    }
    proposal.findings = blocked_buses(seen, forming.topology(), ConditionType::formed);
    proposal.findings.push_back(how_far(seen));
    proposal.look_again = patience(seen);
    return proposal;
}

FormingProgress forming_progress(const Snapshot& seen) {
    FormingProgress progress;
    if (!seen.record) {
        return progress;
    }
    for (const auto& [id, member] : seen.record->members) {
        ++progress.total;
        const auto it = seen.instances.find(id);
        const bool serves = it != seen.instances.end() && it->second.answered() &&
                            it->second.report->node == member.node && it->second.report->state_ok;
        progress.done += serves ? 1 : 0;
    }
    return progress;
}

}  // namespace rop::reconcilers
