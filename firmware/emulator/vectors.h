FT_INLINE std::int32_t four_bytes(const void *from)
{
    std::int32_t word;
    std::memcpy(&word, from, sizeof(word));
    return word;
}
