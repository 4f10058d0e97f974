struct Avx512Vnni {
    using Vector = __m512i;
    static constexpr std::size_t lanes = 16, n_vectors = block_events < 64 ? block_events / 16 : 4;
    static constexpr __mmask16 all = 0xffff;  // GCC 12 warns of uninitialised memory in the forms without a mask

    FT_TARGET FT_INLINE static Vector load(const void *p) { return _mm512_load_si512(static_cast<const Vector *>(p)); }
    FT_TARGET FT_INLINE static void store(void *p, Vector x) { _mm512_store_si512(static_cast<Vector *>(p), x); }
    FT_TARGET FT_INLINE static Vector broadcast(std::int32_t x) { return _mm512_set1_epi32(x); }
    FT_TARGET FT_INLINE static Vector broadcast_group(const void *p) { return broadcast(four_bytes(p)); }
    FT_TARGET FT_INLINE static Vector plus(Vector a, Vector b) { return _mm512_add_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector minus(Vector a, Vector b) { return _mm512_sub_epi32(a, b); }
    FT_TARGET FT_INLINE static Vector least(Vector a, Vector b) { return _mm512_maskz_min_epi32(all, a, b); }
    FT_TARGET FT_INLINE static Vector greatest(Vector a, Vector b) { return _mm512_maskz_max_epi32(all, a, b); }
    FT_TARGET FT_INLINE static Vector both(Vector a, Vector b) { return _mm512_and_si512(a, b); }
    FT_TARGET FT_INLINE static Vector either(Vector a, Vector b) { return _mm512_or_si512(a, b); }
    template <int bits> FT_TARGET FT_INLINE static Vector sra(Vector x) { return _mm512_maskz_srai_epi32(all, x, bits); }
    template <int bits> FT_TARGET FT_INLINE static Vector sll(Vector x) { return _mm512_maskz_slli_epi32(all, x, bits); }
    FT_TARGET FT_INLINE static Vector dot_pairs(Vector sum, Vector x, Vector weight)
    {
        return _mm512_dpwssd_epi32(sum, x, weight);
    }
    FT_TARGET FT_INLINE static Vector dot_quads(Vector sum, Vector x, Vector weight)
    {
        return _mm512_dpbusd_epi32(sum, x, weight);
    }

