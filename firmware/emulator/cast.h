/// Cast: rounding, then overflow.
template <class Op, class X, class Y>
FT_INLINE void cast(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t i = 0; i < Op::size * block_events; ++i) {
        const C rounded = round_shift<Op::rounding, Op::dropped_bits, C>(x[i]);
        y[i] = static_cast<Y>(overflowed<Op::overflow, C>(rounded, Op::low, Op::high));
    }
}
