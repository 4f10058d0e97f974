//Numpy array shape [2, 3]
//Min -1.000000000000
//Max 0.750000000000
//Number of zeros 1

#ifndef W2_H_
#define W2_H_

#include "../nnet_utils/fasttrig_weights.h"

namespace tiny_v1 {

#ifdef __SYNTHESIS__
fc1_weight_t w2[6] = {
#else
static const double w2_values[6] = {
#endif
    0.25, -0.50, 0.75, -1.00, 0.00, 0.50
};
#ifndef __SYNTHESIS__
fc1_weight_t w2[6];
static const bool w2_are_set = nnet::fasttrig_set_weights(w2, w2_values);
#endif

}


#endif
