struct Portable {
    /// Rows of groups of four bytes (pairs of 16 bits or quads of 8 bits) times weights, summed, rounded, clamped.
    template <class Op, class From, class Y>
    static void dense(const From &from, Y *FT_RESTRICT y)
    {
        auto x = rows_of<true, Op::n_in>(from);
        constexpr std::size_t y_group = Op::packs ? 4 / sizeof(Y) : 1, y_groups = (Op::n_out + y_group - 1) / y_group;
        for (std::size_t row = 0; row < Op::rows; ++row) {
            x.move_to(row);
            for (std::size_t out = 0; out < Op::n_out; ++out) {
                std::int32_t sum[block_events];
                for (std::size_t event = 0; event < block_events; ++event)
                    sum[event] = Op::bias[out];
                add_products<Op>(x, out, sum);
                Y *to = y + (row * y_groups + out / y_group) * block_events * y_group + out % y_group;
                for (std::size_t event = 0; event < block_events; ++event) {
                    const std::int32_t rounded = round_shift<Op::rounding, Op::dropped_bits>(sum[event]);
                    constexpr Overflow clamp = Op::clamps_below || Op::clamps_above ? Overflow::sat : Overflow::none;
                    to[event * y_group] = static_cast<Y>(overflowed<clamp>(rounded, Op::low, Op::high) - Op::offset);
                }
            }
        }
    }

private:
    template <class Op, class Rows>
    static void add_products(const Rows &x, std::size_t out, std::int32_t *FT_RESTRICT sum)
    {
        constexpr std::size_t group = Rows::size;
        for (std::size_t in = 0; in < Op::n_in; in += group) {
            const auto *numbers = x[in / group];
            std::int32_t weight[group], any = 0;
            for (std::size_t i = 0; i < group; ++i)
                any |= weight[i] = Op::weight[out][in + i];
            if (any == 0)
                continue;
            for (std::size_t event = 0; event < block_events; ++event)
                for (std::size_t i = 0; i < group; ++i)
                    sum[event] += numbers[event * group + i] * weight[i];
        }
    }
};
