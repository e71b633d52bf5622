#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "api/base/result.hpp"
#include "api/base/strong.hpp"

namespace rop {

inline constexpr std::size_t slot_count = 16384;

using Slot = Strong<struct SlotTag, std::uint16_t>;

/// Both ends included, as Redis prints them.
struct SlotRange {
    Slot first;
    Slot last;

    friend bool operator==(const SlotRange&, const SlotRange&) = default;
};

/// "0-5460", "9000"; and back.
[[nodiscard]] std::string to_string(const SlotRange& range);
[[nodiscard]] Result<SlotRange> parse_slot_range(std::string_view text);

/// A set of hash slots. Cheap to combine, always valid, prints and parses as "0-5460 9000".
class SlotSet {
  public:
    SlotSet() = default;
    explicit SlotSet(SlotRange range);
    explicit SlotSet(const std::vector<SlotRange>& ranges);

    [[nodiscard]] static SlotSet all();
    [[nodiscard]] static Result<SlotSet> parse(std::string_view text);

    [[nodiscard]] bool contains(Slot slot) const { return bits_.test(slot.value()); }
    [[nodiscard]] bool empty() const { return bits_.none(); }
    [[nodiscard]] std::size_t size() const { return bits_.count(); }
    [[nodiscard]] std::vector<SlotRange> ranges() const;
    [[nodiscard]] std::string to_string() const;

    /// The lowest `count` slots of this set, or all of them.
    [[nodiscard]] SlotSet lowest(std::size_t count) const;

    friend SlotSet operator|(SlotSet a, const SlotSet& b) { return a.bits_ |= b.bits_, a; }
    friend SlotSet operator&(SlotSet a, const SlotSet& b) { return a.bits_ &= b.bits_, a; }
    friend SlotSet operator-(SlotSet a, const SlotSet& b) { return a.bits_ &= ~b.bits_, a; }
    friend bool operator==(const SlotSet&, const SlotSet&) = default;
    friend std::ostream& operator<<(std::ostream& out, const SlotSet& slots);

  private:
    std::bitset<slot_count> bits_;
};

}  // namespace rop
