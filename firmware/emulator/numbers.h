// --- numbers: rounding and overflow as ap_fixed defines them --------------------------------------------------------

enum class Rounding { trn, trn_zero, rnd, rnd_zero, rnd_inf, rnd_min_inf, rnd_conv };
enum class Overflow { none, wrap, sat, sat_zero };

/// Divides by 2^dropped_bits, rounding (multiplies where the number is negative).
template <Rounding rounding, int dropped_bits, class C>
FT_INLINE C round_shift(C x)
{
    if constexpr (dropped_bits <= 0) {
        return x * (C(1) << -dropped_bits);
    } else {
        constexpr C half = C(1) << (dropped_bits - 1);
        if constexpr (rounding == Rounding::trn)
            return x >> dropped_bits;
        else if constexpr (rounding == Rounding::trn_zero)
            return (x + (x < 0 ? half + (half - 1) : C(0))) >> dropped_bits;
        else if constexpr (rounding == Rounding::rnd)
            return (x + half) >> dropped_bits;
        else if constexpr (rounding == Rounding::rnd_zero)
            return (x + half - (x < 0 ? C(0) : C(1))) >> dropped_bits;
        else if constexpr (rounding == Rounding::rnd_inf)
            return (x + half - (x < 0 ? C(1) : C(0))) >> dropped_bits;
        else if constexpr (rounding == Rounding::rnd_min_inf)
            return (x + half - 1) >> dropped_bits;
        else
            return (x + (half - 1) + ((x >> dropped_bits) & 1)) >> dropped_bits;
    }
}

/// Brings x into low ... high.
template <Overflow overflow, class C>
FT_INLINE C overflowed(C x, C low, C high)
{
    if constexpr (overflow == Overflow::none) {
        return x;
    } else if constexpr (overflow == Overflow::sat) {
        x = x < low ? low : x;
        return x > high ? high : x;
    } else if constexpr (overflow == Overflow::sat_zero) {
        return x < low || x > high ? C(0) : x;
    } else {
        using U = typename Unsigned<C>::type;
        const U base = static_cast<U>(low), mask = static_cast<U>(high) - base;
        return static_cast<C>(((static_cast<U>(x) - base) & mask) + base);
    }
}
