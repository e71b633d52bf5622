#include "reconcilers/layout.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace rop::reconcilers {
namespace {

/// One place, and what is dealt out from it. A number per role is decided first, then who sits
/// where.
struct Place {
    std::deque<InstanceId> left;    // Who was not dealt out yet.
    std::size_t primaries = 0;      // Shards whose primary stands here,
    std::vector<std::size_t> open;  // and which of them, once for each replica that they wait for.
    std::size_t replicas = 0;       // To be dealt out from here.

    /// How much of the deal depends on this place: an open seat of its shards must be filled from
    /// elsewhere, a replica of its own must sit elsewhere.
    [[nodiscard]] std::size_t weight() const { return open.size() + replicas; }
};
using Places = std::map<std::string, Place>;

class Deal {
  public:
    Deal(std::vector<Candidate> candidates, std::size_t primaries, std::size_t replicas)
        : wanted_(primaries), each_(replicas) {
        for (auto& candidate : candidates) {
            places_[candidate.place].left.push_back(std::move(candidate.id));
        }
    }

    std::vector<ShardLayout> run() {
        for (std::size_t i = 0; i < wanted_; ++i) {
            seat_primary();
        }
        for (std::size_t i = 0; i < wanted_ * each_; ++i) {
            count_replica();
        }
        seat_beside_primaries();
        seat_elsewhere();
        return std::move(shards_);
    }

  private:
    /// Primaries apart: from the place with the fewest. Of several, from the one with the fewest
    /// left: its few could help only one shard, the many of another place help all others.
    void seat_primary() {
        Place* best = nullptr;
        for (auto& [name, place] : places_) {
            const auto rank = std::pair(place.primaries, place.left.size());
            if (!place.left.empty() &&
                (best == nullptr || rank < std::pair(best->primaries, best->left.size()))) {
                best = &place;
            }
        }
        const std::size_t index = shards_.size();
        shards_.push_back(ShardLayout{take_from(*best), share_of(index), {}});
        ++best->primaries;
        best->open.insert(best->open.end(), each_, index);
    }

    /// From the place with the most left, as long as its replicas find a seat elsewhere.
    void count_replica() {
        const auto left = [](const Place& place) { return place.left.size() - place.replicas; };
        const auto fits = [&](const Place& place) {
            return place.replicas < each_ * (wanted_ - place.primaries);
        };
        Place* best = nullptr;
        for (auto& [name, place] : places_) {
            const auto rank = std::pair(fits(place), left(place));
            if (left(place) > 0 &&
                (best == nullptr || rank > std::pair(fits(*best), left(*best)))) {
                best = &place;
            }
        }
        ++best->replicas;
    }

    /// What finds no seat elsewhere, one for each shard in turn, so that none is alone at a place.
    void seat_beside_primaries() {
        for (auto& [name, place] : places_) {
            const std::size_t seats_elsewhere = each_ * (wanted_ - place.primaries);
            while (place.replicas > seats_elsewhere) {
                seat(place, place, seat_for(place, place));
            }
        }
    }

    /// The heaviest place first, with the next heaviest: then no place is ever left with more than
    /// the others can take. (At most two can have no slack, and they have it with each other.)
    void seat_elsewhere() {
        for (;;) {
            Place* heaviest = nullptr;
            for (auto& [name, place] : places_) {
                if (place.weight() > 0 &&
                    (heaviest == nullptr || place.weight() > heaviest->weight())) {
                    heaviest = &place;
                }
            }
            if (heaviest == nullptr) {
                return;
            }
            if (heaviest->replicas > 0) {
                Place* to = partner(*heaviest, [](const Place& p) { return !p.open.empty(); });
                seat(*heaviest, *to, seat_for(*heaviest, *to));
            } else {
                Place* from = partner(*heaviest, [](const Place& p) { return p.replicas > 0; });
                seat(*from, *heaviest, seat_for(*from, *heaviest));
            }
        }
    }

    template <class Suits>
    Place* partner(const Place& of, Suits suits) {
        Place* best = nullptr;
        for (auto& [name, place] : places_) {
            if (&place != &of && suits(place) &&
                (best == nullptr || place.weight() > best->weight())) {
                best = &place;
            }
        }
        return best;
    }

    /// Of the open seats at `to`: of the shard that waits for most, and has the fewest from `from`.
    std::size_t seat_for(const Place& from, const Place& to) const {
        std::optional<std::size_t> best;
        const auto rank = [&](std::size_t seat) {
            const ShardLayout& shard = shards_[to.open[seat]];
            const auto same = std::count_if(shard.replicas.begin(), shard.replicas.end(),
                                            [&](const auto& id) { return from_.at(id) == &from; });
            return std::pair(shard.replicas.size(), same);
        };
        for (std::size_t i = 0; i < to.open.size(); ++i) {
            if (!best || rank(i) < rank(*best)) {
                best = i;
            }
        }
        return *best;
    }

    void seat(Place& from, Place& to, std::size_t open) {
        const InstanceId taken = take_from(from);
        shards_[to.open[open]].replicas.push_back(taken);
        to.open.erase(to.open.begin() + static_cast<std::ptrdiff_t>(open));
        --from.replicas;
    }

    InstanceId take_from(Place& place) {
        const InstanceId taken = place.left.front();
        place.left.pop_front();
        from_[taken] = &place;
        return taken;
    }

    [[nodiscard]] std::vector<SlotRange> share_of(std::size_t index) const {
        const auto first = static_cast<std::uint16_t>(index * slot_count / wanted_);
        const auto last = static_cast<std::uint16_t>((index + 1) * slot_count / wanted_ - 1);
        return {SlotRange{Slot{first}, Slot{last}}};
    }

    std::size_t wanted_;
    std::size_t each_;
    Places places_;
    std::vector<ShardLayout> shards_;
    std::map<InstanceId, const Place*> from_;
};

class Completion {
  public:
    Completion(UnfinishedShards unfinished, std::size_t primaries, std::size_t replicas)
        : work_(std::move(unfinished)), wanted_(primaries), each_(replicas) {
        unowned_ = SlotSet::all();
        for (const auto& shard : work_.shards) {
            unowned_ = unowned_ - SlotSet{shard.slots};
        }
    }

    std::vector<ShardLayout> run() {
        while (!unowned_.empty() && work_.shards.size() < wanted_ && add_primary()) {
        }
        deal_unowned();
        dissolve_empty_shards();
        for (const auto& candidate : work_.free) {
            seat(candidate, SIZE_MAX);
        }
        for (const auto& candidate : work_.spare) {
            seat(candidate, each_);
        }
        return std::move(work_.shards);
    }

  private:
    /// From the place with the fewest primaries, and first of those that must have a part.
    bool add_primary() {
        auto& from = work_.free.empty() ? work_.spare : work_.free;
        const auto primaries_at = [&](const Candidate& candidate) {
            return std::count_if(work_.places.begin(), work_.places.end(), [&](const auto& entry) {
                return entry.second == candidate.place;
            });
        };
        const auto best = std::min_element(
            from.begin(), from.end(),
            [&](const auto& a, const auto& b) { return primaries_at(a) < primaries_at(b); });
        if (best == from.end()) {
            return false;
        }
        work_.shards.push_back(ShardLayout{best->id, {}, {}});
        work_.places[best->id] = best->place;
        from.erase(best);
        return true;
    }

    void deal_unowned() {
        const std::size_t fair = slot_count / std::max<std::size_t>(work_.shards.size(), 1);
        for (auto& shard : work_.shards) {
            const std::size_t own = SlotSet{shard.slots}.size();
            give(shard, fair > own ? fair - own : 0);
        }
        for (auto& shard : work_.shards) {  // What division leaves over.
            give(shard, SlotSet{shard.slots}.size() > fair ? 0 : 1);
        }
    }

    void give(ShardLayout& shard, std::size_t count) {
        const SlotSet taken = unowned_.lowest(count);
        shard.slots = (SlotSet{shard.slots} | taken).ranges();
        unowned_ = unowned_ - taken;
    }

    /// Few slots were left for many.
    void dissolve_empty_shards() {
        for (const auto& shard : work_.shards) {
            if (shard.slots.empty()) {
                work_.free.push_back(Candidate{shard.primary, work_.places.at(shard.primary)});
            }
        }
        std::erase_if(work_.shards, [](const ShardLayout& shard) { return shard.slots.empty(); });
    }

    void seat(const Candidate& candidate, std::size_t most) {
        ShardLayout* best = nullptr;
        const auto rank = [&](const ShardLayout& shard) {
            return std::pair(shard.replicas.size(),
                             work_.places.at(shard.primary) == candidate.place);
        };
        for (auto& shard : work_.shards) {
            if (shard.replicas.size() < most && (best == nullptr || rank(shard) < rank(*best))) {
                best = &shard;
            }
        }
        if (best != nullptr) {
            best->replicas.push_back(candidate.id);
        }
    }

    UnfinishedShards work_;
    std::size_t wanted_;
    std::size_t each_;
    SlotSet unowned_;
};

}  // namespace

std::vector<ShardLayout> complete_shards(UnfinishedShards unfinished, std::size_t primaries,
                                         std::size_t replicas_per_primary) {
    return Completion(std::move(unfinished), primaries, replicas_per_primary).run();
}

std::vector<ShardLayout> deal_shards(std::vector<Candidate> candidates, std::size_t primaries,
                                     std::size_t replicas_per_primary) {
    return Deal(std::move(candidates), primaries, replicas_per_primary).run();
}

}  // namespace rop::reconcilers
