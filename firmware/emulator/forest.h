/// Forest: each tree from its leaves up, one comparison and one choice per node for all events, no branch on an event.
///
/// A node's result goes to its slot. A child that is a node stands in the same slot (or, for the right one of two, in
/// the next); a child that is a leaf is a constant.
template <class Op, class X, class Y>
FT_INLINE void forest(const X *FT_RESTRICT x, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    alignas(64) C features[Op::n_features * block_events], chosen[(Op::slots + 1) * block_events];
    for (std::size_t i = 0; i < Op::n_features * block_events; ++i)
        features[i] = static_cast<C>(x[i]);
    for (std::size_t out = 0; out < Op::n_out; ++out)
        for (std::size_t event = 0; event < block_events; ++event)
            y[out * block_events + event] = Op::base_margin[out];
    for (std::size_t tree = 0; tree < Op::n_trees; ++tree) {
        for (std::size_t node = Op::begin[tree]; node < Op::begin[tree + 1]; ++node) {
            const C *number = features + Op::feature[node] * block_events;
            C *here = chosen + Op::slot[node] * block_events;
            const C *next = here + block_events;
            const C threshold = Op::threshold[node], left = Op::left[node], right = Op::right[node];
            switch (Op::nodes_below[node]) {
            case 0:
                for (std::size_t event = 0; event < block_events; ++event)
                    here[event] = number[event] < threshold ? left : right;
                break;
            case 1:  // the left child is a node
                for (std::size_t event = 0; event < block_events; ++event)
                    here[event] = number[event] < threshold ? here[event] : right;
                break;
            case 2:  // the right child is a node
                for (std::size_t event = 0; event < block_events; ++event)
                    here[event] = number[event] < threshold ? left : here[event];
                break;
            default:  // both are
                for (std::size_t event = 0; event < block_events; ++event) {
                    const C if_left = here[event], if_right = next[event];  // both are read: no branch
                    here[event] = number[event] < threshold ? if_left : if_right;
                }
            }
        }
        Y *to = y + Op::output[tree] * block_events;
        for (std::size_t event = 0; event < block_events; ++event)
            to[event] = static_cast<Y>(to[event] + chosen[event]);
    }
}
