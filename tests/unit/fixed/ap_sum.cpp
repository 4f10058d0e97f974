// Sums of products in narrowed accumulators, with the real ap_fixed header, in the order of hls4ml's dense layers:
//   accumulator = bias; for each input: product (cast to the accumulator), accumulator += product.
// One record per (operand, weight, bias, accumulator, rounding, overflow), little-endian int32:
//   width, integer, signed of each of the four types, rounding, overflow, then per event: inputs, weights, bias, sum.
#define NDEBUG
#include <array>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "ap_fixed.h"

constexpr int n_inputs = 5, n_events = 400;
constexpr std::array<ap_q_mode, 7> roundings{AP_TRN,     AP_TRN_ZERO,    AP_RND,     AP_RND_ZERO,
                                             AP_RND_INF, AP_RND_MIN_INF, AP_RND_CONV};
constexpr std::array<ap_o_mode, 4> overflows{AP_WRAP, AP_SAT, AP_SAT_ZERO, AP_SAT_SYM};

struct Type {
    int width, integer;
    bool is_signed;
};

struct Case {
    Type operand, weight, bias, accum;
};

constexpr std::array<Case, 6> cases{{
    {{6, 2, true}, {4, 1, true}, {4, 1, true}, {6, 2, true}},
    {{5, 2, false}, {4, 2, true}, {5, 2, true}, {12, 4, true}},   // no bit is rounded: sums wrap only
    {{6, 3, true}, {6, 0, true}, {7, 5, true}, {7, 6, true}},     // half the product's bits are dropped
    {{3, -1, false}, {3, 4, true}, {6, 1, true}, {4, 2, true}},   // odd integer bits
    {{4, 4, false}, {3, 1, false}, {2, 0, false}, {6, 5, false}},  // everything unsigned
    {{4, 2, true}, {3, 1, true}, {3, 1, true}, {3, 6, true}},     // a grid coarser than one
}};

template <int C, int Which>
constexpr Type type_of() {
    if constexpr (Which == 0) return cases[C].operand;
    if constexpr (Which == 1) return cases[C].weight;
    if constexpr (Which == 2) return cases[C].bias;
    if constexpr (Which == 3) return cases[C].accum;
}

template <int C, int Which, ap_q_mode Q = AP_TRN, ap_o_mode O = AP_WRAP>
using Fixed = ap_fixed_base<type_of<C, Which>().width, type_of<C, Which>().integer, type_of<C, Which>().is_signed, Q,
                            O, 0>;

std::vector<int32_t> written;
uint32_t state = 12345;

int32_t random_raw(Type type) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    const int32_t bits = static_cast<int32_t>((state >> 8) & ((1u << type.width) - 1));
    return type.is_signed && (bits >> (type.width - 1)) ? bits - (1 << type.width) : bits;
}

template <typename T>
T fixed(int32_t raw) {
    T number;
    number.V = raw;
    written.push_back(raw);
    return number;
}

template <int C, int Q, int O>
void record() {
    using Accum = Fixed<C, 3, roundings[Q], overflows[O]>;
    for (const Type& type : {cases[C].operand, cases[C].weight, cases[C].bias, cases[C].accum})
        written.insert(written.end(), {type.width, type.integer, type.is_signed});
    written.insert(written.end(), {Q, O});
    for (int event = 0; event < n_events; event++) {
        Fixed<C, 0> x[n_inputs];
        Fixed<C, 1> w[n_inputs];
        for (auto& number : x) number = fixed<Fixed<C, 0>>(random_raw(cases[C].operand));
        for (auto& number : w) number = fixed<Fixed<C, 1>>(random_raw(cases[C].weight));
        Accum accum = fixed<Fixed<C, 2>>(random_raw(cases[C].bias));
        for (int i = 0; i < n_inputs; i++) {
            const Accum product = x[i] * w[i];
            accum += product;
        }
        written.push_back(static_cast<int32_t>(static_cast<int64_t>(accum.V)));
    }
}

template <int C, int... Mode>
void all_modes(std::integer_sequence<int, Mode...>) {
    (record<C, Mode / 4, Mode % 4>(), ...);
}

template <int... C>
void all_cases(std::integer_sequence<int, C...>) {
    (all_modes<C>(std::make_integer_sequence<int, 28>{}), ...);
}

int main(int, char** argv) {
    all_cases(std::make_integer_sequence<int, cases.size()>{});
    std::FILE* file = std::fopen(argv[1], "wb");
    if (file == nullptr) return 1;
    const bool good = std::fwrite(written.data(), sizeof(int32_t), written.size(), file) == written.size();
    return std::fclose(file) == 0 && good ? 0 : 1;
}
