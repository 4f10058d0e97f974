/// The place of `x` in a table of `entries`: bits dropped or added below, then saturated.
template <int dropped_bits, class C>
FT_INLINE std::size_t table_index(C x, std::size_t entries)
{
    const C last = static_cast<C>(entries - 1);
    if constexpr (dropped_bits >= 0) {
        x >>= dropped_bits;
        return static_cast<std::size_t>(x < last ? x : last);
    } else {
        const C reach = last >> -dropped_bits;
        return static_cast<std::size_t>(x > reach ? last : x * (C(1) << -dropped_bits));
    }
}

/// Softmax over a row by two tables: exp(x - max x), and one over their sum.
template <class Op, class X, class Y>
FT_INLINE void softmax(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t row = 0; row < Op::rows; ++row, x += Op::n * block_events, y += Op::n * block_events)
        for (std::size_t event = 0; event < block_events; ++event) {
            C largest = x[event], total = 0, exponential[Op::n];
            for (std::size_t i = 1; i < Op::n; ++i)
                largest = x[i * block_events + event] > largest ? C(x[i * block_events + event]) : largest;
            for (std::size_t i = 0; i < Op::n; ++i) {
                const C distance = largest - C(x[i * block_events + event]);
                exponential[i] = Op::exp_table[table_index<Op::exp_dropped_bits>(distance, Op::exp_entries)];
                total += exponential[i];
            }
            const C inverse = Op::inverse_table[table_index<Op::inverse_dropped_bits>(total, Op::inverse_entries)];
            for (std::size_t i = 0; i < Op::n; ++i) {
                const C rounded = round_shift<Op::rounding, Op::dropped_bits, C>(exponential[i] * inverse);
                y[i * block_events + event] = static_cast<Y>(overflowed<Op::overflow, C>(rounded, Op::low, Op::high));
            }
        }
}
