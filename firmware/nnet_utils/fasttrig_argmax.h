#ifndef FASTTRIG_ARGMAX_H_
#define FASTTRIG_ARGMAX_H_

#include "ap_fixed.h"
#include "hls_stream.h"

// Index of the largest entry of the last axis, the first of equals (fasttrig, ir/SPEC.md: ArgMax).
namespace nnet {

struct fasttrig_argmax_config {
    static const unsigned n_in = 1;
    static const unsigned n_outer = 1;
};

template <class data_T, class res_T, typename CONFIG_T> res_T fasttrig_argmax_slice(data_T *data) {
    #pragma HLS INLINE
    data_T largest = data[0];
    unsigned place = 0;
    for (unsigned i = 1; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        if (data[i] > largest) {
            largest = data[i];
            place = i;
        }
    }
    return (res_T)place;
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_argmax(data_T data[CONFIG_T::n_outer * CONFIG_T::n_in], res_T res[CONFIG_T::n_outer]) {
    #pragma HLS PIPELINE
    for (unsigned k = 0; k < CONFIG_T::n_outer; k++) {
        #pragma HLS UNROLL
        res[k] = fasttrig_argmax_slice<data_T, res_T, CONFIG_T>(data + k * CONFIG_T::n_in);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_argmax(hls::stream<data_T> &data, hls::stream<res_T> &res) {
ArgMaxStream:
    for (unsigned k = 0; k < CONFIG_T::n_outer; k++) {
        #pragma HLS PIPELINE
        data_T in = data.read();
        res_T out;
        out[0] = fasttrig_argmax_slice<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(in.data);
        res.write(out);
    }
}

} // namespace nnet

#endif
