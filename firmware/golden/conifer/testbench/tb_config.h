#ifndef FASTTRIG_TB_CONFIG_H_
#define FASTTRIG_TB_CONFIG_H_

#include "../firmware/tiny_forest.h"

#define FASTTRIG_IO_STREAM 0

// PORT(C++ name, name in the graph, type, number of elements)
#define FASTTRIG_INPUTS(PORT) \
    PORT(x, "x", tiny_forest_v1::input_t, 2)

#define FASTTRIG_OUTPUTS(PORT) \
    PORT(score, "margin", tiny_forest_v1::result_t, 3)

#define FASTTRIG_CALL(ports) tiny_forest_v1::tiny_forest((ports).x.argument(), (ports).score.argument())

#endif
