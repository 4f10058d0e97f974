// Host of the real conifer.h: the JSON, then raw features on stdin, one event a line; raw scores on stdout.
#include "ap_fixed.h"
#include "ap_int.h"
#include <functional>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "conifer.h"

struct Config : conifer::ConiferConfiguration {
    typedef THRESHOLD_T threshold_t;
    typedef WEIGHT_T weight_t;
    typedef SCORE_T score_t;
    static const bool useAddTree = USE_ADD_TREE;
};

int main(int, char **arguments) {
    conifer::BDT<Config> bdt(arguments[1]);
    std::vector<Config::threshold_t> x(std::stoi(arguments[2]));
    long long word;
    while (true) {
        for (auto &feature : x) {
            if (!(std::cin >> word))
                return 0;
            feature.range(Config::threshold_t::width - 1, 0) = ap_int<64>(word).range(Config::threshold_t::width - 1, 0);
        }
        for (const auto &score : bdt.decision_function(x)) {
            ap_int<Config::score_t::width> raw;
            raw.range(Config::score_t::width - 1, 0) = score.range(Config::score_t::width - 1, 0);
            std::cout << raw.to_int64() << ' ';
        }
        std::cout << '\n';
    }
}
