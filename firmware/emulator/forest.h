/// One bit of every event of a block. Event e is bit e / (block_events / 8) of byte e % (block_events / 8).
constexpr std::size_t plane_words = block_events / 64;
struct alignas(8 * plane_words) Plane {
    std::uint64_t word[plane_words];
};

/// In each group of 2 * shift bits, exchanges the upper half of those of `a` with the lower half of those of `b`.
template <int shift>
FT_INLINE void exchange(Plane &a, Plane &b)
{
    constexpr std::uint64_t low = shift == 4 ? 0x0f0f0f0f0f0f0f0f : shift == 2 ? 0x3333333333333333 : 0x5555555555555555;
    Plane new_a, new_b;
    FT_UNROLL for (std::size_t word = 0; word < plane_words; ++word) {
        const std::uint64_t changed = ((a.word[word] >> shift) ^ b.word[word]) & low;
        new_a.word[word] = a.word[word] ^ (changed << shift);
        new_b.word[word] = b.word[word] ^ changed;
    }
    a = new_a;
    b = new_b;
}

/// Eight rows of one byte per event become eight planes, one per bit; and the other way round.
FT_INLINE void transpose(Plane *rows)
{
    FT_UNROLL for (std::size_t i = 0; i < 4; ++i)
        exchange<4>(rows[i], rows[i + 4]);
    FT_UNROLL for (std::size_t i = 0; i < 4; ++i)
        exchange<2>(rows[i / 2 * 4 + i % 2], rows[i / 2 * 4 + i % 2 + 2]);
    FT_UNROLL for (std::size_t i = 0; i < 8; i += 2)
        exchange<1>(rows[i], rows[i + 1]);
}

/// The bits of each feature, inverted: of its distance from its lowest number, without the last ones if no threshold
/// has them.
template <class Op, class X>
FT_INLINE void feature_planes(const X *FT_RESTRICT x, Plane *FT_RESTRICT planes)
{
    using U = typename Unsigned<X>::type;
    for (std::size_t feature = 0; feature < Op::n_features; ++feature) {
        const U low = static_cast<U>(Op::low[feature]);
        // Eight planes at a time; those beyond the feature's bits are overwritten by the next feature.
        for (int bit = 0; bit < Op::bits[feature]; bit += 8) {
            const int dropped_bits = Op::dropped_bits[feature] + bit;
            alignas(64) std::uint8_t bytes[block_events];
            for (std::size_t event = 0; event < block_events; ++event) {
                const U distance = static_cast<U>(static_cast<U>(x[feature * block_events + event]) - low);
                bytes[event] = static_cast<std::uint8_t>(~(distance >> dropped_bits));
            }
            std::memcpy(planes + Op::plane[feature] + bit, bytes, sizeof(bytes));
            transpose(planes + Op::plane[feature] + bit);
        }
    }
}

/// A step: plane = condition ? yes : no.
template <class Number>
FT_INLINE void choose(Plane *planes, const Number (&step)[4])
{
    const Plane &condition = planes[step[1]], &yes = planes[step[2]], &no = planes[step[3]];
    Plane made;
    FT_UNROLL for (std::size_t word = 0; word < plane_words; ++word)
        made.word[word] = no.word[word] ^ (condition.word[word] & (yes.word[word] ^ no.word[word]));
    planes[step[0]] = made;
}

/// A number whose bits are the planes `leaf` is added to each event's sum.
template <class Op, class Number>
FT_INLINE void add_leaf(const Plane *FT_RESTRICT planes, const Number *leaf, Plane *FT_RESTRICT sum)
{
    FT_UNROLL for (std::size_t word = 0; word < plane_words; ++word) {
        std::uint64_t carry = 0;
        FT_UNROLL for (std::size_t bit = 0; bit < Op::sum_bits; ++bit) {
            const std::uint64_t a = sum[bit].word[word], b = bit < Op::leaf_bits ? planes[leaf[bit]].word[word] : 0;
            sum[bit].word[word] = a ^ b ^ carry;
            carry = (a & b) | (carry & (a ^ b));
        }
    }
}

/// Forest: first the steps that compare features with thresholds, then those that choose, from the leaves of a tree up,
/// the bits of the leaf that each event comes to (less the tree's least leaf), which are added.
template <class Op, class X, class Y>
FT_INLINE void forest(const X *FT_RESTRICT x, Plane *FT_RESTRICT planes, Y *FT_RESTRICT y)
{
    using C = typename Op::Compute;
    constexpr std::size_t sum_bytes = (Op::sum_bits + 7) / 8;
    Plane sums[Op::n_out][8 * sum_bytes] = {};
    std::memset(planes, 0, sizeof(Plane));
    std::memset(planes + 1, 0xff, sizeof(Plane));
    feature_planes<Op>(x, planes);
    for (std::size_t batch = 0, step = 0, tree = 0; batch < Op::n_batches; ++batch) {
        for (; step < Op::step_end[batch]; ++step)
            choose(planes, Op::steps[step]);
        for (; tree < Op::tree_end[batch]; ++tree)
            add_leaf<Op>(planes, Op::leaf[tree], sums[Op::output[tree]]);
    }
    for (std::size_t out = 0; out < Op::n_out; ++out)
        for (std::size_t byte = 0; byte < sum_bytes; ++byte) {
            alignas(64) std::uint8_t bytes[block_events];
            transpose(sums[out] + 8 * byte);
            std::memcpy(bytes, sums[out] + 8 * byte, sizeof(bytes));
            Y *to = y + out * block_events;
            for (std::size_t event = 0; event < block_events; ++event) {
                const C before = byte == 0 ? C(Op::base_margin[out]) : C(to[event]);
                to[event] = static_cast<Y>(before + (static_cast<C>(bytes[event]) << 8 * byte));
            }
        }
}
