// A host with three models in one process, as an experiment's framework has: raw integers in on stdin, out on stdout.
//
//   cms_host network_v1 network_v2 forest_v1     libraries without their .so
//
// An event a line: the numbers of the first model's inputs, of the second's, of the third's. All three get their
// inputs before any of them predicts.
#include <cstdio>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <typeinfo>

#include "emulator.h"
#include "tiny/tiny_v1/scales.h"
#include "tiny2/tiny_v2/io_types.h"
#include "tiny_forest/tiny_forest_v1/io_types.h"

template <class T, std::size_t N, class F> void for_each(std::array<T, N> &tensor, F f) {
    for (T &number : tensor)
        f(number);
}

template <class Tensors, class F> void for_each(Tensors &tensors, F f) {
    std::apply([&](auto &...tensor) { (for_each(tensor, f), ...); }, tensors);
}

template <class Inputs> bool read_event(Inputs &inputs) {
    bool good = true;
    for_each(inputs, [&](auto &number) {
        const int width = std::decay<decltype(number)>::type::width;
        long long raw = 0;
        good = good && bool(std::cin >> raw);
        const ap_uint<std::decay<decltype(number)>::type::width> bits = raw;
        number.range(width - 1, 0) = bits;
    });
    return good;
}

template <class Results> void write_event(Results &results) {
    for_each(results, [&](auto &number) {
        typedef typename std::decay<decltype(number)>::type T;
        T shifted = number;
        ap_int<T::width + 1> raw;
        if (number < 0) {
            raw = -1;
            raw.range(T::width - 1, 0) = shifted.range(T::width - 1, 0);
        } else {
            raw = ap_uint<T::width>(shifted.range(T::width - 1, 0));
        }
        std::cout << raw.to_int64() << ' ';
    });
}

// A pointer to anything but the model's own type is refused by std::any.
void check_types(hls4mlEmulator::Model &model) {
    static ap_fixed<33, 3> other[64];
    try {
        model.prepare_input(&other[0]);
    } catch (const std::bad_any_cast &) {
        return;
    }
    throw std::runtime_error("a model took inputs of another type");
}

void print_scaled() {
    double feature[2];
    while (std::cin >> feature[0] >> feature[1]) {
        tiny_v1_io::inputs event = {tiny_v1_io::scaled(0, feature[0]), tiny_v1_io::scaled(1, feature[1])};
        write_event(event);
        std::cout << '\n';
    }
}

int main(int count, char **arguments) {
    if (count == 2)
        return print_scaled(), 0;
    hls4mlEmulator::ModelLoader loaders[3]; // outlive the models
    std::shared_ptr<hls4mlEmulator::Model> models[3];
    try {
        for (int k = 0; k < 3; k++) {
            loaders[k].reset(arguments[k + 1]);
            models[k] = loaders[k].load_model();
            check_types(*models[k]);
        }
        tiny_v1_io::inputs a;
        tiny_v2_io::inputs b;
        tiny_forest_v1_io::inputs c;
        tiny_v1_io::results result_a;
        tiny_v2_io::results result_b;
        tiny_forest_v1_io::results result_c;
        while (read_event(a) && read_event(b) && read_event(c)) {
            models[0]->prepare_input(tiny_v1_io::input_argument(a));
            models[1]->prepare_input(tiny_v2_io::input_argument(b));
            models[2]->prepare_input(tiny_forest_v1_io::input_argument(c));
            for (auto &model : models)
                model->predict();
            models[2]->read_result(tiny_forest_v1_io::result_argument(result_c));
            models[1]->read_result(tiny_v2_io::result_argument(result_b));
            models[0]->read_result(tiny_v1_io::result_argument(result_a));
            write_event(result_a);
            write_event(result_b);
            write_event(result_c);
            std::cout << '\n';
        }
    } catch (const std::exception &error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    return 0;
}
