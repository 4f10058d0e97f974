/// TopK: indices of the k greatest entries of a row, the greatest first, of equals the first one first.
template <class Op, class X, class Y>
FT_INLINE void top_k(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    for (std::size_t row = 0; row < Op::rows; ++row, x += Op::n * block_events, y += Op::k * block_events)
        for (std::size_t event = 0; event < block_events; ++event) {
            bool taken[Op::n] = {};
            for (std::size_t place = 0; place < Op::k; ++place) {
                std::size_t best = Op::n;
                for (std::size_t i = 0; i < Op::n; ++i)
                    if (!taken[i] && (best == Op::n || x[i * block_events + event] > x[best * block_events + event]))
                        best = i;
                taken[best] = true;
                y[place * block_events + event] = static_cast<Y>(best);
            }
        }
}
