/* small, version 2: the bit-accurate emulator of the firmware, in integers. Written by fasttrig; do not edit.
 *
 * Raw integers in, raw integers out: value = raw * 2^-fraction_bits. Events stand one after the other, the inputs (or
 * outputs) of an event in the order below, each with its last axis fastest. Functions may be called from any thread.
 */
#ifndef FASTTRIG_SMALL_V2_H_
#define FASTTRIG_SMALL_V2_H_

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

enum {
    small_version = 2,
    small_n_inputs = 3,
    small_n_outputs = 3
};

/* input x : (3) fixed<6,2> */
enum {
    small_input_x_first = 0,
    small_input_x_size = 3,
    small_input_x_width = 6,
    small_input_x_fraction_bits = 4,
    small_input_x_signed = 1
};

/* output fc2 : (2) fixed<12,4> */
enum {
    small_output_fc2_first = 0,
    small_output_fc2_size = 2,
    small_output_fc2_width = 12,
    small_output_fc2_fraction_bits = 8,
    small_output_fc2_signed = 1
};

/* output best : (1) ufixed<1,1> */
enum {
    small_output_best_first = 2,
    small_output_best_size = 1,
    small_output_best_width = 1,
    small_output_best_fraction_bits = 0,
    small_output_best_signed = 0
};


/* What the functions return. After anything but `good` the outputs hold nothing of use. */
enum {
    small_good = 0,
    small_input_outside_its_type = 1,
    small_no_such_kernel = 2
};

/* in: (n_events, 3), out: (n_events, 3) */
int small_predict(const int32_t *in, int32_t *out, size_t n_events);

/* in: (n_events, 3), out: (n_events, 3) */
int small_predict_i64(const int64_t *in, int64_t *out, size_t n_events);

/* The same with a chosen kernel (all give the same bits), numbered from 0; the functions above take the fastest that
 * this machine has. `kernel_name` gives NULL past the last, `has_kernel` tells whether this machine can run it. */
int small_predict_with(int kernel, const int32_t *in, int32_t *out, size_t n_events);
int small_predict_with_i64(int kernel, const int64_t *in, int64_t *out, size_t n_events);
const char *small_kernel_name(int kernel);
int small_has_kernel(int kernel);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#endif
