/// ArgMax: the index of the largest entry of a row, the first of equals.
template <class Op, class X, class Y>
FT_INLINE void argmax(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    for (std::size_t row = 0; row < Op::rows; ++row, x += Op::n * block_events, y += block_events)
        for (std::size_t event = 0; event < block_events; ++event) {
            X best = x[event];
            std::int32_t index = 0;
            for (std::size_t i = 1; i < Op::n; ++i) {
                const X entry = x[i * block_events + event];
                index = entry > best ? static_cast<std::int32_t>(i) : index;
                best = entry > best ? entry : best;
            }
            y[event] = static_cast<Y>(index);
        }
}
