// Memory for a program of one thread that asks for a small piece of it every few hundred
// nanoseconds and gives most pieces back soon: a fifth of its time was the bookkeeping of malloc.
// Not under sanitizers, whose own allocation finds what is wrong with ours.

#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer)

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t grain = 16;  // Also what malloc aligns to.
constexpr std::size_t classes = 128;
constexpr std::size_t chunk_size = std::size_t{1} << 20U;

/// In front of every piece; while it is free, the piece itself holds the next free one.
struct alignas(grain) Header {
    std::size_t kind = 0;  // 0: of malloc; else its size in grains.
};
struct Free {
    Free* next = nullptr;
};

struct Store {
    std::array<Free*, classes> free{};
    std::byte* fresh = nullptr;
    std::byte* end = nullptr;
};
thread_local Store store;

void* from_malloc(std::size_t size) {
    void* raw = std::malloc(size + sizeof(Header));
    if (raw == nullptr) {
        throw std::bad_alloc();
    }
    return new (raw) Header + 1;
}

void* take(std::size_t size) {
    const std::size_t kind = size == 0 ? 1 : (size + grain - 1) / grain;
    if (kind >= classes) {
        return from_malloc(size);
    }
    if (Free* const found = store.free[kind]; found != nullptr) {
        store.free[kind] = found->next;
        return found;
    }
    const std::size_t whole = kind * grain + sizeof(Header);
    if (store.fresh == nullptr || static_cast<std::size_t>(store.end - store.fresh) < whole) {
        store.fresh = static_cast<std::byte*>(from_malloc(chunk_size));
        store.end = store.fresh + chunk_size;
    }
    auto* const header = new (store.fresh) Header{kind};
    store.fresh += whole;
    return header + 1;
}

void give_back(void* piece) {
    if (piece == nullptr) {
        return;
    }
    Header* const header = static_cast<Header*>(piece) - 1;
    if (header->kind == 0) {
        std::free(header);
    } else {
        store.free[header->kind] = new (piece) Free{store.free[header->kind]};
    }
}

}  // namespace

void* operator new(std::size_t size) {
    return take(size);
}
void* operator new[](std::size_t size) {
    return take(size);
}
void operator delete(void* piece) noexcept {
    give_back(piece);
}
void operator delete[](void* piece) noexcept {
    give_back(piece);
}
void operator delete(void* piece, std::size_t) noexcept {
    give_back(piece);
}
void operator delete[](void* piece, std::size_t) noexcept {
    give_back(piece);
}

#endif
