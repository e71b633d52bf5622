#include "reconcilers/layout.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace rop::reconcilers {
namespace {

/// "AABC": four candidates, two of them at the place A.
std::vector<Candidate> at_places(const std::string& places) {
    std::vector<Candidate> candidates;
    for (const char place : places) {
        const std::string number = std::to_string(candidates.size());
        candidates.push_back({InstanceId{"i" + number}, std::string(1, place)});
    }
    return candidates;
}

/// "A<BC D<A": each primary's place, and behind it those of its replicas.
std::string drawn(const std::vector<ShardLayout>& layout, const std::vector<Candidate>& from) {
    std::map<InstanceId, std::string> places;
    for (const auto& candidate : from) {
        places[candidate.id] = candidate.place;
    }
    std::string text;
    for (const auto& shard : layout) {
        text += (text.empty() ? "" : " ") + places.at(shard.primary) + "<";
        std::string replicas;
        for (const auto& replica : shard.replicas) {
            replicas += places.at(replica);
        }
        std::sort(replicas.begin(), replicas.end());
        text += replicas;
    }
    return text;
}

std::size_t beside_their_primary(const std::string& drawing) {
    std::size_t clashes = 0;
    char primary = 0;
    for (std::size_t i = 0; i < drawing.size(); ++i) {
        if (i + 1 < drawing.size() && drawing[i + 1] == '<') {
            primary = drawing[i];
        } else if (drawing[i] == primary) {
            ++clashes;
        }
    }
    return clashes;
}

/// How few replicas can stand beside their primary while the primaries stand as far apart as they
/// can: by trying everything.
class Exhaustive {
  public:
    Exhaustive(const std::string& places, std::size_t primaries, std::size_t replicas)
        : primaries_(primaries), seats_(primaries * replicas) {
        for (const char place : places) {
            ++left_[place];
        }
    }
    std::size_t fewest_clashes() {
        choose_primary('A');
        return best_;
    }

  private:
    void choose_primary(char least) {
        if (chosen_.size() == primaries_) {
            std::size_t together = 0;
            for (const char place : chosen_) {
                together +=
                    static_cast<std::size_t>(std::count(chosen_.begin(), chosen_.end(), place));
            }
            if (together < least_together_) {
                least_together_ = together;
                best_ = 1'000;
            }
            if (together == least_together_) {
                fill_seat(0, 0);
            }
            return;
        }
        for (auto& [place, count] : left_) {
            if (place >= least && count > 0) {
                --count;
                chosen_.push_back(place);
                choose_primary(place);
                chosen_.pop_back();
                ++count;
            }
        }
    }
    void fill_seat(std::size_t seat, std::size_t clashes) {
        if (clashes >= best_) {
            return;
        }
        if (seat == seats_) {
            best_ = clashes;
            return;
        }
        for (auto& [place, count] : left_) {
            if (count > 0) {
                --count;
                fill_seat(seat + 1, clashes + (chosen_[seat % primaries_] == place ? 1 : 0));
                ++count;
            }
        }
    }

    std::size_t primaries_;
    std::size_t seats_;
    std::map<char, std::size_t> left_;
    std::vector<char> chosen_;
    std::size_t best_ = 1'000;
    std::size_t least_together_ = 1'000;
};

void expect_sound(const std::vector<ShardLayout>& layout, std::size_t replicas) {
    std::set<InstanceId> taken;
    std::size_t next = 0;
    for (const auto& shard : layout) {
        EXPECT_TRUE(taken.insert(shard.primary).second);
        EXPECT_EQ(shard.replicas.size(), replicas);
        for (const auto& replica : shard.replicas) {
            EXPECT_TRUE(taken.insert(replica).second);
        }
        ASSERT_EQ(shard.slots.size(), 1U);
        EXPECT_EQ(shard.slots[0].first.value(), next);
        next = shard.slots[0].last.value() + 1U;
    }
    EXPECT_EQ(next, slot_count);
}

std::string dealt(const std::string& places, std::size_t primaries, std::size_t replicas) {
    const auto candidates = at_places(places);
    const auto layout = deal_shards(candidates, primaries, replicas);
    expect_sound(layout, replicas);
    return drawn(layout, candidates);
}

TEST(Layout, DealsPrimariesApartAndReplicasElsewhere) {
    EXPECT_EQ(dealt("AABBCC", 3, 1), "A<C B<A C<B");
    EXPECT_EQ(dealt("ABC", 3, 0), "A< B< C<");
    EXPECT_EQ(dealt("AAAABC", 2, 2), "B<AA C<AA");
}

TEST(Layout, ManagesOnOneHost) {
    EXPECT_EQ(dealt("AAAAAA", 3, 1), "A<A A<A A<A");
}

TEST(Layout, DividesSlotsEvenly) {
    for (const std::size_t primaries : {1U, 2U, 3U, 7U, 100U, 500U}) {
        const auto layout = deal_shards(at_places(std::string(primaries, 'A')), primaries, 0);
        expect_sound(layout, 0);
        std::size_t least = slot_count;
        std::size_t most = 0;
        for (const auto& shard : layout) {
            const std::size_t size =
                shard.slots[0].last.value() - shard.slots[0].first.value() + 1U;
            least = std::min(least, size);
            most = std::max(most, size);
        }
        EXPECT_LE(most - least, 1U) << primaries;
    }
}

TEST(Layout, PutsNoReplicaBesideItsPrimaryWhereThatCanBeAvoided) {
    std::mt19937 random(1);  // The same hosts in every run.
    for (int i = 0; i < 3'000; ++i) {
        const std::size_t primaries = 1 + random() % 3;
        const std::size_t replicas = random() % 3;
        const std::size_t count = primaries * (1 + replicas) + random() % 2;
        std::string places;
        const auto hosts = static_cast<unsigned>(1 + random() % 4);
        for (std::size_t k = 0; k < count; ++k) {
            places += static_cast<char>('A' + std::min(random() % hosts, random() % hosts));
        }
        const std::string drawing = dealt(places, primaries, replicas);
        EXPECT_EQ(beside_their_primary(drawing),
                  Exhaustive(places, primaries, replicas).fewest_clashes())
            << places << " dealt as " << drawing;
    }
}

}  // namespace
}  // namespace rop::reconcilers
