#ifndef TINY_H_
#define TINY_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"

#include "defines.h"

namespace tiny_v1 {

// Prototype of top level function for C-synthesis
void tiny(
    hls::stream<input_t> &x,
    hls::stream<layer4_t> &layer6_cpy1, hls::stream<layer5_t> &layer5_out
);

// hls-fpga-machine-learning insert emulator-defines

inline void tiny_emulator(inputs_t& inputs, outputs_t& outputs) {
    tiny(
        std::get<0>(inputs),
        std::get<0>(outputs), std::get<1>(outputs)
    );
}

}

#endif
