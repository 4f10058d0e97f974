#ifndef TINY_H_
#define TINY_H_

#include "ap_fixed.h"
#include "ap_int.h"
#include "hls_stream.h"

#include "defines.h"

namespace tiny_v1 {

// Prototype of top level function for C-synthesis
void tiny(
    input_t x[2],
    layer6_t layer6_out[2], layer5_t layer5_out[1]
);

// hls-fpga-machine-learning insert emulator-defines

inline void tiny_emulator(inputs_t& inputs, outputs_t& outputs) {
    tiny(
        std::get<0>(inputs).data(),
        std::get<0>(outputs).data(), std::get<1>(outputs).data()
    );
}

}

#endif
