#ifndef FASTTRIG_REDUCE_H_
#define FASTTRIG_REDUCE_H_

#include "ap_fixed.h"

// Sum, greatest or least element along one axis, exact (fasttrig, ir/SPEC.md: Reduce).
namespace nnet {

enum fasttrig_reduction { fasttrig_sum, fasttrig_max, fasttrig_min };

struct fasttrig_reduce_config {
    static const unsigned n_outer = 1;
    static const unsigned n_reduced = 1;
    static const unsigned n_inner = 1;
    static const fasttrig_reduction reduction = fasttrig_sum;
    typedef ap_fixed<16, 6> full_t;
};

// full_t holds every partial sum and every element: no bit is lost before the assignment to the result.
template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_reduce(data_T data[CONFIG_T::n_outer * CONFIG_T::n_reduced * CONFIG_T::n_inner],
                     res_T res[CONFIG_T::n_outer * CONFIG_T::n_inner]) {
    #pragma HLS PIPELINE
    for (unsigned outer = 0; outer < CONFIG_T::n_outer; outer++) {
        #pragma HLS UNROLL
        for (unsigned inner = 0; inner < CONFIG_T::n_inner; inner++) {
            #pragma HLS UNROLL
            const data_T *first = data + outer * CONFIG_T::n_reduced * CONFIG_T::n_inner + inner;
            if (CONFIG_T::reduction == fasttrig_sum) {
                typename CONFIG_T::full_t total = first[0];
                for (unsigned i = 1; i < CONFIG_T::n_reduced; i++) {
                    #pragma HLS UNROLL
                    total += first[i * CONFIG_T::n_inner];
                }
                res[outer * CONFIG_T::n_inner + inner] = (res_T)total;
            } else {
                data_T best = first[0];
                for (unsigned i = 1; i < CONFIG_T::n_reduced; i++) {
                    #pragma HLS UNROLL
                    data_T entry = first[i * CONFIG_T::n_inner];
                    bool better = CONFIG_T::reduction == fasttrig_max ? entry > best : entry < best;
                    if (better)
                        best = entry;
                }
                res[outer * CONFIG_T::n_inner + inner] = (res_T)best;
            }
        }
    }
}

} // namespace nnet

#endif
