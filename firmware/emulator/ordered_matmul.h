/// MatMul in a narrow accumulator: bias, then each product by rising input, cast before it is added.
template <class Op, class From, class Y>
FT_INLINE void ordered_matmul(const From &from, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    auto x = rows_of<false, Op::n_in>(from);
    for (std::size_t row = 0; row < Op::rows; ++row) {
        x.move_to(row);
        for (std::size_t out = 0; out < Op::n_out; ++out, y += block_events) {
            C sum[block_events];
            for (std::size_t event = 0; event < block_events; ++event)
                sum[event] = Op::bias[out];
            for (std::size_t in = 0; in < Op::n_in; ++in) {
                const C weight = Op::weight[out][in];
                const auto *numbers = x[in];
                for (std::size_t event = 0; event < block_events; ++event) {
                    const C product = C(numbers[event]) * weight;
                    const C rounded = round_shift<Op::rounding, Op::dropped_bits, C>(product);
                    const C term = overflowed<Op::overflow, C>(rounded, Op::low, Op::high);
                    sum[event] = overflowed<Op::overflow, C>(sum[event] + term, Op::low, Op::high);
                }
            }
            for (std::size_t event = 0; event < block_events; ++event)
                y[event] = static_cast<Y>(sum[event]);
        }
    }
}
