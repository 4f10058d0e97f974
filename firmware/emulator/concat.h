/// Concat, one part: `runs` runs of `run` elements go to every `stride` elements from `first` on.
template <class Part, class X, class Y>
FT_INLINE void concat(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Part::Compute;
    for (std::size_t run = 0; run < Part::runs; ++run) {
        const X *from = x + run * Part::run * block_events;
        Y *to = y + (run * Part::stride + Part::first) * block_events;
        for (std::size_t i = 0; i < Part::run * block_events; ++i)
            to[i] = static_cast<Y>(C(from[i]) * (C(1) << Part::shift));
    }
}
