#include "api/shortened.hpp"

#include <algorithm>

namespace rop {

std::string shortened(std::string_view text, std::size_t bytes) {
    std::string line(text.substr(0, bytes));
    // Do not keep a part of a character: its following bytes are 10xxxxxx.
    if (text.size() > bytes) {
        while (!line.empty() && (static_cast<unsigned char>(text[line.size()]) & 0xC0U) == 0x80U) {
            line.pop_back();
        }
    }
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
    while (line.ends_with(' ')) {
        line.pop_back();
    }
    return line;
}

}  // namespace rop
