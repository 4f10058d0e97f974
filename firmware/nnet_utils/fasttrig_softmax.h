#ifndef FASTTRIG_SOFTMAX_H_
#define FASTTRIG_SOFTMAX_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"

// exp(x - max x) / sum by two ROMs, over the last axis (fasttrig, ir/SPEC.md: Softmax). Every cast of the
// specification is an assignment to a type that carries its rounding and saturation.
namespace nnet {

struct fasttrig_softmax_config {
    static const unsigned n_in = 1;
    static const unsigned n_outer = 1;
    static const unsigned exp_size = 2;
    static const unsigned inverse_size = 2;
    typedef ap_ufixed<16, 6> distance_t;
    typedef ap_ufixed<8, 4, AP_TRN, AP_SAT> index_t;
    typedef ap_ufixed<16, 6> sum_t;
    typedef ap_ufixed<8, 4, AP_TRN, AP_SAT> inverse_index_t;
    typedef ap_ufixed<16, 1> exp_t;
    typedef ap_ufixed<16, 1> inverse_t;
};

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_softmax_slice(data_T *data, res_T *res, typename CONFIG_T::exp_t exponentials[CONFIG_T::exp_size],
                            typename CONFIG_T::inverse_t inverses[CONFIG_T::inverse_size]) {
    #pragma HLS INLINE
    data_T largest = data[0];
    for (unsigned i = 1; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        if (data[i] > largest)
            largest = data[i];
    }

    typename CONFIG_T::exp_t weight[CONFIG_T::n_in];
    #pragma HLS ARRAY_PARTITION variable=weight complete
    typename CONFIG_T::sum_t total = 0;
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        typename CONFIG_T::distance_t distance = largest - data[i];
        typename CONFIG_T::index_t place = distance;
        ap_uint<CONFIG_T::index_t::width> word = place.range(CONFIG_T::index_t::width - 1, 0);
        weight[i] = exponentials[word.to_uint()];
        total += weight[i];
    }

    typename CONFIG_T::inverse_index_t place = total;
    ap_uint<CONFIG_T::inverse_index_t::width> word = place.range(CONFIG_T::inverse_index_t::width - 1, 0);
    typename CONFIG_T::inverse_t inverse = inverses[word.to_uint()];
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        res[i] = weight[i] * inverse;
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_softmax(data_T data[CONFIG_T::n_outer * CONFIG_T::n_in], res_T res[CONFIG_T::n_outer * CONFIG_T::n_in],
                      typename CONFIG_T::exp_t exponentials[CONFIG_T::exp_size],
                      typename CONFIG_T::inverse_t inverses[CONFIG_T::inverse_size]) {
    #pragma HLS PIPELINE
    for (unsigned k = 0; k < CONFIG_T::n_outer; k++) {
        #pragma HLS UNROLL
        fasttrig_softmax_slice<data_T, res_T, CONFIG_T>(data + k * CONFIG_T::n_in, res + k * CONFIG_T::n_in,
                                                        exponentials, inverses);
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_softmax(hls::stream<data_T> &data, hls::stream<res_T> &res,
                      typename CONFIG_T::exp_t exponentials[CONFIG_T::exp_size],
                      typename CONFIG_T::inverse_t inverses[CONFIG_T::inverse_size]) {
SoftmaxStream:
    for (unsigned k = 0; k < CONFIG_T::n_outer; k++) {
        #pragma HLS PIPELINE
        data_T in = data.read();
        res_T out;
        fasttrig_softmax_slice<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(
            in.data, out.data, exponentials, inverses);
        res.write(out);
    }
}

} // namespace nnet

#endif
