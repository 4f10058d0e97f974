/// Relu: with a slope of 2^-negative_shift below zero where `leaky`, and an upper limit where `limited`.
template <class Op, class X, class Y>
FT_INLINE void relu(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t i = 0; i < Op::size * block_events; ++i) {
        const C number = x[i];
        C result = number > 0 ? number : C(0);
        if constexpr (Op::leaky)
            result = number > 0 ? number * (C(1) << Op::negative_shift) : number;
        if constexpr (Op::limited)
            result = result < Op::limit ? result : Op::limit;
        y[i] = static_cast<Y>(result);
    }
}
