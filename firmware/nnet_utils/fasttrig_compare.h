#ifndef FASTTRIG_COMPARE_H_
#define FASTTRIG_COMPARE_H_

#include "ap_fixed.h"

// 1 where the left element is less than the right one (fasttrig, ir/SPEC.md: Compare).
namespace nnet {

struct fasttrig_compare_config {
    static const unsigned n_in = 1;
};

template <class left_T, class right_T, class res_T, typename CONFIG_T>
void fasttrig_compare(left_T left[CONFIG_T::n_in], right_T right[CONFIG_T::n_in], res_T res[CONFIG_T::n_in]) {
    #pragma HLS PIPELINE
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        res[i] = (res_T)(left[i] < right[i] ? 1 : 0);
    }
}

} // namespace nnet

#endif
