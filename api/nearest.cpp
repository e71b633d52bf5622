#include "api/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace rop {
namespace {

// No word of ours is longer; what is longer is not a typing error, and costs n² to compare.
constexpr std::size_t written_max = 64;

std::string letters_of(std::string_view text) {
    std::string letters;
    for (const char c : text) {
        if (c != '-' && c != '_') {
            letters.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
        }
    }
    return letters;
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
std::size_t distance(const std::string& a, const std::string& b) {
    const std::size_t width = b.size() + 1;
    std::vector<std::size_t> steps((a.size() + 1) *
                                   width);  // Of the first i letters to the first j.
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            const std::size_t at = i * width + j;
            if (i == 0 || j == 0) {
                steps[at] = i + j;
                continue;
            }
            const std::size_t replaced = steps[at - width - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            steps[at] = std::min({replaced, steps[at - width] + 1, steps[at - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                steps[at] = std::min(steps[at], steps[at - 2 * width - 2] + 1);
            }
        }
    }
    return steps.back();
}

/// A third of the letters may be wrong, but never more than three.
std::size_t distance_max(std::size_t length) {
    return std::min<std::size_t>(length / 3, 3);
}

}  // namespace

std::string nearest(std::string_view written, std::span<const std::string_view> words) {
    if (written.empty() || written.size() > written_max) {
        return "";
    }
    const std::string letters = letters_of(written);
    std::string_view best;
    std::size_t best_distance = 0;
    for (const auto& word : words) {
        const std::string meant = letters_of(word);
        const auto [shorter, longer] = std::minmax({letters.size(), meant.size()});
        if (longer - shorter > distance_max(word.size())) {
            continue;  // So many letters would have to come or go.
        }
        const std::size_t apart = distance(letters, meant);
        if (apart <= distance_max(word.size()) && (best.empty() || apart < best_distance)) {
            best = word;
            best_distance = apart;
        }
    }
    return best == written ? "" : std::string(best);
}

}  // namespace rop
