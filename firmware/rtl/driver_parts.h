// What both drivers need: words of a port, waits that are the same everywhere, the range of what was observed.

#pragma once

#include <cstdint>

#include "verilated.h"

namespace {

template <typename Word> void set_port(Word &port, const uint32_t *words) {
    uint64_t bits = words[0];
    if (sizeof(Word) > 4) bits |= static_cast<uint64_t>(words[1]) << 32;
    port = static_cast<Word>(bits);
}

template <std::size_t N> void set_port(VlWide<N> &port, const uint32_t *words) {
    for (std::size_t i = 0; i < N; ++i) port[i] = words[i];
}

template <typename Word> void get_port(const Word &port, uint32_t *words) {
    words[0] = static_cast<uint32_t>(port);
    words[1] = static_cast<uint32_t>(static_cast<uint64_t>(port) >> 32);
}

template <std::size_t N> void get_port(const VlWide<N> &port, uint32_t *words) {
    for (std::size_t i = 0; i < N; ++i) words[i] = port[i];
}

template <typename Word> constexpr std::size_t words_of(const Word &) { return 2; }
template <std::size_t N> constexpr std::size_t words_of(const VlWide<N> &) { return N; }

struct Random {  // xorshift: the same waits for the same seed everywhere
    uint32_t state;
    uint32_t next() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        return state;
    }
};

struct Range {
    long least = -1, most = -1;
    void add(long value) {
        if (least < 0 || value < least) least = value;
        if (value > most) most = value;
    }
};

}  // namespace
