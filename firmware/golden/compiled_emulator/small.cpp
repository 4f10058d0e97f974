// --- small ---------------------------------------------------------------------------------------------------------

struct x_input {
    // x : (3) fixed<6,2>
    static constexpr std::size_t size = 3, first = 0;
    static constexpr bool per_element = true;
    static constexpr std::int32_t low[3] = {
        -32, -32, -8,
    };
    static constexpr std::int32_t high[3] = {
        31, 30, 7,
    };
    static constexpr std::int32_t off_grid[3] = {
        0, 1, 0,
    };
};

struct x_quads_pack {
    using Cell = std::uint8_t;
    static constexpr std::size_t rows = 1, n = 3;
    static constexpr std::int32_t offset = -32;
};

// fc1 : (4) fixed<13,4> = MatMul(x) from net.h5 > layer 'fc1'
// relu1 : (4) ufixed<12,3> = Relu(fc1)
// act1 : (4) ufixed<5,2> = Cast(relu1)
struct fc1_op {
    static constexpr std::size_t rows = 1, n_in = 3, n_out = 4;
    static constexpr Rounding rounding = Rounding::rnd_conv;
    static constexpr int dropped_bits = 6;
    static constexpr bool clamps_below = true;
    static constexpr bool clamps_above = false;
    static constexpr std::int32_t low = 0, high = 2147483647, offset = 0;
    static constexpr bool packs = true;
    static constexpr std::size_t groups_in_16_bits = 1;
    static constexpr bool sparse = false;
    static constexpr std::int32_t bias[4] = {
        816, 880, 272, 784,
    };
    static constexpr std::int8_t weight[4][4] = {
        {19, -21, -32, 0},  // 0
        {-27, 19, -26, 0},  // 1
        {-21, 23, -11, 0},  // 2
        {-17, 5, -5, 0},  // 3
    };
};

// fc2 : (2) fixed<12,4> = MatMul(act1) from net.h5 > layer 'fc2'
struct fc2_op {
    static constexpr std::size_t rows = 1, n_in = 4, n_out = 2;
    static constexpr Rounding rounding = Rounding::trn;
    static constexpr int dropped_bits = 0;
    static constexpr bool clamps_below = false;
    static constexpr bool clamps_above = false;
    static constexpr std::int32_t low = -2147483648, high = 2147483647, offset = 0;
    static constexpr bool packs = false;
    static constexpr std::size_t groups_in_16_bits = 1;
    static constexpr bool sparse = false;
    static constexpr std::int32_t bias[2] = {
        -256, 144,
    };
    static constexpr std::int8_t weight[2][4] = {
        {5, 10, 25, -8},  // 0
        {22, -7, -2, -23},  // 1
    };
};

// best : (1) ufixed<1,1> = ArgMax(fc2)
struct best_op {
    static constexpr std::size_t rows = 1, n = 2;
};

struct fc2_output0 {
    // fc2 : (2) fixed<12,4>
    static constexpr std::size_t size = 2, first = 0;
};

struct best_output1 {
    // best : (1) ufixed<1,1>
    static constexpr std::size_t size = 1, first = 2;
};


/// Integers between the ops, for one block of events.
struct Workspace {
    alignas(64) std::uint8_t x_quads[4 * block_events];
    alignas(64) std::uint8_t act1_quads[4 * block_events];
    alignas(64) std::int32_t fc2_raw[2 * block_events];
    alignas(64) std::int8_t best_raw[1 * block_events];
};

/// The ops in order; `Kernels` does the dense layers.
template <class Kernels>
FT_INLINE void network([[maybe_unused]] Workspace &at)
{
    // fc1 : (4) fixed<13,4> = MatMul(x) from net.h5 > layer 'fc1'
    // relu1 : (4) ufixed<12,3> = Relu(fc1)
    // act1 : (4) ufixed<5,2> = Cast(relu1)
    Kernels::template dense<fc1_op>(at.x_quads, at.act1_quads);
    // fc2 : (2) fixed<12,4> = MatMul(act1) from net.h5 > layer 'fc2'
    Kernels::template dense<fc2_op>(at.act1_quads, at.fc2_raw);
    // best : (1) ufixed<1,1> = ArgMax(fc2)
    argmax<best_op>(at.fc2_raw, at.best_raw);
}

/// Reads a block of events; false where an integer is outside its type.
template <class T>
FT_INLINE bool load(const T *in, std::size_t n_events, [[maybe_unused]] Workspace &at)
{
    if (!holds<x_input>(in, n_events))
            return false;
    load_packed<x_quads_pack, x_input>(in, n_events, at.x_quads);
    return true;
}

template <class T>
FT_INLINE void save(const Workspace &at, T *out, std::size_t n_events)
{
    store<fc2_output0>(at.fc2_raw, out, n_events);
    store<best_output1>(at.best_raw, out, n_events);
}

template <class T>
FT_INLINE int run(void (*run_network)(Workspace &), const T *in, T *out, std::size_t n_events)
{
    Workspace at{};
    for (std::size_t first = 0; first < n_events; first += block_events) {
        const std::size_t n = n_events - first < block_events ? n_events - first : block_events;
        if (!load(in + first * n_inputs, n, at))
            return small_input_outside_its_type;
        run_network(at);
        save(at, out + first * n_outputs, n);
    }
    return small_good;
}

FT_INLINE std::int32_t four_bytes(const void *from)
{
    std::int32_t word;
    std::memcpy(&word, from, sizeof(word));
    return word;
}

