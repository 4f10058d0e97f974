/// ElementCast, the elements of one type: rounding, then overflow, then the grid of the tensor.
template <class Op, class X, class Y>
FT_INLINE void element_cast(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t k = 0; k < Op::size; ++k) {
        const std::size_t first = Op::elements[k] * block_events;
        for (std::size_t i = first; i < first + block_events; ++i) {
            const C rounded = round_shift<Op::rounding, Op::dropped_bits, C>(x[i]);
            y[i] = static_cast<Y>(overflowed<Op::overflow, C>(rounded, Op::low, Op::high) * (C(1) << Op::shift));
        }
    }
}
