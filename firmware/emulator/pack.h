/// Plain integers as groups of four bytes, less `offset`: what dense layers read. A group is written as a whole.
template <class Pack, class X>
FT_INLINE void pack(const X *FT_RESTRICT x, typename Pack::Cell *FT_RESTRICT packed)
{
    using Cell = typename Pack::Cell;
    constexpr std::size_t group = 4 / sizeof(Cell), groups = (Pack::n + group - 1) / group;
    for (std::size_t row = 0; row < Pack::rows; ++row, x += Pack::n * block_events)
        for (std::size_t g = 0; g < groups; ++g, packed += group * block_events)
            for (std::size_t event = 0; event < block_events; ++event)
                FT_UNROLL for (std::size_t k = 0; k < group; ++k) {
                    const std::size_t i = g * group + k;
                    const std::int32_t number = i < Pack::n ? static_cast<std::int32_t>(x[i * block_events + event]) : 0;
                    packed[event * group + k] = static_cast<Cell>(i < Pack::n ? number - Pack::offset : 0);
                }
}
