struct Avx2 {
    using Vector = __m256i;
    static constexpr std::size_t lanes = 8, n_vectors = 2;

    FT_TARGET FT_INLINE static Vector load(const void *p) { return _mm256_load_si256(static_cast<const Vector *>(p)); }
    FT_TARGET FT_INLINE static void store(void *p, Vector x) { _mm256_store_si256(static_cast<Vector *>(p), x); }
    FT_TARGET FT_INLINE static Vector broadcast(std::int32_t x) { return _mm256_set1_epi32(x); }
    FT_TARGET FT_INLINE static Vector broadcast_group(const void *p) { return broadcast(four_bytes(p)); }
    FT_TARGET FT_INLINE static Vector plus(Vector a, Vector b) { return _mm256_add_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector minus(Vector a, Vector b) { return _mm256_sub_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector least(Vector a, Vector b) { return _mm256_min_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector greatest(Vector a, Vector b) { return _mm256_max_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector both(Vector a, Vector b) { return _mm256_and_si256(a, b); }
    FT_TARGET FT_INLINE static Vector either(Vector a, Vector b) { return _mm256_or_si256(a, b); }
    template <int bits> FT_TARGET FT_INLINE static Vector sra(Vector x) { return _mm256_srai_epi32(x, bits); }
    template <int bits> FT_TARGET FT_INLINE static Vector sll(Vector x) { return _mm256_slli_epi32(x, bits); }
    FT_TARGET FT_INLINE static Vector add_16(Vector a, Vector b) { return _mm256_add_epi16(a, b); }
    FT_TARGET FT_INLINE static Vector sll_16(Vector x) { return _mm256_slli_epi16(x, 8); }
    FT_TARGET FT_INLINE static Vector sra_16(Vector x) { return _mm256_srai_epi16(x, 8); }
    FT_TARGET FT_INLINE static Vector srl_16(Vector x) { return _mm256_srli_epi16(x, 8); }
    FT_TARGET FT_INLINE static Vector pair_sums(Vector x, Vector weight) { return _mm256_maddubs_epi16(x, weight); }
    FT_TARGET FT_INLINE static Vector plus_pairs(Vector sum, Vector x) { return dot_pairs(sum, x, broadcast(0x00010001)); }
    FT_TARGET FT_INLINE static Vector dot_pairs(Vector sum, Vector x, Vector weight)
    {
        return plus(sum, _mm256_madd_epi16(x, weight));
    }
    FT_TARGET FT_INLINE static Vector dot_small_pairs(Vector sum, Vector x, Vector weight) { return dot_pairs(sum, x, weight); }

