/// Scale: every channel times its factor, plus its offset.
template <class Op, class X, class Y>
FT_INLINE void scale(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t element = 0; element < Op::size; ++element) {
        const C factor = Op::factor[element % Op::channels], offset = Op::offset[element % Op::channels];
        for (std::size_t i = element * block_events; i < (element + 1) * block_events; ++i)
            y[i] = static_cast<Y>(C(x[i]) * factor + offset);
    }
}
