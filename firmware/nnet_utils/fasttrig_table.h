#ifndef FASTTRIG_TABLE_H_
#define FASTTRIG_TABLE_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"

// Any function of one fixed-point number as a ROM with one entry per raw integer (fasttrig, ir/SPEC.md: Table).
namespace nnet {

struct fasttrig_table_config {
    static const unsigned n_in = 1;
    static const unsigned table_size = 2;
    static const bool is_signed = true;
    typedef ap_fixed<16, 6> table_t;
};

// The first entry belongs to the least number: a signed word is counted from there by turning its sign bit.
template <class data_T, typename CONFIG_T> unsigned fasttrig_table_index(data_T x) {
    #pragma HLS INLINE
    ap_uint<data_T::width> word = x.range(data_T::width - 1, 0);
    if (CONFIG_T::is_signed)
        word[data_T::width - 1] = !word[data_T::width - 1];
    return word.to_uint();
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_table(data_T data[CONFIG_T::n_in], res_T res[CONFIG_T::n_in],
                    typename CONFIG_T::table_t table[CONFIG_T::table_size]) {
    #pragma HLS PIPELINE
    for (unsigned i = 0; i < CONFIG_T::n_in; i++) {
        #pragma HLS UNROLL
        res[i] = table[fasttrig_table_index<data_T, CONFIG_T>(data[i])];
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_table(hls::stream<data_T> &data, hls::stream<res_T> &res,
                    typename CONFIG_T::table_t table[CONFIG_T::table_size]) {
TableStream:
    for (unsigned i = 0; i < CONFIG_T::n_in / data_T::size; i++) {
        #pragma HLS PIPELINE
        data_T in = data.read();
        res_T out;
        for (unsigned j = 0; j < data_T::size; j++) {
            #pragma HLS UNROLL
            out[j] = table[fasttrig_table_index<typename data_T::value_type, CONFIG_T>(in[j])];
        }
        res.write(out);
    }
}

} // namespace nnet

#endif
