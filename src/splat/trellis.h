/*
 * Trellis-coded quantisation of colour coefficients: two quantisers, of even and of odd multiples of the step (both
 * with 0), and a machine of four states that picks one by the parity of the number before. The decoder only follows
 * the machine; the encoder looks for the cheapest way through it, so that points lie as densely as with half the step
 * at a rate near the whole step's (Marcellin and Fischer, "Trellis coded quantization", 1990; used so in VVC).
 */
#ifndef DFY_SPLAT_TRELLIS_H
#define DFY_SPLAT_TRELLIS_H

#include <stddef.h>
#include <stdint.h>

/* The quantiser of a state is state >> 1; the next state by the coded number's parity. */
extern const uint8_t dfy_trellis_next[4][2];

/* The multiple of the step that number `coded` means, and back. */
static inline int32_t dfy_trellis_value(int state, int32_t coded) {
    return 2 * coded - (state >> 1 ? (coded > 0) - (coded < 0) : 0);
}
static inline int32_t dfy_trellis_coded(int state, int32_t value) {
    return (value + (state >> 1 ? (value > 0) - (value < 0) : 0)) / 2;
}

typedef struct DfyTrellis {
    const double *parts; /* rows x n coefficients */
    const double *norm;  /* weight of each coefficient's squared error */
    size_t rows;
    int n;
} DfyTrellis;

/*
 * Quantises every stride-th row; values (rows x value_stride multiples of step, may be NULL) gets the result. Returns
 * the mean of weighted squared errors, or a negative number when there is no memory.
 */
double dfy_trellis_quantise(int16_t *values, size_t value_stride, const DfyTrellis *trellis, double step,
                            size_t stride);

#endif
