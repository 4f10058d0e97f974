// conifer's own evaluation of its JSON: doubles in, doubles out, one event after another, in the types of the macros.
#include "ap_fixed.h"
#include "ap_int.h"
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "conifer.h"

template <bool ADD_TREE> struct Types : conifer::ConiferConfiguration {
    typedef THRESHOLD_T threshold_t;
    typedef WEIGHT_T weight_t;
    typedef SCORE_T score_t;
    static const bool useAddTree = ADD_TREE;
};

template <bool ADD_TREE> int evaluate(char **arguments) {
    conifer::BDT<Types<ADD_TREE>> bdt(arguments[1]);
    std::vector<double> features(std::atoi(arguments[2]));
    std::ifstream given(arguments[3], std::ios::binary);
    std::ofstream made(arguments[4], std::ios::binary);
    const std::streamsize bytes = features.size() * sizeof(double);
    while (given.read(reinterpret_cast<char *>(features.data()), bytes)) {
        const std::vector<double> scores = bdt._decision_function_double(features);
        made.write(reinterpret_cast<const char *>(scores.data()), scores.size() * sizeof(double));
    }
    return made.flush() ? 0 : 1;
}

// Arguments: the JSON, the number of features, the file of features, the file of scores, and "loop" or "tree": how
// the leaves are summed.
int main(int count, char **arguments) {
    if (count != 6)
        return 2;
    return std::string(arguments[5]) == "tree" ? evaluate<true>(arguments) : evaluate<false>(arguments);
}
