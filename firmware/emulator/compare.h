/// Compare: 1 where a < b, both on the finer grid.
template <class Op, class A, class B, class Y>
FT_INLINE void compare(const A *a, const B *b, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t i = 0; i < Op::size * block_events; ++i)
        y[i] = static_cast<Y>(C(a[i]) * (C(1) << Op::left_shift) < C(b[i]) * (C(1) << Op::right_shift));
}
