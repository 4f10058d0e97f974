/// Select: the second where the condition holds, else the third, both on the finer grid.
template <class Op, class B, class X, class Z, class Y>
FT_INLINE void select(const B *condition, const X *if_one, const Z *if_zero, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    for (std::size_t i = 0; i < Op::size * block_events; ++i) {
        const C one = C(if_one[i]) * (C(1) << Op::one_shift), zero = C(if_zero[i]) * (C(1) << Op::zero_shift);
        y[i] = static_cast<Y>(condition[i] ? one : zero);
    }
}
