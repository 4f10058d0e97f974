/// Multiply: element by element.
template <class Op, class A, class B, class Y>
FT_INLINE void multiply(const A *a, const B *b, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t i = 0; i < Op::size * block_events; ++i)
        y[i] = static_cast<Y>(C(a[i]) * C(b[i]));
}
