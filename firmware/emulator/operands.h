/// Rows of an operand as groups of `size` numbers of each event: here one row after the other, `groups` groups in each.
template <class X, std::size_t n_groups, std::size_t n_numbers>
struct Straight {
    using Cell = X;
    static constexpr std::size_t size = n_numbers;
    const X *first, *row = nullptr;

    FT_INLINE void move_to(std::size_t number) { row = first + number * n_groups * size * block_events; }
    FT_INLINE const X *operator[](std::size_t group) const { return row + group * size * block_events; }
};

/// Rows that are the neighbourhoods of a Window, read where they lie: the groups of one place after the other.
template <class Near, class X, std::size_t n_numbers>
struct Neighbours {
    using Cell = X;
    static constexpr std::size_t size = n_numbers, groups = (Near::channels + size - 1) / size;
    static constexpr std::size_t cells = size * block_events;
    const X *image;
    alignas(64) X pad[cells] = {};
    const X *at[Near::elements * groups] = {};

    FT_INLINE explicit Neighbours(const X *operand) : image(operand)
    {
        for (std::size_t i = 0; i < cells; ++i)
            pad[i] = static_cast<X>(Near::pad);
    }

    FT_INLINE const X *operator[](std::size_t group) const { return at[group]; }

    FT_INLINE void move_to(std::size_t position)
    {
        std::int32_t place[Near::elements] = {};  // -1: outside
        std::int32_t rest = static_cast<std::int32_t>(position);
        for (std::size_t axis = Near::rank; axis-- > 0;) {
            const std::int32_t first = rest % Near::positions[axis] * Near::stride[axis] - Near::before[axis];
            rest /= Near::positions[axis];
            for (std::size_t element = 0; element < Near::elements; ++element) {
                const std::int32_t where = first + Near::reach[axis][element];
                const bool inside = !Near::pads || (place[element] >= 0 && where >= 0 && where < Near::spatial[axis]);
                place[element] = inside ? place[element] + where * Near::pitch[axis] : -1;
            }
        }
        for (std::size_t element = 0; element < Near::elements; ++element)
            for (std::size_t g = 0; g < groups; ++g) {
                const bool inside = !Near::pads || place[element] >= 0;
                const std::size_t group = static_cast<std::size_t>(inside ? place[element] : 0) * groups + g;
                at[element * groups + g] = inside ? image + group * cells : pad;
            }
    }
};

template <class Near, bool packed, class X>
FT_INLINE auto neighbours(const X *image)
{
    return Neighbours<Near, X, packed ? 4 / sizeof(X) : 1>(image);
}

/// Rows of `n` numbers from a pointer on, packed in groups of four bytes or not; neighbourhoods are rows already.
template <bool packed, std::size_t n, class X>
FT_INLINE auto rows_of(const X *x)
{
    constexpr std::size_t size = packed ? 4 / sizeof(X) : 1;
    return Straight<X, (n + size - 1) / size, size>{x};
}

template <bool packed, std::size_t n, class Near, class X, std::size_t size>
FT_INLINE auto rows_of(const Neighbours<Near, X, size> &x)
{
    return x;
}
