struct Sse4 {
    using Vector = __m128i;
    static constexpr std::size_t lanes = 4, n_vectors = 2;

    FT_TARGET FT_INLINE static Vector load(const void *p) { return _mm_load_si128(static_cast<const Vector *>(p)); }
    FT_TARGET FT_INLINE static void store(void *p, Vector x) { _mm_store_si128(static_cast<Vector *>(p), x); }
    FT_TARGET FT_INLINE static Vector broadcast(std::int32_t x) { return _mm_set1_epi32(x); }
    FT_TARGET FT_INLINE static Vector broadcast_group(const void *p) { return broadcast(four_bytes(p)); }
    FT_TARGET FT_INLINE static Vector plus(Vector a, Vector b) { return _mm_add_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector minus(Vector a, Vector b) { return _mm_sub_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector least(Vector a, Vector b) { return _mm_min_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector greatest(Vector a, Vector b) { return _mm_max_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector both(Vector a, Vector b) { return _mm_and_si128(a, b); }
    FT_TARGET FT_INLINE static Vector either(Vector a, Vector b) { return _mm_or_si128(a, b); }
    template <int bits> FT_TARGET FT_INLINE static Vector sra(Vector x) { return _mm_srai_epi32(x, bits); }
    template <int bits> FT_TARGET FT_INLINE static Vector sll(Vector x) { return _mm_slli_epi32(x, bits); }
    FT_TARGET FT_INLINE static Vector add_16(Vector a, Vector b) { return _mm_add_epi16(a, b); }
    FT_TARGET FT_INLINE static Vector sll_16(Vector x) { return _mm_slli_epi16(x, 8); }
    FT_TARGET FT_INLINE static Vector sra_16(Vector x) { return _mm_srai_epi16(x, 8); }
    FT_TARGET FT_INLINE static Vector srl_16(Vector x) { return _mm_srli_epi16(x, 8); }
    FT_TARGET FT_INLINE static Vector pair_sums(Vector x, Vector weight) { return _mm_maddubs_epi16(x, weight); }
    FT_TARGET FT_INLINE static Vector plus_pairs(Vector sum, Vector x) { return dot_pairs(sum, x, broadcast(0x00010001)); }
    FT_TARGET FT_INLINE static Vector dot_pairs(Vector sum, Vector x, Vector weight)
    {
        return plus(sum, _mm_madd_epi16(x, weight));
    }
    FT_TARGET FT_INLINE static Vector dot_small_pairs(Vector sum, Vector x, Vector weight) { return dot_pairs(sum, x, weight); }

