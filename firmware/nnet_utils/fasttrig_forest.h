#ifndef FASTTRIG_FOREST_H_
#define FASTTRIG_FOREST_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"

// A forest of decision trees as one layer of a network (fasttrig, ir/SPEC.md: Forest). All comparisons at once, one
// multiplexer per split, an adder tree per output. The configuration holds the trees as functions of an index: each is a
// table of constants.
namespace nnet {

constexpr int fasttrig_at_least_one(int n) { return n > 0 ? n : 1; }

struct fasttrig_forest_config {
    static const int n_features = 1;
    static const int n_outputs = 1;
    static const int n_targets = 1;      // numbers that a leaf holds
    static const int n_comparisons = 0;  // distinct ones: splits of all trees share them
    static const int n_splits = 0;
    static const int n_leaves = 1;
    static const int n_terms = 0;        // most trees that add to one output
    typedef ap_int<16> bits_t;           // the bits of a feature as an integer
    typedef int feature_t;               // a feature as raw integer
    typedef int leaf_t;                  // raw, on the score's grid
    typedef ap_int<32> sum_t;            // raw, holds every partial sum
    typedef ap_fixed<32, 16> margin_t;   // the bits of a sum with their binary point
};

// Adder tree. sum_t holds every partial sum, so the order of the additions cannot matter.
template <class sum_T, int N> struct fasttrig_forest_sum {
    static sum_T of(const sum_T *terms) {
        #pragma HLS INLINE
        return fasttrig_forest_sum<sum_T, N / 2>::of(terms) + fasttrig_forest_sum<sum_T, N - N / 2>::of(terms + N / 2);
    }
};

template <class sum_T> struct fasttrig_forest_sum<sum_T, 1> {
    static sum_T of(const sum_T *terms) {
        #pragma HLS INLINE
        return terms[0];
    }
};

template <class data_T, class res_T, typename CONFIG_T> void fasttrig_forest_event(const data_T *data, res_T *res) {
    #pragma HLS INLINE
    typename CONFIG_T::feature_t raw[CONFIG_T::n_features];
    #pragma HLS ARRAY_PARTITION variable=raw complete dim=0
    for (int i = 0; i < CONFIG_T::n_features; i++) {
        #pragma HLS UNROLL
        typename CONFIG_T::bits_t bits;
        bits.range(data_T::width - 1, 0) = data[i].range(data_T::width - 1, 0);
        raw[i] = bits;
    }

    bool goes_left[fasttrig_at_least_one(CONFIG_T::n_comparisons)];
    #pragma HLS ARRAY_PARTITION variable=goes_left complete dim=0
    for (int i = 0; i < CONFIG_T::n_comparisons; i++) {
        #pragma HLS UNROLL
        goes_left[i] = raw[CONFIG_T::compared_feature(i)] < CONFIG_T::threshold(i);
    }

    // What each child index leads to. Children come after their parents: from the last split to the first, each finds
    // its children decided.
    typename CONFIG_T::leaf_t value[CONFIG_T::n_targets][CONFIG_T::n_splits + CONFIG_T::n_leaves];
    #pragma HLS ARRAY_PARTITION variable=value complete dim=0
    for (int j = 0; j < CONFIG_T::n_targets; j++) {
        #pragma HLS UNROLL
        for (int i = 0; i < CONFIG_T::n_leaves; i++) {
            #pragma HLS UNROLL
            value[j][CONFIG_T::n_splits + i] = CONFIG_T::leaf(j * CONFIG_T::n_leaves + i);
        }
        for (int i = CONFIG_T::n_splits - 1; i >= 0; i--) {
            #pragma HLS UNROLL
            const typename CONFIG_T::leaf_t if_left = value[j][CONFIG_T::left(i)];
            const typename CONFIG_T::leaf_t if_right = value[j][CONFIG_T::right(i)];
            value[j][i] = goes_left[CONFIG_T::comparison(i)] ? if_left : if_right;
        }
    }

    for (int k = 0; k < CONFIG_T::n_outputs; k++) {
        #pragma HLS UNROLL
        typename CONFIG_T::sum_t terms[CONFIG_T::n_terms + 1];
        #pragma HLS ARRAY_PARTITION variable=terms complete dim=0
        for (int i = 0; i < CONFIG_T::n_terms; i++) {
            #pragma HLS UNROLL
            const int root = CONFIG_T::term_root(k * CONFIG_T::n_terms + i);  // -1: no further tree
            terms[i] = 0;
            if (root >= 0)
                terms[i] = value[CONFIG_T::term_target(k * CONFIG_T::n_terms + i)][root];
        }
        terms[CONFIG_T::n_terms] = CONFIG_T::base_margin(k);
        const typename CONFIG_T::sum_t sum =
            fasttrig_forest_sum<typename CONFIG_T::sum_t, CONFIG_T::n_terms + 1>::of(terms);
        typename CONFIG_T::margin_t margin;
        margin.range(CONFIG_T::margin_t::width - 1, 0) = sum.range(CONFIG_T::sum_t::width - 1, 0);
        res[k] = margin;
    }
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_forest(data_T data[CONFIG_T::n_features], res_T res[CONFIG_T::n_outputs]) {
    #pragma HLS PIPELINE
    fasttrig_forest_event<data_T, res_T, CONFIG_T>(data, res);
}

template <class data_T, class res_T, typename CONFIG_T>
void fasttrig_forest(hls::stream<data_T> &data, hls::stream<res_T> &res) {
    #pragma HLS PIPELINE
    data_T in = data.read();
    res_T out;
    fasttrig_forest_event<typename data_T::value_type, typename res_T::value_type, CONFIG_T>(in.data, out.data);
    res.write(out);
}

} // namespace nnet

#endif
