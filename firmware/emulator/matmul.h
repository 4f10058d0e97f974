/// MatMul whose numbers do not fit the packed kernels: one exact sum per output, zero weights skipped.
template <class Op, class X, class Y>
FT_INLINE void matmul(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t row = 0; row < Op::rows; ++row, x += Op::n_in * block_events)
        for (std::size_t out = 0; out < Op::n_out; ++out, y += block_events) {
            C sum[block_events];
            for (std::size_t event = 0; event < block_events; ++event)
                sum[event] = Op::bias[out];
            for (std::size_t in = 0; in < Op::n_in; ++in) {
                const C weight = Op::weight[out][in];
                if (weight == 0)
                    continue;
                for (std::size_t event = 0; event < block_events; ++event)
                    sum[event] += C(x[in * block_events + event]) * weight;
            }
            for (std::size_t event = 0; event < block_events; ++event)
                y[event] = static_cast<Y>(overflowed<Op::overflow, C>(sum[event], Op::low, Op::high));
        }
}
