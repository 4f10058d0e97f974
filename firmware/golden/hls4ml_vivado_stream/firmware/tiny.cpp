#include <iostream>

#include "tiny.h"
#include "parameters.h"

namespace tiny_v1 {

void tiny(
    hls::stream<input_t> &x,
    hls::stream<layer4_t> &layer6_cpy1, hls::stream<layer5_t> &layer5_out
) {

    // hls-fpga-machine-learning insert IO
    #pragma HLS INTERFACE axis port=x,layer6_cpy1,layer5_out
    #pragma HLS DATAFLOW

    // hls-fpga-machine-learning insert load weights

    // ****************************************
    // NETWORK INSTANTIATION
    // ****************************************

    // hls-fpga-machine-learning insert layers

    hls::stream<layer2_t> layer2_out("layer2_out");
    #pragma HLS STREAM variable=layer2_out depth=1

    hls::stream<layer3_t> layer3_out("layer3_out");
    #pragma HLS STREAM variable=layer3_out depth=1

    hls::stream<layer4_t> layer4_out("layer4_out");
    #pragma HLS STREAM variable=layer4_out depth=1

    hls::stream<layer4_t> layer6_cpy2("layer6_cpy2");
    #pragma HLS STREAM variable=layer6_cpy2 depth=1

    nnet::dense<input_t, layer2_t, config2>(x, layer2_out, w2, b2); // fc1

    nnet::relu<layer2_t, layer3_t, relu_config3>(layer2_out, layer3_out); // relu1

    nnet::dense<layer3_t, layer4_t, config4>(layer3_out, layer4_out, w4, b4); // fc2

    nnet::clone_stream<layer4_t, layer4_t, 2>(layer4_out, layer6_cpy1, layer6_cpy2); // clone_fc2

    nnet::fasttrig_argmax<layer4_t, layer5_t, config5>(layer6_cpy2, layer5_out); // best

}

}
