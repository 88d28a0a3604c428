/*
 * Kernels for blocks of 8x8 RGB pixels, which version 1 codes in single precision: a table like that of kernels.h. The
 * C functions in c/rgb_blocks.c say what the result is; x86/rgb_kernels_sse41.c does the same sums in the same order,
 * so that its results are equal to the bit.
 */
#ifndef DFY_DSP_RGB_KERNELS_H
#define DFY_DSP_RGB_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "dsp/colour.h"

/*
 * What deflate spends on a level, as measured over whole chunks: two triplets a coefficient cost some 10 bits when it
 * stands alone, because of the zero run before it, and little more when its two other channels follow.
 */
#define DFY_RUN_BITS 8.0f
#define DFY_COEFFICIENT_BITS 1.5f
#define DFY_DOUBLING_BITS 2.0f /* each doubling of a level */
#define DFY_MOST_MOVES 5       /* changes of a coefficient's levels */

/* The error of a coefficient is e' W e, with e that of its three channels; a bit is worth lambda of it. */
typedef struct DfyLevelCosts {
    float weight[3][3];
    float lambda;
} DfyLevelCosts;

typedef struct DfyRgbKernels {
    /* Channel by channel, a - b of 8 rows of 8 RGB pixels; and pixels += sample, truncated towards zero, clamped. */
    void (*difference)(float out[3][64], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride);
    void (*add)(uint8_t *pixels, ptrdiff_t stride, const float sample[3][64]);
    /* The orthonormal DCT-II of 8x8, raster order; in and out may not overlap. */
    void (*forward)(float out[64], const float in[64]);
    void (*inverse)(float out[64], const float in[64]);
    /* Which coefficients any level could pay for, in order, and how many. */
    int (*candidates)(uint8_t at[64], const float coefficient[3][64], const DfyLevelCosts *costs);
    /*
     * The levels of coefficients, a multiple of 4: from none, the single change of a channel that saves most, then the
     * next, until none saves, and what they save in all.
     */
    void (*choose)(int32_t level[3][64], float saved[64], const float coefficient[3][64], const float step[3][64],
                   int count, const DfyLevelCosts *costs);
    /* A row of YCbCr pixels from an even column on, u and v holding a sample per two, as RGB. */
    void (*row_to_rgb)(uint8_t *rgb, const uint8_t *y, const uint8_t *u, const uint8_t *v, int count,
                       const DfyColour *colour);
} DfyRgbKernels;

/* The table for what dfy_cpu_flags says now, as dfy_kernels gives one; the reference alone. */
const DfyRgbKernels *dfy_rgb_kernels(void);
const DfyRgbKernels *dfy_rgb_kernels_c(void);
/* For kernels.c: replaces what SSE4.1 does faster. */
void dfy_rgb_kernels_add_sse41(DfyRgbKernels *kernels);

/* cos(k pi / 16) / 2, and sqrt(1 / 8) */
#define DFY_C1 0.490392640202f
#define DFY_C2 0.461939766256f
#define DFY_C3 0.415734806151f
#define DFY_C4 0.353553390593f
#define DFY_C5 0.277785116510f
#define DFY_C6 0.191341716183f
#define DFY_C7 0.097545161008f

#endif
