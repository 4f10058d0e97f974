#ifndef FASTTRIG_GATHER_BY_H_
#define FASTTRIG_GATHER_BY_H_

#include "ap_fixed.h"

// Entries of the first axis by indices that are data, beyond the last the last (fasttrig, ir/SPEC.md: GatherBy).
namespace nnet {

struct fasttrig_gather_by_config {
    static const unsigned n_entries = 1;
    static const unsigned n_indices = 1;
    static const unsigned n_rest = 1;
};

template <class data_T, class index_T, class res_T, typename CONFIG_T>
void fasttrig_gather_by(data_T data[CONFIG_T::n_entries * CONFIG_T::n_rest], index_T index[CONFIG_T::n_indices],
                        res_T res[CONFIG_T::n_indices * CONFIG_T::n_rest]) {
    #pragma HLS PIPELINE
    for (unsigned place = 0; place < CONFIG_T::n_indices; place++) {
        #pragma HLS UNROLL
        const unsigned wanted = index[place].to_uint();
        for (unsigned i = 0; i < CONFIG_T::n_rest; i++) {
            #pragma HLS UNROLL
            data_T chosen = data[(CONFIG_T::n_entries - 1) * CONFIG_T::n_rest + i];
            for (unsigned entry = 0; entry + 1 < CONFIG_T::n_entries; entry++) {
                #pragma HLS UNROLL
                if (wanted == entry)
                    chosen = data[entry * CONFIG_T::n_rest + i];
            }
            res[place * CONFIG_T::n_rest + i] = (res_T)chosen;
        }
    }
}

} // namespace nnet

#endif
