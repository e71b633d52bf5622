#include "reconcilers/layout.hpp"

#include <algorithm>
#include <deque>
#include <map>

namespace rop::reconcilers {
namespace {

using ByPlace = std::map<std::string, std::deque<InstanceId>>;

/// One candidate after the other, each from the place that has the most left: what is taken from
/// the front stands as far apart as these places allow.
std::vector<Candidate> interleave(std::vector<Candidate> candidates) {
    ByPlace left;
    for (auto& candidate : candidates) {
        left[candidate.place].push_back(std::move(candidate.id));
    }
    std::vector<Candidate> dealt;
    std::string last;
    while (!left.empty()) {
        auto best = left.end();
        for (auto it = left.begin(); it != left.end(); ++it) {
            const bool avoid = it->first == last && left.size() > 1;
            if (!avoid && (best == left.end() || it->second.size() > best->second.size())) {
                best = it;
            }
        }
        last = best->first;
        dealt.push_back(Candidate{best->second.front(), best->first});
        best->second.pop_front();
        if (best->second.empty()) {
            left.erase(best);
        }
    }
    return dealt;
}

/// As many different places among the first `count` as there are.
void spread_front(std::vector<Candidate>& dealt, std::size_t count) {
    std::map<std::string, std::size_t> used;
    for (std::size_t i = 0; i < count; ++i) {
        auto best = dealt.begin() + static_cast<std::ptrdiff_t>(i);
        for (auto it = best; it != dealt.end(); ++it) {
            if (used[it->place] < used[best->place]) {
                best = it;
            }
        }
        ++used[best->place];
        std::rotate(dealt.begin() + static_cast<std::ptrdiff_t>(i), best, best + 1);
    }
}

std::vector<SlotRange> share_of(std::size_t index, std::size_t primaries) {
    const auto first = static_cast<std::uint16_t>(index * slot_count / primaries);
    const auto last = static_cast<std::uint16_t>((index + 1) * slot_count / primaries - 1);
    return {SlotRange{Slot{first}, Slot{last}}};
}

struct Seat {
    std::size_t shard;
    Candidate taken;
};

/// Removes every avoidable replica at its primary's place by exchanging it with another one.
void exchange_clashes(const std::vector<Candidate>& primaries, std::vector<Seat>& seats,
                      std::vector<Candidate>& spare) {
    const auto clashes = [&](const Seat& seat, const Candidate& who) {
        return primaries[seat.shard].place == who.place;
    };
    for (auto& seat : seats) {
        if (!clashes(seat, seat.taken)) {
            continue;
        }
        const auto other = std::find_if(seats.begin(), seats.end(), [&](const Seat& candidate) {
            return !clashes(seat, candidate.taken) && !clashes(candidate, seat.taken);
        });
        if (other != seats.end()) {
            std::swap(seat.taken, other->taken);
            continue;
        }
        const auto free = std::find_if(spare.begin(), spare.end(), [&](const Candidate& candidate) {
            return !clashes(seat, candidate);
        });
        if (free != spare.end()) {
            std::swap(seat.taken, *free);
        }
    }
}

}  // namespace

std::vector<ShardLayout> deal_shards(std::vector<Candidate> candidates, std::size_t primaries,
                                     std::size_t replicas_per_primary) {
    std::vector<Candidate> dealt = interleave(std::move(candidates));
    spread_front(dealt, primaries);
    const auto chosen_end = dealt.begin() + static_cast<std::ptrdiff_t>(primaries);
    const std::vector<Candidate> chosen(dealt.begin(), chosen_end);
    std::vector<Candidate> spare(chosen_end, dealt.end());

    std::vector<Seat> seats;
    for (std::size_t turn = 0; turn < replicas_per_primary; ++turn) {
        for (std::size_t shard = 0; shard < primaries; ++shard) {
            const auto elsewhere = std::find_if(
                spare.begin(), spare.end(),
                [&](const Candidate& candidate) { return candidate.place != chosen[shard].place; });
            const auto taken = elsewhere == spare.end() ? spare.begin() : elsewhere;
            seats.push_back(Seat{shard, *taken});
            spare.erase(taken);
        }
    }
    exchange_clashes(chosen, seats, spare);

    std::vector<ShardLayout> layout;
    for (std::size_t shard = 0; shard < primaries; ++shard) {
        layout.push_back(ShardLayout{chosen[shard].id, share_of(shard, primaries), {}});
    }
    for (const auto& seat : seats) {
        layout[seat.shard].replicas.push_back(seat.taken.id);
    }
    return layout;
}

}  // namespace rop::reconcilers
