#ifndef DEFINES_H_
#define DEFINES_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "nnet_utils/nnet_types.h"
#include <array>
#include <cstddef>
#include <cstdio>
#include <tuple>
#include <tuple>

namespace tiny_v1 {

// hls-fpga-machine-learning insert numbers

// hls-fpga-machine-learning insert layer-precision
typedef ap_fixed<4,2> input_t;
typedef ap_fixed<7,3> fc1_accum_t;
typedef ap_fixed<7,3> layer2_t;
typedef ap_fixed<3,1> fc1_weight_t;
typedef ap_fixed<3,1> fc1_bias_t;
typedef ap_uint<1> layer2_index;
typedef ap_ufixed<4,1,AP_RND_CONV,AP_SAT,0> layer3_t;
typedef ap_fixed<18,8> relu1_table_t;
typedef ap_fixed<9,4> fc2_accum_t;
typedef ap_fixed<9,4> layer4_t;
typedef ap_fixed<3,1> fc2_weight_t;
typedef ap_fixed<2,1> fc2_bias_t;
typedef ap_uint<1> layer4_index;
typedef ap_ufixed<1,1> layer5_t;
typedef ap_fixed<9,4> layer6_t;
typedef ap_fixed<18,8> fc2_output0_table_t;

// hls-fpga-machine-learning insert emulator-defines

using inputs_t = std::tuple<std::array<input_t, 2>>;
using outputs_t = std::tuple<std::array<layer6_t, 2>, std::array<layer5_t, 1>>;

}

#endif
