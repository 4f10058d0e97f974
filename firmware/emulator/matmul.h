/// MatMul whose numbers do not fit the packed kernels: one exact sum per output, zero weights skipped.
template <class Op, class From, class Y>
FT_INLINE void matmul(const From &from, Y *FT_RESTRICT y)
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
                if (weight == 0)
                    continue;
                const auto *numbers = x[in];
                for (std::size_t event = 0; event < block_events; ++event)
                    sum[event] += C(numbers[event]) * weight;
            }
            for (std::size_t event = 0; event < block_events; ++event)
                y[event] = static_cast<Y>(overflowed<Op::overflow, C>(sum[event], Op::low, Op::high));
        }
    }
}
