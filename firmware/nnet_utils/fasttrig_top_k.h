#ifndef FASTTRIG_TOP_K_H_
#define FASTTRIG_TOP_K_H_

#include "ap_fixed.h"

// Indices of the k greatest entries of the last axis, of equals the first one first (fasttrig, ir/SPEC.md: TopK).
namespace nnet {

struct fasttrig_top_k_config {
    static const unsigned n_in = 1;
    static const unsigned n_outer = 1;
    static const unsigned k = 1;
};

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_top_k(data_T data[CONFIG_T::n_outer * CONFIG_T::n_in], res_T res[CONFIG_T::n_outer * CONFIG_T::k]) {
    #pragma HLS PIPELINE
    for (unsigned outer = 0; outer < CONFIG_T::n_outer; outer++) {
        #pragma HLS UNROLL
        bool taken[CONFIG_T::n_in];
        #pragma HLS ARRAY_PARTITION variable=taken complete
        for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
            #pragma HLS UNROLL
            taken[i] = false;
        }
        for (unsigned place = 0; place < CONFIG_T::k; place++) {
            #pragma HLS UNROLL
            bool found = false;
            unsigned best = 0;
            data_T greatest = data[outer * CONFIG_T::n_in];
            for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
                #pragma HLS UNROLL
                data_T entry = data[outer * CONFIG_T::n_in + i];
                if (!taken[i] && (!found || entry > greatest)) {
                    found = true;
                    best = i;
                    greatest = entry;
                }
            }
            for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
                #pragma HLS UNROLL
                if (i == best)
                    taken[i] = true;
            }
            res[outer * CONFIG_T::k + place] = (res_T)best;
        }
    }
}

} // namespace nnet

#endif
