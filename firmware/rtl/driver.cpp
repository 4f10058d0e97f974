// Cycle by cycle: feeds the events of a file to the verilated top module, with random waits, and writes what comes out.
//
//   driver inputs.bin outputs.bin events seed
//
// An event is a row of 32-bit words, least significant first: the bits of in_data and of out_data. The first inputs come
// back to back, which shows the initiation interval; later ones wait at random, and what is on the port meanwhile is
// noise. A reset in the middle of some first inputs must leave no valid output behind. Ends with one line:
// With IN_READY, an input waits for in_ready; inputs that are offered before must be ignored.
// With CLOCK_ENABLE, edges with clk_en low come at random before each clock, and do not count.
//   outputs N latency MIN MAX ii MIN MAX stray N
// where "ii" are the clocks between outputs of back-to-back inputs, and "stray" counts valid outputs without an input.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <vector>

#include "Vtop.h"
#include "driver_parts.h"
#include "verilated.h"

double sc_time_stamp() { return 0; }

namespace {

constexpr long back_to_back = 64;  // inputs without a wait in between
constexpr long drain_limit = 100000;  // clocks to wait for the last output, or for in_ready

struct Sent {
    long cycle;
    bool at_once;  // as soon as the design could take it
};

struct Bench {
    VerilatedContext context;
    Vtop top{&context};
    Random random;
    long cycle = 0, received = 0, stray = 0, previous_received = -1;
    bool at_once = false;
    std::deque<Sent> sent;
    Range latency, interval;
    std::vector<uint32_t> in, out;
    std::FILE *output;

    Bench(uint32_t seed, std::FILE *output) : random{seed | 1u}, output(output) {
        in.resize(words_of(top.in_data));
        out.resize(words_of(top.out_data));
    }

    void clock() {
#ifdef CLOCK_ENABLE
        top.clk_en = 0;  // edges that must change nothing
        for (uint32_t left = random.next() % 3; left > 0; --left) edge();
        top.clk_en = 1;
#endif
        edge();
        ++cycle;
    }

    void edge() {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    }

    void put_noise() {
        for (uint32_t &word : in) word = random.next();
        mask();
        set_port(top.in_data, in.data());
    }

    void mask() {
        if (IN_BITS % 32) in[(IN_BITS - 1) / 32] &= (1u << (IN_BITS % 32)) - 1u;
    }

    void take() {  // before the edge: what stands on the port since the last one
        if (!top.out_valid) return;
        if (sent.empty()) {
            ++stray;
            return;
        }
        const Sent event = sent.front();
        sent.pop_front();
        latency.add(cycle - event.cycle);
        if (received > 0 && event.at_once) interval.add(cycle - previous_received);
        previous_received = cycle;
        get_port(top.out_data, out.data());
        std::fwrite(out.data(), 4, out.size(), output);
        ++received;
    }

    void step() {
        take();
        clock();
    }

    void reset_with_inputs_inside() {
        top.rst = 1;
        top.in_valid = 0;
        for (int i = 0; i < 2; ++i) clock();
        top.rst = 0;
        top.in_valid = 1;
        for (int i = 0; i < 3; ++i) {
            put_noise();
            clock();
        }
        top.rst = 1;
        top.in_valid = 1;
        clock();
        top.rst = 0;
        top.in_valid = 0;
        put_noise();
    }

    bool ready() {
#ifdef IN_READY
        return top.in_ready;
#else
        return true;
#endif
    }

    void wait_until_ready() {
        for (long left = drain_limit; !ready() && left > 0; --left) {
            put_noise();
            top.in_valid = random.next() & 1u;  // must be ignored
            step();
        }
        top.in_valid = 0;
    }

    void send(std::FILE *input) {
        wait_until_ready();
        if (std::fread(in.data(), 4, in.size(), input) != in.size()) std::exit(2);
        set_port(top.in_data, in.data());
        top.in_valid = 1;
        sent.push_back({cycle, at_once});
        step();
        top.in_valid = 0;
        at_once = true;
    }

    void wait_at_random() {
        if (random.next() % 8 != 0) return;
        at_once = false;
        for (uint32_t left = 1 + random.next() % 3; left > 0; --left) {
            put_noise();
            step();
        }
    }
};

}  // namespace

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    std::FILE *input = std::fopen(argv[1], "rb");
    std::FILE *output = std::fopen(argv[2], "wb");
    if (!input || !output) return 2;
    const long n_events = std::atol(argv[3]);
    auto bench = std::make_unique<Bench>(static_cast<uint32_t>(std::atol(argv[4])), output);
    bench->reset_with_inputs_inside();
    for (long i = 0; i < SETTLE_CYCLES; ++i) bench->step();
    for (long event = 0; event < n_events; ++event) {
        bench->send(input);
        if (event >= back_to_back) bench->wait_at_random();
    }
    for (long i = 0; i < drain_limit && !bench->sent.empty(); ++i) bench->step();
    for (int i = 0; i < 16; ++i) bench->step();
    std::printf("outputs %ld latency %ld %ld ii %ld %ld stray %ld\n", bench->received, bench->latency.least,
                bench->latency.most, bench->interval.least, bench->interval.most, bench->stray);
    bench->top.final();
    return std::fclose(output) ? 2 : 0;
}
