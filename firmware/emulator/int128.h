__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

/// high * 2^64 + low
constexpr Int128 wide(std::int64_t high, std::uint64_t low)
{
    return static_cast<Int128>(high) * (static_cast<Int128>(1) << 64) + static_cast<Int128>(low);
}
