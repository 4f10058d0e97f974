// Reads int64 rows from a file, runs every kernel, compares with the rows of another file; 0 when all bits are equal.
#include "hosted.h"

#include <cstdint>
#include <cstdio>
#include <vector>

static std::vector<std::int64_t> numbers(const char *path)
{
    std::vector<std::int64_t> found;
    std::FILE *file = std::fopen(path, "rb");
    for (std::int64_t number; file && std::fread(&number, sizeof(number), 1, file) == 1;)
        found.push_back(number);
    if (file)
        std::fclose(file);
    return found;
}

int main(int, char **arguments)
{
    const std::vector<std::int64_t> in = numbers(arguments[1]), want = numbers(arguments[2]);
    const std::size_t n_events = in.size() / hosted_n_inputs;
    int kernels = 0;
    for (int kernel = 0; hosted_kernel_name(kernel); ++kernel) {
        if (!hosted_has_kernel(kernel))
            continue;
        std::vector<std::int64_t> out(n_events * hosted_n_outputs);
        if (hosted_predict_with_i64(kernel, in.data(), out.data(), n_events) != hosted_good || out != want) {
            std::printf("%s differs\n", hosted_kernel_name(kernel));
            return 1;
        }
        ++kernels;
    }
#ifdef NARROW
    const std::vector<std::int32_t> narrow(in.begin(), in.end());
    std::vector<std::int32_t> out(n_events * hosted_n_outputs);
    if (hosted_predict(narrow.data(), out.data(), n_events) != hosted_good)
        return 1;
    if (std::vector<std::int64_t>(out.begin(), out.end()) != want)
        return 1;
#endif
    if (want.empty())
        return 1;
    std::printf("version %d, %d kernels\n", hosted_version, kernels);
    return 0;
}
