struct Portable {
    /// Rows of groups of four bytes (pairs of 16 bits or quads of 8 bits) times weights, summed, rounded, clamped.
    template <class Op, class X, class Y>
    static void dense(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
    {
        constexpr std::size_t group = 4 / sizeof(X), x_groups = (Op::n_in + group - 1) / group;
        constexpr std::size_t y_group = Op::packs ? 4 / sizeof(Y) : 1, y_groups = (Op::n_out + y_group - 1) / y_group;
        for (std::size_t row = 0; row < Op::rows; ++row)
            for (std::size_t out = 0; out < Op::n_out; ++out) {
                std::int32_t sum[block_events];
                for (std::size_t event = 0; event < block_events; ++event)
                    sum[event] = Op::bias[out];
                add_products<Op>(x + row * x_groups * group * block_events, out, sum);
                Y *to = y + (row * y_groups + out / y_group) * block_events * y_group + out % y_group;
                for (std::size_t event = 0; event < block_events; ++event) {
                    const std::int32_t rounded = round_shift<Op::rounding, Op::dropped_bits>(sum[event]);
                    constexpr Overflow clamp = Op::clamps_below || Op::clamps_above ? Overflow::sat : Overflow::none;
                    to[event * y_group] = static_cast<Y>(overflowed<clamp>(rounded, Op::low, Op::high) - Op::offset);
                }
            }
    }

private:
    template <class Op, class X>
    static void add_products(const X *FT_RESTRICT x, std::size_t out, std::int32_t *FT_RESTRICT sum)
    {
        constexpr std::size_t group = 4 / sizeof(X);
        for (std::size_t in = 0; in < Op::n_in; in += group, x += group * block_events) {
            std::int32_t weight[group], any = 0;
            for (std::size_t i = 0; i < group; ++i)
                any |= weight[i] = Op::weight[out][in + i];
            if (any == 0)
                continue;
            for (std::size_t event = 0; event < block_events; ++event)
                for (std::size_t i = 0; i < group; ++i)
                    sum[event] += x[event * group + i] * weight[i];
        }
    }
};
