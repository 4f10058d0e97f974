// Test bench of a fasttrig project: raw words in, raw words out, compared bit for bit.
//
//   csim [inputs.hex [outputs.hex [expected.hex]]]     defaults: vectors/inputs.hex csim/outputs.hex vectors/outputs.hex
//
// One event a line; the two's complement words of all inputs (outputs) one after the other, last axis fastest,
// separated by a space, each in ceil(width / 4) hexadecimal digits. Without a file of expected words nothing is
// compared. Exit code: 0 good, 1 a word differs, 2 a file cannot be used.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <sys/stat.h>

#include "tb_config.h"

namespace fasttrig {

const int EXIT_DIFFERS = 1, EXIT_UNUSABLE = 2;
const int SHOWN_DIFFERENCES = 10;

[[noreturn]] void stop(const std::string &file, long event, const std::string &what) {
    std::fprintf(stderr, "csim: %s, event %ld: %s\n", file.c_str(), event, what.c_str());
    std::exit(EXIT_UNUSABLE);
}

int digit(char letter) {
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    return -1;
}

// The words of one line, read from the left.
struct Reader {
    const std::string &line, &file;
    long event;
    size_t place;

    // The next word; `most` digits at the most.
    std::string word(int most) {
        size_t start = line.find_first_not_of(' ', place);
        if (start == std::string::npos)
            stop(file, event, "too few words");
        size_t end = line.find(' ', start);
        place = end == std::string::npos ? line.size() : end;
        if (int(place - start) > most)
            stop(file, event, "too many digits in '" + line.substr(start, place - start) + "'");
        return line.substr(start, place - start);
    }

    void finish() const {
        if (line.find_first_not_of(" \r", place) != std::string::npos)
            stop(file, event, "too many words");
    }
};

// Bits go in and out by range(): no number is ever a double here.
template <class T> void read_bits(T &element, Reader &reader) {
    const int width = T::width;
    std::string word = reader.word((width + 3) / 4);
    ap_uint<T::width> bits = 0;
    if (width <= 64) {
        unsigned long long all = 0;
        for (char letter : word) {
            if (digit(letter) < 0)
                stop(reader.file, reader.event, "not a lower-case hexadecimal word: '" + word + "'");
            all = all << 4 | (unsigned long long)digit(letter);
        }
        if (width < 64 && all >> (width % 64))
            stop(reader.file, reader.event, "more bits than the type has: '" + word + "'");
        bits = all;
    } else {
        for (char letter : word)
            bits = (bits << 4) | ap_uint<T::width>(digit(letter));
    }
    element.range(width - 1, 0) = bits;
}

template <class T> void write_bits(const T &element, std::string &line) {
    const int width = T::width, digits = (width + 3) / 4;
    ap_uint<T::width> bits = T(element).range(width - 1, 0);
    const char *letters = "0123456789abcdef";
    if (!line.empty())
        line += ' ';
    unsigned long long low = bits.to_uint64();
    for (int i = digits - 1; i >= 0; i--) {
        if (i < 16)
            line += letters[low >> (4 * i) & 15];
        else
            line += letters[ap_uint<T::width>(bits >> (4 * i)).to_uint() & 15];
    }
}

#if FASTTRIG_IO_STREAM
// A tensor as a stream of packs.
template <class PACK, unsigned N> struct Port {
    hls::stream<PACK> words;
    hls::stream<PACK> &argument() { return words; }

    void read(Reader &reader) {
        for (unsigned i = 0; i < N / PACK::size; i++) {
            PACK pack;
            for (unsigned j = 0; j < PACK::size; j++)
                read_bits(pack[j], reader);
            words.write(pack);
        }
    }

    void write(std::string &line) {
        for (unsigned i = 0; i < N / PACK::size; i++) {
            PACK pack = words.read();
            for (unsigned j = 0; j < PACK::size; j++)
                write_bits(pack[j], line);
        }
    }
};
#else
// A tensor as an array.
template <class T, unsigned N> struct Port {
    T words[N];
    T *argument() { return words; }

    void read(Reader &reader) {
        for (unsigned i = 0; i < N; i++)
            read_bits(words[i], reader);
    }

    void write(std::string &line) {
        for (unsigned i = 0; i < N; i++)
            write_bits(words[i], line);
    }
};
#endif

struct Ports {
#define FASTTRIG_PORT(name, label, type, size) Port<type, size> name;
    FASTTRIG_INPUTS(FASTTRIG_PORT)
    FASTTRIG_OUTPUTS(FASTTRIG_PORT)
#undef FASTTRIG_PORT
};

// Which output, and which of its elements, the n-th word of a line is.
std::string place_of(unsigned n) {
#define FASTTRIG_PORT(name, label, type, size)                                                                              \
    if (n < size)                                                                                                           \
        return "output '" label "', element " + std::to_string(n);                                                          \
    n -= size;
    FASTTRIG_OUTPUTS(FASTTRIG_PORT)
#undef FASTTRIG_PORT
    return "a word too many";
}

// Prints each word that differs; returns how many do.
long compare(const std::string &got, const std::string &want, const std::string &file, long event, long shown) {
    if (got == want)
        return 0;
    long differences = 0;
    unsigned n = 0;
    Reader left{got, file, event, 0}, right{want, file, event, 0};
    for (; got.find_first_not_of(' ', left.place) != std::string::npos; n++) {
        std::string ours = left.word(1 << 20), theirs = right.word(1 << 20);
        if (ours == theirs)
            continue;
        if (shown + differences < SHOWN_DIFFERENCES)
            std::printf("csim: event %ld, %s: got %s, want %s\n", event, place_of(n).c_str(), ours.c_str(), theirs.c_str());
        differences++;
    }
    right.finish();
    return differences;
}

} // namespace fasttrig

int main(int count, char **arguments) {
    using namespace fasttrig;
    const std::string inputs_file = count > 1 ? arguments[1] : "vectors/inputs.hex";
    const std::string outputs_file = count > 2 ? arguments[2] : "csim/outputs.hex";
    const std::string expected_file = count > 3 ? arguments[3] : "vectors/outputs.hex";
    std::ifstream inputs(inputs_file), expected(expected_file);
    if (count <= 2)
        mkdir("csim", 0777);
    std::ofstream outputs(outputs_file);
    if (!inputs)
        stop(inputs_file, 0, "cannot be opened");
    if (!outputs)
        stop(outputs_file, 0, "cannot be written");

    const bool comparing = bool(expected);
    long event = 0, differences = 0;
    std::string line, want, result;
    static Ports ports;
    for (; std::getline(inputs, line); event++) {
        Reader reader{line, inputs_file, event, 0};
#define FASTTRIG_PORT(name, label, type, size) ports.name.read(reader);
        FASTTRIG_INPUTS(FASTTRIG_PORT)
#undef FASTTRIG_PORT
        reader.finish();

        FASTTRIG_CALL(ports);

        result.clear();
#define FASTTRIG_PORT(name, label, type, size) ports.name.write(result);
        FASTTRIG_OUTPUTS(FASTTRIG_PORT)
#undef FASTTRIG_PORT
        outputs << result << '\n';
        if (!comparing)
            continue;
        if (!std::getline(expected, want))
            stop(expected_file, event, "the file ends too early");
        differences += compare(result, want, expected_file, event, differences);
    }
    if (comparing && std::getline(expected, want))
        stop(expected_file, event, "more events than in " + inputs_file);
    if (!outputs.flush())
        stop(outputs_file, event, "cannot be written");
    std::printf("csim: %ld events, %s, %ld words differ\n", event, comparing ? "compared" : "not compared", differences);
    return differences ? EXIT_DIFFERS : 0;
}
