#ifndef FASTTRIG_WEIGHTS_H_
#define FASTTRIG_WEIGHTS_H_

#include <cstddef>

// Synthesis reads a weight file as an initialised array. A host compiler would turn every number of it into code of
// its own (half a minute for four thousand weights), so there the same numbers are one array of doubles, copied once
// before main().
namespace nnet {

template <class T, size_t N> bool fasttrig_set_weights(T (&weights)[N], const double (&values)[N]) {
    for (size_t i = 0; i < N; i++)
        weights[i] = values[i];
    return true;
}

} // namespace nnet

#endif
