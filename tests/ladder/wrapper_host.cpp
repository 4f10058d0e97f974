// Drives a wrapper, compiled by Verilator, clock by clock: a line a clock from stdin, a line a clock to stdout. Numbers
// are hexadecimal, most significant digit first. EMP: the inputs in, the outputs out. AXI: first a line with the number
// of events and a line (tdata, tlast) for each; then per clock whether the source would offer one and whether the sink
// is ready. A source that offers holds on until its event is taken.
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include WRAPPER_HEADER
#include "verilated.h"

double sc_time_stamp() { return 0; }

static std::string word;

unsigned digits_at(unsigned low_bit) { // 32 bits of `word`
    unsigned value = 0;
    for (unsigned digit = 0; digit < 8; digit++) {
        const size_t place = low_bit / 4 + digit;
        if (place < word.size())
            value |= unsigned(std::stoi(word.substr(word.size() - 1 - place, 1), nullptr, 16)) << (4 * digit);
    }
    return value;
}

template <class T> void set(T &port) {
    port = T(digits_at(0) | uint64_t(digits_at(32)) << 32);
}

template <std::size_t N> void set(VlWide<N> &port) {
    for (unsigned k = 0; k < N; k++)
        port[k] = digits_at(32 * k);
}

template <class T> void read(T &port) {
    std::cin >> word;
    set(port);
}

template <class T> void write(const T &port) { std::printf("%llx ", (unsigned long long)port); }

template <std::size_t N> void write(const VlWide<N> &port) {
    for (unsigned k = N; k-- > 0;)
        std::printf("%08x", port[k]);
    std::printf(" ");
}

#ifdef AXI
void run(WRAPPER &top) {
    unsigned n_events = 0;
    read(n_events);
    std::vector<std::string> data(n_events), last(n_events);
    for (unsigned event = 0; event < n_events; event++)
        std::cin >> data[event] >> last[event];
    unsigned next = 0, clock = 0;
    bool offers = false;
    for (unsigned would_offer = 0, ready = 0; std::cin >> would_offer >> ready; clock++) {
        top.aclk = 0;
        top.aresetn = clock > 1;
        offers = next < n_events && (offers || would_offer) && top.aresetn;
        word = data[next < n_events ? next : 0];
        set(top.s_axis_tdata);
        word = last[next < n_events ? next : 0];
        set(top.s_axis_tlast);
        top.s_axis_tvalid = offers;
        top.m_axis_tready = ready;
        top.eval();
        write(top.s_axis_tvalid), write(top.s_axis_tready), write(top.m_axis_tready), write(top.m_axis_tvalid);
        write(top.m_axis_tlast), write(top.m_axis_tdata);
        std::printf("\n");
        const bool taken = offers && top.s_axis_tready;
        next += taken;
        offers = offers && !taken;
        top.aclk = 1;
        top.eval();
    }
}
#else
void run(WRAPPER &top) {
    while (std::cin >> std::ws, std::cin.good()) {
        top.clk = 0;
        read(top.rst), read(top.d_data), read(top.d_valid), read(top.d_start), read(top.d_start_of_orbit);
        read(top.d_strobe);
        top.eval();
        write(top.q_data), write(top.q_valid), write(top.q_start), write(top.q_start_of_orbit), write(top.q_last);
        write(top.q_strobe);
        std::printf("\n");
        top.clk = 1;
        top.eval();
    }
}
#endif

int main() {
    VerilatedContext context;
    WRAPPER top{&context};
    run(top);
    return 0;
}
