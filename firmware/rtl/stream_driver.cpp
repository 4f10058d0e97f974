// Cycle by cycle: feeds the positions of events to the verilated streamed top module, and writes what comes out.
//
//   stream_driver inputs.bin outputs.bin events seed
//
// A position is a row of 32-bit words, least significant first: the bits of in_data and of out_data. The first events come
// alone, which shows the latency; the next ones back to back, which shows the initiation interval. From then on both
// sides wait at random, now one, now the other, for an event or for a clock, and what is on the port meanwhile is noise. A reset in the middle of
// an event must leave no valid output behind. Ends with one line:
//   outputs N latency MIN MAX ii MIN MAX stray N
// where "latency" are the clocks from the first position of an event to its last result, "ii" those between the last
// results of two events, and "stray" counts results without an event, and offers that did not stand until taken.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "Vtop.h"
#include "driver_parts.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

constexpr long alone = 3;  // events
constexpr long unsettled = 4;  // first intervals of events that come back to back
constexpr long back_to_back = 12;
constexpr long most_idle_cycles = 200000 + 4 * REST_CYCLES;  // clocks in which nothing passes a port

struct Bench {
    VerilatedContext context;
    Vtop top{&context};
    Random random;
    long cycle = 0, taken = 0, given = 0, stray = 0, idle = 0, first_cycle = 0, last_cycle = 0;
    uint32_t in_share = 0, out_share = 0;  // waits, in sixteenths
    long mood_left = 0;  // clocks in which the shares stay
    bool offered = false, stood = false;
    Range latency, interval;
    std::vector<uint32_t> in, out, before;
    std::FILE *input, *output;

    Bench(uint32_t seed, std::FILE *input, std::FILE *output) : random{seed | 1u}, input(input), output(output) {
        in.resize(words_of(top.in_data));
        out.resize(words_of(top.out_data));
        before = out;
    }

    void edge() {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
        ++cycle;
    }

    void put_noise() {
        for (uint32_t &word : in) word = random.next();
        if (IN_BITS % 32) in[(IN_BITS - 1) / 32] &= (1u << (IN_BITS % 32)) - 1u;
        set_port(top.in_data, in.data());
    }

    void reset_with_inputs_inside() {
        top.rst = 1;
        top.in_valid = 0;
        top.out_ready = 0;
        edge();
        top.rst = 0;
        for (uint32_t left = 3 + random.next() % IN_POSITIONS; left > 0; --left) {
            put_noise();
            top.in_valid = 1;
            edge();
        }
        top.rst = 1;
        edge();
        top.rst = 0;
        top.in_valid = 0;
        cycle = 0;
    }

    void note_result() {
        get_port(top.out_data, out.data());
        if (stood && std::memcmp(out.data(), before.data(), 4 * out.size())) ++stray;
        before = out;
        if (!top.out_ready) return;
        if (given >= (taken + IN_POSITIONS - 1) / IN_POSITIONS * OUT_POSITIONS) ++stray;  // of no event that has begun
        std::fwrite(out.data(), 4, out.size(), output);
        ++given;
        if (given % OUT_POSITIONS) return;
        const long event = given / OUT_POSITIONS - 1;
        if (event < alone) latency.add(cycle - first_cycle);
        if (event >= alone + unsettled && event < alone + back_to_back) interval.add(cycle - last_cycle);
        last_cycle = cycle;
    }

    uint32_t share() {  // nothing waits, all does, or some
        const uint32_t kind = random.next() % 4;
        return kind == 0 ? 0 : kind == 1 ? 16 : random.next() % 16;
    }

    void step(bool may_offer, bool may_wait) {
        if (may_wait && --mood_left < 0) {
            mood_left = random.next() % (2 * REST_CYCLES + 32);
            in_share = share();
            out_share = share();
        }
        if (!offered && may_offer && !(may_wait && random.next() % 16 < in_share)) {
            if (std::fread(in.data(), 4, in.size(), input) != in.size()) std::exit(2);
            set_port(top.in_data, in.data());
            offered = true;
        }
        if (!offered) put_noise();
        top.in_valid = offered;
        top.out_ready = !(may_wait && random.next() % 16 < out_share);
        top.clk = 0;
        top.eval();
        ++idle;
        if (top.out_valid) note_result();
        else if (stood) ++stray;
        stood = top.out_valid && !top.out_ready;
        if (top.out_valid && top.out_ready) idle = 0;
        if (offered && top.in_ready) {
            if (taken % IN_POSITIONS == 0) first_cycle = cycle;
            ++taken;
            offered = false;
            idle = 0;
        }
        edge();
    }

    void run_until(long events, long offered_events, bool may_wait) {
        while (given < events * OUT_POSITIONS && idle < most_idle_cycles)
            step(taken + offered < offered_events * IN_POSITIONS, may_wait);
    }

    void rest(long cycles) {
        for (long left = cycles; left > 0; --left) step(false, false);
    }
};

}  // namespace

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    std::FILE *input = std::fopen(argv[1], "rb");
    std::FILE *output = std::fopen(argv[2], "wb");
    if (!input || !output) return 2;
    const long n_events = std::atol(argv[3]);
    auto bench = std::make_unique<Bench>(static_cast<uint32_t>(std::atol(argv[4])), input, output);
    bench->reset_with_inputs_inside();
    bench->rest(2 * REST_CYCLES + 64);
    for (long event = 1; event <= n_events && event <= alone; ++event) {
        bench->run_until(event, event, false);
        bench->rest(REST_CYCLES + 64);
    }
    const long settled = n_events < alone + back_to_back ? n_events : alone + back_to_back;
    bench->run_until(settled, settled, false);
    bench->run_until(n_events, n_events, true);
    bench->rest(2 * REST_CYCLES + 64);
    if (bench->given % OUT_POSITIONS) ++bench->stray;
    std::printf("outputs %ld latency %ld %ld ii %ld %ld stray %ld\n", bench->given / OUT_POSITIONS,
                bench->latency.least, bench->latency.most, bench->interval.least, bench->interval.most, bench->stray);
    bench->top.final();
    return std::fclose(output) ? 2 : 0;
}
