#ifndef FASTTRIG_SELECT_H_
#define FASTTRIG_SELECT_H_

#include "ap_fixed.h"

// The second operand where the condition is 1, else the third (fasttrig, ir/SPEC.md: Select).
namespace nnet {

struct fasttrig_select_config {
    static const unsigned n_in = 1;
};

template <class bit_T, class one_T, class zero_T, class res_T, typename CONFIG_T>
void fasttrig_select(bit_T condition[CONFIG_T::n_in], one_T if_one[CONFIG_T::n_in], zero_T if_zero[CONFIG_T::n_in],
                     res_T res[CONFIG_T::n_in]) {
    #pragma HLS PIPELINE
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        if (condition[i] != 0)
            res[i] = (res_T)if_one[i];
        else
            res[i] = (res_T)if_zero[i];
    }
}

} // namespace nnet

#endif
