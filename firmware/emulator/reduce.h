enum class Reduction { sum, max, min };

/// Reduce: the sum, the greatest or the least of the `n` elements along the axis.
template <class Op, class X, class Y>
FT_INLINE void reduce(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t outer = 0; outer < Op::outer; ++outer)
        for (std::size_t inner = 0; inner < Op::inner; ++inner, y += block_events) {
            const X *from = x + (outer * Op::n * Op::inner + inner) * block_events;
            C made[block_events];
            for (std::size_t event = 0; event < block_events; ++event)
                made[event] = C(from[event]);
            for (std::size_t i = 1; i < Op::n; ++i) {
                from += Op::inner * block_events;
                for (std::size_t event = 0; event < block_events; ++event) {
                    const C entry = C(from[event]), before = made[event];
                    if (Op::reduction == Reduction::sum)
                        made[event] = before + entry;
                    else
                        made[event] = (Op::reduction == Reduction::max) == (entry > before) ? entry : before;
                }
            }
            for (std::size_t event = 0; event < block_events; ++event)
                y[event] = static_cast<Y>(made[event]);
        }
}
