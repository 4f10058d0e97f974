#ifndef FASTTRIG_TB_CONFIG_H_
#define FASTTRIG_TB_CONFIG_H_

#include "../firmware/tiny.h"

#define FASTTRIG_IO_STREAM 1

// PORT(C++ name, name in the graph, type, number of elements)
#define FASTTRIG_INPUTS(PORT) \
    PORT(x, "x", tiny_v1::input_t, 2)

#define FASTTRIG_OUTPUTS(PORT) \
    PORT(layer6_cpy1, "fc2", tiny_v1::layer4_t, 2) \
    PORT(layer5_out, "best", tiny_v1::layer5_t, 1)

#define FASTTRIG_CALL(ports) tiny_v1::tiny((ports).x.argument(), (ports).layer6_cpy1.argument(), (ports).layer5_out.argument())

#endif
