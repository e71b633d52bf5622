#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

// What every target of the fuzzer needs. A target is one .cpp with LLVMFuzzerTestOneInput() in it.
namespace rop::fuzz {

/// Ends the process when it does not hold; the fuzzer then keeps and shows the input.
void require(bool holds, std::string_view what);

/// As long as it lives, what is allocated is counted, also what is freed again: so it bounds the
/// work that an input causes as well as the memory.
class Budget {
  public:
    struct Rate {
        std::size_t at_once = 0;   // Bytes, whatever the input.
        std::size_t per_byte = 0;  // Of the input.
    };
    Budget(std::size_t input_bytes, Rate rate);
    ~Budget();
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

  private:
    std::size_t limit_;
};

/// The input as text; what steers the target is taken off its front.
class Input {
  public:
    Input(const std::uint8_t* bytes, std::size_t size);

    /// 0 when nothing is left.
    std::uint8_t take_byte();
    /// All that is left.
    [[nodiscard]] std::string_view text() const { return text_; }
    /// What is left, cut at every `mark`.
    [[nodiscard]] std::vector<std::string_view> parts(char mark) const;

  private:
    std::string_view text_;
};

}  // namespace rop::fuzz
