#ifndef FASTTRIG_REWIRE_H_
#define FASTTRIG_REWIRE_H_

#include "ap_fixed.h"

// Every element from a fixed place of the operand, or a pad (fasttrig, ir/SPEC.md: Transpose, Gather, Window).
namespace nnet {

struct fasttrig_rewire_config {
    static const unsigned n_in = 1;
    static const unsigned n_out = 1;
    static const long long pad_raw = 0;
    typedef ap_fixed<16, 6> full_t;
    static int source(unsigned i) { return int(i); }
};

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_rewire(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_out]) {
    #pragma HLS PIPELINE
    typename CONFIG_T::full_t pad;
    pad.range() = CONFIG_T::pad_raw;
    for (unsigned i = 0; i < CONFIG_T::n_out; i++) {
        #pragma HLS UNROLL
        const int source = CONFIG_T::source(i);
        if (source < 0)
            res[i] = (res_T)pad;
        else
            res[i] = (res_T)data[source];
    }
}

} // namespace nnet

#endif
