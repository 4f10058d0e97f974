/// Plain integers as groups of four bytes, less `offset`: what dense layers read.
template <class Pack, class X>
FT_INLINE void pack(const X *FT_RESTRICT x, typename Pack::Cell *FT_RESTRICT packed)
{
    using Cell = typename Pack::Cell;
    constexpr std::size_t group = 4 / sizeof(Cell), groups = (Pack::n + group - 1) / group;
    for (std::size_t row = 0; row < Pack::rows; ++row, x += Pack::n * block_events, packed += groups * 4 / sizeof(Cell) * block_events)
        for (std::size_t i = 0; i < Pack::n; ++i)
            for (std::size_t event = 0; event < block_events; ++event)
                packed[(i / group * block_events + event) * group + i % group] =
                    static_cast<Cell>(static_cast<std::int32_t>(x[i * block_events + event]) - Pack::offset);
}
