#ifndef TINY_FOREST_H_
#define TINY_FOREST_H_

#include "parameters.h"

namespace tiny_forest_v1 {

// Features in, scores out: each event at once, a new one every clock.
void tiny_forest(input_t x[n_features], result_t score[n_outputs]);

} // namespace tiny_forest_v1

#endif
