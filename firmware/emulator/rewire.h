/// Rewiring (Transpose, Gather, Window): runs of neighbouring elements, or of the pad where the source is negative.
template <class Op, class X, class Y>
FT_INLINE void rewire(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    for (std::size_t run = 0; run < Op::runs; ++run) {
        const std::size_t length = static_cast<std::size_t>(Op::length[run]) * block_events;
        if (Op::source[run] < 0) {
            for (std::size_t i = 0; i < length; ++i)
                y[i] = static_cast<Y>(Op::pad);
        } else {
            const X *from = x + static_cast<std::size_t>(Op::source[run]) * block_events;
            for (std::size_t i = 0; i < length; ++i)
                y[i] = static_cast<Y>(from[i]);
        }
        y += length;
    }
}
