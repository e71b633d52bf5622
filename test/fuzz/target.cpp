#include "test/fuzz/target.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <sanitizer/allocator_interface.h>

namespace rop::fuzz {
namespace {

std::atomic<std::size_t> allocated{0};  // libFuzzer has a thread of its own.

void on_allocation(const volatile void* /*at*/, std::size_t size) {
    allocated.fetch_add(size, std::memory_order_relaxed);
}

void on_release(const volatile void* /*at*/) {}

const int is_counting = __sanitizer_install_malloc_and_free_hooks(&on_allocation, &on_release);

}  // namespace

void require(bool holds, std::string_view what) {
    if (!holds) {
        std::fprintf(stderr, "does not hold: %.*s\n", static_cast<int>(what.size()), what.data());
        std::abort();
    }
}

Budget::Budget(std::size_t input_bytes, Rate rate)
    : limit_(rate.at_once + rate.per_byte * input_bytes) {
    require(is_counting != 0, "allocations are counted");
    allocated = 0;
}

Budget::~Budget() {
    const std::size_t used = allocated;
    if (used > limit_) {
        const std::string what = "allocates at most " + std::to_string(limit_) +
                                 " bytes for it, not " + std::to_string(used);
        require(false, what);
    }
}

Input::Input(const std::uint8_t* bytes, std::size_t size)
    : text_(reinterpret_cast<const char*>(bytes), size) {}

std::uint8_t Input::take_byte() {
    if (text_.empty()) {
        return 0;
    }
    const auto byte = static_cast<std::uint8_t>(text_.front());
    text_.remove_prefix(1);
    return byte;
}

std::vector<std::string_view> Input::parts(char mark) const {
    std::vector<std::string_view> parts;
    std::string_view rest = text_;
    for (;;) {
        const auto at = rest.find(mark);
        parts.push_back(rest.substr(0, at));
        if (at == std::string_view::npos) {
            return parts;
        }
        rest.remove_prefix(at + 1);
    }
}

}  // namespace rop::fuzz
