// A forest of decision trees, on raw integers: all comparisons at once, one multiplexer per split, adder trees.
// Written by fasttrig; the trees are the tables of parameters.h. C++11, for the vendor's HLS tools and for any host.
#include "tiny_forest.h"

namespace tiny_forest_v1 {

// Adder tree. sum_t holds every partial sum, so the order of the additions cannot matter.
template <int N> struct Sum {
    static sum_t of(const sum_t *terms) {
        #pragma HLS INLINE
        return Sum<N / 2>::of(terms) + Sum<N - N / 2>::of(terms + N / 2);
    }
};

template <> struct Sum<1> {
    static sum_t of(const sum_t *terms) {
        #pragma HLS INLINE
        return terms[0];
    }
};

void tiny_forest(input_t x[n_features], result_t score[n_outputs]) {
    #pragma HLS ARRAY_RESHAPE variable=x complete dim=0
    #pragma HLS ARRAY_PARTITION variable=score complete dim=0
    #pragma HLS INTERFACE ap_vld port=x,score
    #pragma HLS PIPELINE

    // The vendor's integers stand where widths matter, at the ports and in the sums. In between, plain ones: the tools
    // narrow a comparison with a constant, and a choice between constants, to the bits that these need.
    feature_t raw[n_features];
    #pragma HLS ARRAY_PARTITION variable=raw complete dim=0
Features:
    for (int i = 0; i < n_features; i++) {
        #pragma HLS UNROLL
        bits_t bits;
        bits.range(bits_t::width - 1, 0) = x[i].range(input_t::width - 1, 0);
        raw[i] = bits;
    }

    bool goes_left[at_least_one(n_comparisons)];
    #pragma HLS ARRAY_PARTITION variable=goes_left complete dim=0
Compare:
    for (int i = 0; i < n_comparisons; i++) {
        #pragma HLS UNROLL
        goes_left[i] = raw[compared_feature[i]] < threshold[i];
    }

    // What each child index leads to. Children stand behind their parents: from the last split to the first, each finds
    // its children decided.
    leaf_t value[n_targets][at_least_one(n_splits + n_leaves)];
    #pragma HLS ARRAY_PARTITION variable=value complete dim=0
Choose:
    for (int j = 0; j < n_targets; j++) {
        #pragma HLS UNROLL
        for (int i = 0; i < n_leaves; i++) {
            #pragma HLS UNROLL
            value[j][n_splits + i] = leaf[j][i];
        }
        for (int i = n_splits - 1; i >= 0; i--) {
            #pragma HLS UNROLL
            const leaf_t if_left = value[j][left[i]], if_right = value[j][right[i]];
            value[j][i] = goes_left[comparison[i]] ? if_left : if_right;
        }
    }

Score:
    for (int k = 0; k < n_outputs; k++) {
        #pragma HLS UNROLL
        sum_t terms[n_terms + 1];
        #pragma HLS ARRAY_PARTITION variable=terms complete dim=0
        for (int i = 0; i < n_terms; i++) {
            #pragma HLS UNROLL
            terms[i] = 0;
            if (term_root[k][i] != no_tree)
                terms[i] = value[term_target[k][i]][term_root[k][i]];
        }
        terms[n_terms] = base_margin[k];
        const sum_t sum = Sum<n_terms + 1>::of(terms);
        margin_t margin;
        margin.range(margin_t::width - 1, 0) = sum.range(sum_t::width - 1, 0);
        score[k] = margin;
    }
}

} // namespace tiny_forest_v1
