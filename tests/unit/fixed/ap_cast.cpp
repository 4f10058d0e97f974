// Assigns every raw integer of many small source types to many small target types with the real ap_fixed header and
// writes what came out. One record per (source, target, rounding, overflow), little-endian int32:
//   width_s, integer_s, signed_s, width_t, integer_t, signed_t, rounding, overflow, n, then n raw results
// (raw sources from the least up). SLICE of N_SLICES of the table is compiled, so that two compilers can share it.
#define NDEBUG  // the header's assertions refuse to look at bits beyond a short source, whose result they do not use
#include <array>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <utility>
#include <vector>

#include "ap_fixed.h"

#ifndef SLICE
#define SLICE 0
#define N_SLICES 1
#endif

constexpr std::array<int, 3> source_widths{1, 3, 9};
constexpr std::array<int, 3> target_widths{1, 2, 4};
// Dropped bits: fraction bits of the source less those of the target. Below zero nothing is rounded.
constexpr std::array<int, 8> dropped_bits{-6, -2, 0, 1, 2, 3, 9, 11};
constexpr int fraction_s = 3;  // the header looks at differences of fraction bits only
constexpr std::array<ap_q_mode, 7> roundings{AP_TRN,     AP_TRN_ZERO,    AP_RND,     AP_RND_ZERO,
                                             AP_RND_INF, AP_RND_MIN_INF, AP_RND_CONV};
constexpr std::array<ap_o_mode, 4> overflows{AP_WRAP, AP_SAT, AP_SAT_ZERO, AP_SAT_SYM};

constexpr int n_modes = roundings.size() * overflows.size();
constexpr int n_pairs = source_widths.size() * target_widths.size() * dropped_bits.size() * 4;
static_assert(n_pairs % N_SLICES == 0);

template <int W, int I, bool S, ap_q_mode Q, ap_o_mode O>
using Fixed = ap_fixed_base<W, I, S, Q, O, 0>;  // what ap_fixed and ap_ufixed derive from, half the compile time

std::vector<int32_t> written;

void record(std::initializer_list<int32_t> types_and_modes, int width, bool is_signed, int32_t (*cast_one)(int)) {
    written.insert(written.end(), types_and_modes);
    written.push_back(1 << width);
    const int low = is_signed ? -(1 << (width - 1)) : 0;
    for (int raw = low; raw < low + (1 << width); raw++) written.push_back(cast_one(raw));
}

template <typename Source, typename Target>
int32_t cast_one(int raw) {
    Source source;
    source.V = raw;
    Target target;
    target = source;
    return static_cast<int64_t>(target.V);
}

template <int Pair, int Mode>
void cast() {
    constexpr int overflow = Mode % overflows.size();
    constexpr int rounding = Mode / overflows.size();
    constexpr bool signed_source = Pair / 2 % 2;
    constexpr bool signed_target = Pair % 2;  // slices share no target type
    constexpr int after_signs = Pair / 4;
    constexpr int dropped = dropped_bits[after_signs % dropped_bits.size()];
    constexpr int after_dropped = after_signs / dropped_bits.size();
    constexpr int width_t = target_widths[after_dropped % target_widths.size()];
    constexpr int width_s = source_widths[after_dropped / target_widths.size()];
    constexpr bool repeats = dropped <= 0 && rounding > 1;  // nothing to round: two roundings are enough
    constexpr int integer_s = width_s - fraction_s, integer_t = width_t - fraction_s + dropped;
    if constexpr (!repeats)
        record({width_s, integer_s, signed_source, width_t, integer_t, signed_target, rounding, overflow}, width_s,
               signed_source,
               cast_one<Fixed<width_s, integer_s, signed_source, AP_TRN, AP_WRAP>,
                        Fixed<width_t, integer_t, signed_target, roundings[rounding], overflows[overflow]>>);
}

template <int Pair, int... Mode>
void all_modes(std::integer_sequence<int, Mode...>) {
    (cast<Pair, Mode>(), ...);
}

template <int... Pair>
void all_pairs(std::integer_sequence<int, Pair...>) {
    (all_modes<SLICE + Pair * N_SLICES>(std::make_integer_sequence<int, n_modes>{}), ...);
}

int main(int, char** argv) {
    all_pairs(std::make_integer_sequence<int, n_pairs / N_SLICES>{});
    std::FILE* file = std::fopen(argv[1], "wb");
    if (file == nullptr) return 1;
    const bool good = std::fwrite(written.data(), sizeof(int32_t), written.size(), file) == written.size();
    return std::fclose(file) == 0 && good ? 0 : 1;
}
