#include "test/simulation/dice.hpp"

namespace rop::simulation {

// SplitMix64 (public domain, Vigna): small, fast, good enough to place faults.
std::uint64_t Dice::next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30U)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94d049bb133111ebU;
    return mixed ^ (mixed >> 31U);
}

std::uint64_t Dice::between(std::uint64_t low, std::uint64_t high) {
    return low + next() % (high - low + 1);
}

std::chrono::microseconds Dice::between(std::chrono::microseconds low,
                                        std::chrono::microseconds high) {
    const auto span = static_cast<std::uint64_t>((high - low).count());
    return low + std::chrono::microseconds{static_cast<std::int64_t>(between(0, span))};
}

bool Dice::chance(double probability) {
    constexpr double scale = 1.0 / 9007199254740992.0;  // 2^-53
    return static_cast<double>(next() >> 11U) * scale < probability;
}

std::string Dice::hex(std::size_t digits) {
    constexpr char alphabet[] = "0123456789abcdef";
    std::string text;
    while (text.size() < digits) {
        text += alphabet[next() & 15U];
    }
    return text;
}

std::string Dice::uuid() {
    return hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12);
}

}  // namespace rop::simulation
