// --- rows: the caller's events, one after the other, to blocks and back ---------------------------------------------

/// Whether all integers of an input lie inside their types and on their grids.
template <class In, class T>
FT_INLINE bool holds(const T *FT_RESTRICT rows, std::size_t n_events)
{
    T bad[In::size] = {};
    for (std::size_t event = 0; event < n_events; ++event) {
        const T *row = rows + event * n_inputs + In::first;
        FT_ROLLED for (std::size_t i = 0; i < In::size; ++i) {
            const std::size_t limit = In::per_element ? i : 0;
            const T low = In::low[limit], high = In::high[limit], off_grid = In::off_grid[limit];
            bad[i] |= (row[i] < low ? T(1) : T(0)) | (row[i] > high ? T(1) : T(0)) | (row[i] & off_grid);
        }
    }
    T any = 0;
    for (std::size_t i = 0; i < In::size; ++i)
        any |= bad[i];
    return any == 0;
}

template <class In, class T, class Y>
FT_INLINE void load_plain(const T *FT_RESTRICT rows, std::size_t n_events, Y *FT_RESTRICT y)
{
    for (std::size_t event = 0; event < n_events; ++event)
        for (std::size_t i = 0; i < In::size; ++i)
            y[i * block_events + event] = static_cast<Y>(rows[event * n_inputs + In::first + i]);
}

/// Packs an event in the caller's order first, then puts each group in its place as one word.
template <class Pack, class In, class T>
FT_INLINE void load_packed(const T *FT_RESTRICT rows, std::size_t n_events, typename Pack::Cell *FT_RESTRICT packed)
{
    using Cell = typename Pack::Cell;
    constexpr std::size_t group = 4 / sizeof(Cell), groups = (Pack::n + group - 1) / group;
    Cell event_cells[groups * group] = {};
    for (std::size_t event = 0; event < n_events; ++event)
        for (std::size_t row = 0; row < Pack::rows; ++row) {
            const T *from = rows + event * n_inputs + In::first + row * Pack::n;
            FT_ROLLED for (std::size_t i = 0; i < Pack::n; ++i)
                event_cells[i] = static_cast<Cell>(static_cast<std::int32_t>(from[i]) - Pack::offset);
            for (std::size_t g = 0; g < groups; ++g)
                std::memcpy(packed + ((row * groups + g) * block_events + event) * group, event_cells + g * group, 4);
        }
}

template <class Out, class X, class T>
FT_INLINE void store(const X *FT_RESTRICT x, T *FT_RESTRICT rows, std::size_t n_events)
{
    for (std::size_t event = 0; event < n_events; ++event)
        for (std::size_t i = 0; i < Out::size; ++i)
            rows[event * n_outputs + Out::first + i] = static_cast<T>(x[i * block_events + event]);
}
