struct Gnu {
    using Vector = std::int32_t __attribute__((vector_size(16)));
    using Words = std::int16_t __attribute__((vector_size(16)));
    using Bits = std::uint16_t __attribute__((vector_size(16)));
    static constexpr std::size_t lanes = 4, n_vectors = 2;

    FT_INLINE static Vector load(const void *p)
    {
        Vector x;
        std::memcpy(&x, p, sizeof(x));
        return x;
    }
    FT_INLINE static void store(void *p, Vector x) { std::memcpy(p, &x, sizeof(x)); }
    FT_INLINE static Vector broadcast(std::int32_t x) { return Vector{x, x, x, x}; }
    FT_INLINE static Vector broadcast_group(const void *p) { return broadcast(four_bytes(p)); }
    FT_INLINE static Vector plus(Vector a, Vector b) { return a + b; }
    FT_INLINE static Vector minus(Vector a, Vector b) { return a - b; }
    FT_INLINE static Vector least(Vector a, Vector b) { return chosen(a < b, a, b); }
    FT_INLINE static Vector greatest(Vector a, Vector b) { return chosen(a > b, a, b); }
    FT_INLINE static Vector both(Vector a, Vector b) { return a & b; }
    FT_INLINE static Vector either(Vector a, Vector b) { return a | b; }
    template <int bits> FT_INLINE static Vector sra(Vector x) { return x >> bits; }
    template <int bits> FT_INLINE static Vector sll(Vector x) { return x << bits; }
    FT_INLINE static Vector add_16(Vector a, Vector b) { return Vector(Bits(a) + Bits(b)); }
    FT_INLINE static Vector sll_16(Vector x) { return Vector(Bits(x) << 8); }
    FT_INLINE static Vector sra_16(Vector x) { return Vector(Words(x) >> 8); }
    FT_INLINE static Vector srl_16(Vector x) { return Vector(Bits(x) >> 8); }
    FT_INLINE static Vector pair_sums(Vector x, Vector weight)
    {
        return Vector((Bits(x) & 0xff) * Bits(sra_16(sll_16(weight))) + (Bits(x) >> 8) * Bits(sra_16(weight)));
    }
    FT_INLINE static Vector plus_pairs(Vector sum, Vector x) { return sum + sra<16>(sll<16>(x)) + sra<16>(x); }
    FT_INLINE static Vector dot_pairs(Vector sum, Vector x, Vector weight)
    {
        return sum + sra<16>(sll<16>(x)) * sra<16>(sll<16>(weight)) + sra<16>(x) * sra<16>(weight);
    }
    FT_INLINE static Vector dot_small_pairs(Vector sum, Vector x, Vector weight)
    {
        return plus_pairs(sum, Vector(Bits(x) * Bits(weight)));
    }
    FT_INLINE static Vector chosen(Vector mask, Vector a, Vector b) { return (a & mask) | (b & ~mask); }

