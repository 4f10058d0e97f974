// --- columns: numbers of the caller to raw integers, raw integers to scores -----------------------------------------

/// How a column is rounded. `exact` refuses what is no multiple of the grid inside the range.
enum Mode : std::int32_t { to_floor, to_nearest, exact };

enum Kind : std::int32_t { f32, f64, i8, i16, i32, i64, u8, u16, u32, u64 };

/// raw = clip(round((x - offset) * factor), low, high) to multiples of `grid`, a power of two, in float64; refused
/// unless |x| <= limit.
struct Column {
    const char *data;
    std::int64_t stride;  // bytes from an event to the next
    double offset, factor, low, high, grid, limit;
    std::int32_t kind, mode;
};

enum LinkKind : std::int32_t { no_scores, linear, by_table, by_softmax };

/// The link of the first output. `table`: of `entries` numbers from the raw integer `low` on, one after the other for
/// each score of a single output; of the softmax, exp of minus the distance from the largest, in raw integers.
struct Link {
    const double *table;
    std::int64_t low, entries;
    double lsb, scale;
    std::size_t n_scores;
    std::int32_t kind;
};

struct Call {
    const Column *columns;
    const Link *link;
    void *rows;
    double *scores;
    std::size_t first, end;  // events
};

constexpr std::size_t tile_events = block_events < 64 ? block_events : 64;  // a divisor of every block

template <class T>
FT_INLINE const char *gather(const char *data, std::int64_t stride, std::size_t n_events, char *FT_RESTRICT to)
{
    for (std::size_t event = 0; event < n_events; ++event, data += stride)
        std::memcpy(to + event * sizeof(T), data, sizeof(T));
    return to;
}

template <class T>
FT_INLINE void to_doubles(const char *FT_RESTRICT data, std::size_t n_events, double *FT_RESTRICT x)
{
    for (std::size_t event = 0; event < n_events; ++event) {
        T number;
        std::memcpy(&number, data + event * sizeof(T), sizeof(T));
        x[event] = static_cast<double>(number);
    }
}

/// Bytes of each kind.
constexpr std::int64_t sizes[] = {4, 8, 1, 2, 4, 8, 1, 2, 4, 8};

/// Numbers side by side; here and below what is no hot loop of every kernel is compiled once.
FT_NOINLINE const char *gather_column(const Column &column, const char *data, std::size_t n_events, char *to)
{
    switch (sizes[column.kind]) {
    case 1: return gather<std::int8_t>(data, column.stride, n_events, to);
    case 2: return gather<std::int16_t>(data, column.stride, n_events, to);
    case 4: return gather<std::int32_t>(data, column.stride, n_events, to);
    default: return gather<std::int64_t>(data, column.stride, n_events, to);
    }
}

FT_NOINLINE void convert_rare(std::int32_t kind, const char *data, std::size_t n_events, double *x)
{
    switch (kind) {
    case i8: return to_doubles<std::int8_t>(data, n_events, x);
    case u8: return to_doubles<std::uint8_t>(data, n_events, x);
    case u16: return to_doubles<std::uint16_t>(data, n_events, x);
    case u32: return to_doubles<std::uint32_t>(data, n_events, x);
    default: return to_doubles<std::uint64_t>(data, n_events, x);
    }
}

/// Asks for the next block of a column: the machine foresees few streams at a time.
FT_INLINE void fetch_next([[maybe_unused]] const char *data, [[maybe_unused]] std::int64_t size)
{
#if defined(__GNUC__)
    const std::int64_t n_bytes = static_cast<std::int64_t>(block_events) * size;
    for (std::int64_t place = n_bytes; place < 2 * n_bytes; place += 64)
        __builtin_prefetch(data + place, 0, 2);
#endif
}

FT_INLINE void read_column(const Column &column, std::size_t first, std::size_t n_events, double *x)
{
    alignas(64) char gathered[8 * block_events];
    const char *data = column.data + static_cast<std::int64_t>(first) * column.stride;
    if (column.stride == sizes[column.kind])
        fetch_next(data, column.stride);
    else
        data = gather_column(column, data, n_events, gathered);
    switch (column.kind) {
    case f32: return to_doubles<float>(data, n_events, x);
    case f64: return to_doubles<double>(data, n_events, x);
    case i16: return to_doubles<std::int16_t>(data, n_events, x);
    case i32: return to_doubles<std::int32_t>(data, n_events, x);
    case i64: return to_doubles<std::int64_t>(data, n_events, x);
    default: return convert_rare(column.kind, data, n_events, x);
    }
}

/// Clipping first gives the same integers, and numbers below 2^51 in magnitude: adding 1.5 * 2^52 rounds them.
template <Mode mode, class Y>
FT_INLINE bool quantise(const double *FT_RESTRICT x, const Column &column, std::size_t n_events, Y *FT_RESTRICT y)
{
    const double offset = column.offset, factor = column.factor, limit = column.limit;
    const double low = column.low, high = column.high, grid = column.grid, shift = grid * 6755399441055744.0;
    std::int64_t bad = 0;
    for (std::size_t event = 0; event < n_events; ++event) {
        const double scaled = (x[event] - offset) * factor;
        const double above = scaled > low ? scaled : low, clipped = above < high ? above : high;
        double whole = (clipped + shift) - shift;
        if constexpr (mode == to_floor)
            whole -= whole > clipped ? grid : 0.0;
        bad |= std::fabs(x[event]) <= limit && (mode != exact || whole == scaled) ? 0 : 1;
        y[event] = static_cast<Y>(whole);
    }
    return bad == 0;
}

/// Part of a column: `n_events` from `first` on, to y[0], y[1], ...
template <class Y>
FT_INLINE bool quantise_column(const Column &column, std::size_t first, std::size_t n_events, double *x, Y *y)
{
    read_column(column, first, n_events, x);
    if (column.mode == to_floor)
        return quantise<to_floor>(x, column, n_events, y);
    if (column.mode == to_nearest)
        return quantise<to_nearest>(x, column, n_events, y);
    return quantise<exact>(x, column, n_events, y);
}

/// The `n` columns of an input; false where a number is refused. Columns that are not contiguous share cache lines:
/// a few events of all come first.
template <class Y>
FT_INLINE bool quantise_columns(const Column *columns, std::size_t n, std::size_t first, std::size_t n_events, Y *y)
{
    alignas(64) double x[block_events];
    const bool apart = columns->stride == sizes[columns->kind];
    const std::size_t step = apart ? block_events : tile_events;
    bool good = true;
    for (std::size_t start = 0; start < n_events; start += step) {
        const std::size_t left = n_events - start, some = left < step ? left : step;
        for (std::size_t i = 0; i < n; ++i)
            good &= quantise_column(columns[i], first + start, some, x, y + i * block_events + start);
    }
    return good;
}

/// In NumPy's order: eight sums side by side from eight numbers on. Up to 128 numbers.
template <std::size_t n>
FT_INLINE double sum_of(const double (&x)[n][tile_events], std::size_t event)
{
    double total = 0;
    std::size_t i = 0;
    if constexpr (n >= 8) {
        double part[8];
        for (; i < 8; ++i)
            part[i] = x[i][event];
        for (; i < n - n % 8; i += 8)
            for (std::size_t k = 0; k < 8; ++k)
                part[k] += x[i + k][event];
        total = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    }
    for (; i < n; ++i)
        total += x[i][event];
    return total;
}

/// Softmax of up to `tile_events` events: a distance is looked up, then divided by the sum.
template <std::size_t n, class X>
FT_INLINE void softmax_tile(const Link &link, const X *FT_RESTRICT x, std::size_t n_events, double *FT_RESTRICT scores)
{
    alignas(64) double part[n][tile_events];
    X largest[tile_events];
    const std::int64_t last = link.entries - 1;
    std::memcpy(largest, x, sizeof(largest));
    for (std::size_t i = 1; i < n; ++i)
        for (std::size_t event = 0; event < tile_events; ++event)
            largest[event] = x[i * block_events + event] > largest[event] ? x[i * block_events + event] : largest[event];
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t event = 0; event < tile_events; ++event) {
            const std::int64_t distance = std::int64_t(largest[event]) - std::int64_t(x[i * block_events + event]);
            part[i][event] = link.table[distance < last ? distance : last];
        }
    for (std::size_t event = 0; event < tile_events; ++event) {
        const double total = sum_of<n>(part, event);
        for (std::size_t i = 0; i < n; ++i)
            part[i][event] /= total;
    }
    for (std::size_t event = 0; event < n_events; ++event)
        for (std::size_t i = 0; i < n; ++i)
            scores[event * n + i] = part[i][event];
}

/// Scores of shape (n_events, n_scores) of the first output's raw integers.
template <class Out, class X>
FT_INLINE void write_scores(const Link &link, const X *FT_RESTRICT x, std::size_t n_events, double *FT_RESTRICT scores)
{
    constexpr std::size_t n = Out::size;
    if (link.kind == linear) {
        for (std::size_t event = 0; event < n_events; ++event)
            for (std::size_t i = 0; i < n; ++i)
                scores[event * n + i] = link.scale * (static_cast<double>(x[i * block_events + event]) * link.lsb);
    } else if (link.kind == by_table) {
        for (std::size_t event = 0; event < n_events; ++event)
            for (std::size_t i = 0; i < link.n_scores; ++i) {
                const std::int64_t place = std::int64_t(x[(n == 1 ? 0 : i) * block_events + event]) - link.low;
                scores[event * link.n_scores + i] = link.table[(n == 1 ? std::int64_t(i) * link.entries : 0) + place];
            }
    } else if (link.kind == by_softmax) {
        if constexpr (n <= 128)
            for (std::size_t event = 0; event < n_events; event += tile_events) {
                const std::size_t left = n_events - event;
                softmax_tile<n>(link, x + event, left < tile_events ? left : tile_events, scores + event * n);
            }
    }
}
