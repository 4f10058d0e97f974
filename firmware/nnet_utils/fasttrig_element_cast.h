#ifndef FASTTRIG_ELEMENT_CAST_H_
#define FASTTRIG_ELEMENT_CAST_H_

#include "ap_fixed.h"

// Each element cast to a type of its own, then to the type that holds them all (fasttrig, ir/SPEC.md: ElementCast).
namespace nnet {

struct fasttrig_element_cast_config {
    static const unsigned n_in = 1;
    typedef ap_fixed<16, 6> wide_t;
    template <class res_T> static res_T element(unsigned, wide_t x) { return res_T(x); }
};

// wide_t has the operand's grid and at least as many bits as any cast drops: the vendor's rounding needs them.
template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_element_cast(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_in]) {
    #pragma HLS PIPELINE
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        typename CONFIG_T::wide_t wide = data[i];
        res[i] = CONFIG_T::template element<res_T>(i, wide);
    }
}

} // namespace nnet

#endif
