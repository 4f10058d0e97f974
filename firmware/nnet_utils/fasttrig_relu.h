#ifndef FASTTRIG_RELU_H_
#define FASTTRIG_RELU_H_

#include "ap_fixed.h"
#include "hls_stream.h"

// Rectifier with a power-of-two slope below zero and an upper limit, both exact (fasttrig, ir/SPEC.md: Relu).
namespace nnet {

struct fasttrig_relu_config {
    static const unsigned n_in = 1;
    static const bool leaky = false;
    static const int negative_shift = 0;
    static const long long limit_raw = 0;
    typedef ap_fixed<16, 6> full_t;
};

// full_t holds the operand, the shifted operand and the limit: no bit is lost before the assignment to the result.
template <class data_T, class res_T, typename CONFIG_T> res_T fasttrig_relu_element(data_T x) {
    #pragma HLS INLINE
    typename CONFIG_T::full_t y = x;
    typename CONFIG_T::full_t limit;
    limit.range() = CONFIG_T::limit_raw;
    if (x < 0)
        y = CONFIG_T::leaky ? typename CONFIG_T::full_t(y >> CONFIG_T::negative_shift) : typename CONFIG_T::full_t(0);
    if (y > limit)
        y = limit;
    return (res_T)y;
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_relu(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_in]) {
    #pragma HLS PIPELINE
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        res[i] = fasttrig_relu_element<data_T, res_T, CONFIG_T>(data[i]);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_relu(hls::stream<data_T> &data, hls::stream<res_T> &res) {
ReluStream:
    for (unsigned i = 0; i < CONFIG_T::n_in / data_T::size; i++) {
        #pragma HLS PIPELINE
        data_T in = data.read();
        res_T out;
        for (unsigned j = 0; j < data_T::size; j++) {
            #pragma HLS UNROLL
            out[j] = fasttrig_relu_element<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(in[j]);
        }
        res.write(out);
    }
}

} // namespace nnet

#endif
