#include "api/slot.hpp"

#include <charconv>
#include <ostream>

namespace rop {
namespace {

Result<Slot> parse_slot(std::string_view text) {
    std::uint16_t number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (ec != std::errc{} || end != text.data() + text.size() || number >= slot_count) {
        return Error{ErrorKind::malformed, "not a slot: '" + std::string(text) + "'"};
    }
    return Slot{number};
}

}  // namespace

std::string to_string(const SlotRange& range) {
    const std::string first = std::to_string(range.first.value());
    return range.first == range.last ? first : first + "-" + std::to_string(range.last.value());
}

Result<SlotRange> parse_slot_range(std::string_view text) {
    const auto dash = text.find('-');
    ROP_TRY(auto first, parse_slot(text.substr(0, dash)));
    ROP_TRY(auto last, parse_slot(dash == std::string_view::npos ? text : text.substr(dash + 1)));
    if (last < first) {
        return Error{ErrorKind::malformed, "backwards range: '" + std::string(text) + "'"};
    }
    return SlotRange{first, last};
}

SlotSet::SlotSet(SlotRange range) {
    const std::size_t first = range.first.value();
    const std::size_t last = range.last.value();
    if (first <= last) {
        bits_.set();
        bits_ >>= slot_count - 1 - (last - first);
        bits_ <<= first;
    }
}

SlotSet::SlotSet(const std::vector<SlotRange>& ranges) {
    for (const auto& range : ranges) {
        *this = *this | SlotSet{range};
    }
}

SlotSet SlotSet::all() {
    return SlotSet{SlotRange{Slot{0}, Slot{slot_count - 1}}};
}

Result<SlotSet> SlotSet::parse(std::string_view text) {
    SlotSet slots;
    while (!text.empty()) {
        const auto space = text.find(' ');
        const auto word = text.substr(0, space);
        text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
        if (word.empty()) {
            continue;
        }
        ROP_TRY(auto range, parse_slot_range(word));
        slots = slots | SlotSet{range};
    }
    return slots;
}

std::vector<SlotRange> SlotSet::ranges() const {
    // Ranges are few and slots are many: libstdc++'s own searches skip whole words of bits.
    const auto others = ~bits_;
    std::vector<SlotRange> out;
    for (std::size_t first = bits_._Find_first(); first < slot_count;) {
        const std::size_t end = others._Find_next(first);
        out.push_back(SlotRange{Slot{static_cast<std::uint16_t>(first)},
                                Slot{static_cast<std::uint16_t>(end - 1)}});
        first = end < slot_count ? bits_._Find_next(end) : slot_count;
    }
    return out;
}

std::string SlotSet::to_string() const {
    std::string text;
    for (const auto& range : ranges()) {
        text += (text.empty() ? "" : " ") + rop::to_string(range);
    }
    return text;
}

SlotSet SlotSet::lowest(std::size_t count) const {
    SlotSet taken;
    for (std::size_t i = 0; i < slot_count && count > 0; ++i) {
        if (bits_.test(i)) {
            taken.bits_.set(i);
            --count;
        }
    }
    return taken;
}

std::ostream& operator<<(std::ostream& out, const SlotSet& slots) {
    return out << '[' << slots.to_string() << ']';
}

}  // namespace rop
