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
typedef nnet::array<ap_fixed<4,2>, 2*1> input_t;
typedef ap_fixed<7,3> fc1_accum_t;
typedef nnet::array<ap_fixed<7,3>, 3*1> layer2_t;
typedef ap_fixed<3,1> fc1_weight_t;
typedef ap_fixed<3,1> fc1_bias_t;
typedef ap_uint<1> layer2_index;
typedef nnet::array<ap_ufixed<4,1,AP_RND_CONV,AP_SAT,0>, 3*1> layer3_t;
typedef ap_fixed<18,8> relu1_table_t;
typedef ap_fixed<9,4> fc2_accum_t;
typedef nnet::array<ap_fixed<9,4>, 2*1> layer4_t;
typedef ap_fixed<3,1> fc2_weight_t;
typedef ap_fixed<2,1> fc2_bias_t;
typedef ap_uint<1> layer4_index;
typedef nnet::array<ap_ufixed<1,1>, 1*1> layer5_t;

// hls-fpga-machine-learning insert emulator-defines

using inputs_t = std::tuple<hls::stream<input_t>>;
using outputs_t = std::tuple<hls::stream<layer4_t>, hls::stream<layer5_t>>;

}

#endif
