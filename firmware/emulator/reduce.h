enum class Reduction { sum, max, min };

/// Reduce: the sum, the greatest or the least of the `n` elements along the axis; of packed bytes cell by cell.
template <class Op, class From, class Y>
FT_INLINE void reduce(const From &from, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    auto x = rows_of<Op::packed, Op::n * Op::inner * Op::group>(from);
    constexpr std::size_t cells = Op::group * block_events;
    for (std::size_t outer = 0; outer < Op::outer; ++outer) {
        x.move_to(outer);
        for (std::size_t inner = 0; inner < Op::inner; ++inner, y += cells) {
            C made[cells];
            for (std::size_t cell = 0; cell < cells; ++cell)
                made[cell] = C(x[inner][cell]);
            for (std::size_t i = 1; i < Op::n; ++i) {
                const auto *numbers = x[i * Op::inner + inner];
                for (std::size_t cell = 0; cell < cells; ++cell) {
                    const C entry = C(numbers[cell]), before = made[cell];
                    if constexpr (Op::reduction == Reduction::sum)
                        made[cell] = before + entry;
                    else if constexpr (Op::reduction == Reduction::max)
                        made[cell] = entry > before ? entry : before;
                    else
                        made[cell] = entry < before ? entry : before;
                }
            }
            for (std::size_t cell = 0; cell < cells; ++cell)
                y[cell] = static_cast<Y>(made[cell]);
        }
    }
}
