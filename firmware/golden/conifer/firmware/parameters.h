#ifndef TINY_FOREST_PARAMETERS_H_
#define TINY_FOREST_PARAMETERS_H_

#include "ap_fixed.h"
#include "ap_int.h"

namespace tiny_forest_v1 {

static const int n_features = 2;
static const int n_outputs = 3;
static const int n_targets = 1;  // numbers that a leaf holds
static const int n_comparisons = 4;  // distinct ones: splits of all trees share them
static const int n_splits = 5;
static const int n_leaves = 5;
static const int n_terms = 2;  // most trees that add to one output
static const int no_tree = -1;

constexpr int at_least_one(int n) { return n > 0 ? n : 1; }

typedef ap_fixed<5,2,AP_TRN,AP_WRAP> input_t;
typedef ap_int<5> bits_t;  // the same bits as an integer
typedef short feature_t;  // a feature as raw integer
typedef short threshold_t;  // raw, on the features' grid
typedef short leaf_t;  // raw, on the score's grid
typedef ap_int<6> sum_t;  // raw, holds every partial sum
typedef ap_fixed<6,3,AP_TRN,AP_WRAP> margin_t;  // the same bits with their binary point
typedef ap_fixed<6,3,AP_TRN,AP_WRAP> result_t;

// Each distinct comparison once: left is taken when raw[compared_feature[c]] < threshold[c].
static const int compared_feature[at_least_one(n_comparisons)] = {0, 0, 1, 1};
static const threshold_t threshold[at_least_one(n_comparisons)] = {3, 7, -4, 2};

// A child index below n_splits is that split, any other the leaf (index - n_splits).
static const int comparison[at_least_one(n_splits)] = {0, 2, 2, 1, 3};
static const int left[at_least_one(n_splits)] = {1, 6, 6, 4, 8};
static const int right[at_least_one(n_splits)] = {5, 4, 7, 7, 9};
static const leaf_t leaf[n_targets][at_least_one(n_leaves)] = {
    {5, -6, 7, 12, -3}
};

// Which trees (by the child index of their root) add which of their leaves' numbers to each output.
static const int term_root[n_outputs][at_least_one(n_terms)] = {
    {0, 3},
    {2, 4},
    {9, -1}
};
static const int term_target[n_outputs][at_least_one(n_terms)] = {
    {0, 0},
    {0, 0},
    {0, 0}
};
static const leaf_t base_margin[n_outputs] = {4, 0, -4};

} // namespace tiny_forest_v1

#endif
