/// Table: looked up by the raw integer, from the least of its type on.
template <class Op, class X, class Y>
FT_INLINE void table(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    for (std::size_t i = 0; i < Op::size * block_events; ++i)
        y[i] = static_cast<Y>(Op::entries[static_cast<std::size_t>(std::int64_t(x[i]) - Op::first)]);
}
