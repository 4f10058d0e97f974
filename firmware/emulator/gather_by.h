/// GatherBy: entries of the first axis by indices that are data; an index beyond the last takes the last.
template <class Op, class X, class I, class Y>
FT_INLINE void gather_by(const X *FT_RESTRICT x, const I *FT_RESTRICT index, Y *FT_RESTRICT y)
{
    for (std::size_t place = 0; place < Op::indices; ++place)
        for (std::size_t event = 0; event < block_events; ++event) {
            const std::size_t given = static_cast<std::size_t>(index[place * block_events + event]);
            const std::size_t entry = given < Op::last ? given : Op::last;
            for (std::size_t i = 0; i < Op::rest; ++i)
                y[(place * Op::rest + i) * block_events + event] =
                    static_cast<Y>(x[(entry * Op::rest + i) * block_events + event]);
        }
}
