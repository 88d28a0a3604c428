/*
 * Kernels: the pixel loops in which the time goes, one table entry each.
 *
 * The C functions in kernels.c, interpolate.c and transform.c are the reference: they say what the result is.
 * kernels_sse41.c replaces entries with SSE4.1 (which Emscripten turns into WebAssembly SIMD), kernels_avx2.c some of
 * them with AVX2 where the processor has it, and kernels_wasm.c with what suits WebAssembly better; a test runs all on
 * random input. Results are equal to the bit, always. Blocks are 4..64 pixels wide and high, both multiples of 4.
 * Strides count elements.
 */
#ifndef DFY_DSP_KERNELS_H
#define DFY_DSP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/numbers.h"

#define DFY_ALF_TAPS 12 /* pairs of pixels of the adaptive loop filter */
#define DFY_ALF_VALUES (DFY_ALF_TAPS + 1)
#define DFY_BLEND_STRIDE 64 /* of rows of the intermediate blocks that interpolation writes and blending reads */
#define DFY_FLOW_SIDE 32    /* most that flow takes at once */

typedef enum DfyTransformKind { DFY_DCT = 0, DFY_DST = 1 /* DST-VII, side 4 to 16 */ } DfyTransformKind;

typedef struct DfyKernels {
    /* Sum of absolute differences, and of squared differences. */
    uint32_t (*sad)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height);
    uint32_t (*sse)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height);
    /* Sum of absolute Hadamard-transformed differences, 8x8 (4x4 where a side is 4), scaled to SAD's size. */
    uint32_t (*satd)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height);
    /*
     * Interpolation at a fraction (quarters for luma, eighths for chroma; HEVC's 8- and 4-tap filters, Rec. H.265
     * 8.5.3.3.3): 14-bit intermediates in rows of DFY_BLEND_STRIDE. src points at the whole-sample position and
     * is readable 3 (chroma 1) samples before and 4 (2) behind the block.
     */
    void (*luma)(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy);
    void (*chroma)(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy);
    /* One intermediate, or the mean of two, rounded to pixels. */
    void (*store)(uint8_t *dst, ptrdiff_t stride, const int16_t *a, int width, int height);
    void (*store_mean)(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height);
    /* Mean of two whole-sample blocks: what store_mean gives for them. */
    void (*mean)(uint8_t *dst, ptrdiff_t stride, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b,
                 ptrdiff_t b_stride, int width, int height);
    /*
     * The mean of two intermediates in which each 4x4 square is moved by the little that its slopes and differences
     * tell of motion between them (Rec. H.266, 8.5.6.5); sides 8, 16 or 32. Beside the block itself, the row and
     * column next to each side are read.
     */
    void (*flow)(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height);
    /* residual = a - b, residual in rows of `width`; dst += residual, clamped. */
    void (*subtract)(int16_t *residual, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride,
                     int width, int height);
    void (*add)(uint8_t *dst, ptrdiff_t stride, const int16_t *residual, int width, int height);
    /*
     * Integer transforms (see transform.c) of side 1 << log2: DCT 4..32, DST 4..16. The inverse is told how many
     * columns and rows (from the low frequencies) may be non-zero.
     */
    void (*forward)(int16_t *coefficients, const int16_t *residual, int log2, DfyTransformKind kind);
    void (*inverse)(int16_t *residual, const int16_t *coefficients, int log2, DfyTransformKind kind, int columns,
                    int rows);
    /*
     * Which coefficients of a square, 4..32 a side, have at least that magnitude (1..32768): a mask for every 4x4
     * group, rows of groups, whose bit i stands for place i along the diagonals from the upper left, each from below
     * upwards (0, 0), (0, 1), (1, 0), (0, 2)... as x, y. Returns whether there are any.
     */
    int (*hits)(uint16_t *masks, const int16_t *coefficients, int side, int least);
    /*
     * A square of intra prediction: row y is the line moved by (y + 1) * angle / 32 pixels, angle -32..32. The line
     * is readable from -side to 2 * side + 7.
     */
    void (*slant)(uint8_t *dst, ptrdiff_t stride, const uint8_t *line, int side, int angle);
    /* The transpose of a square whose rows are `side` apart. */
    void (*turn)(uint8_t *dst, ptrdiff_t stride, const uint8_t *square, int side);
    /*
     * AV1's directional filter (AV1 specification 7.15.2, 7.15.3): the direction of the strongest edge of an 8x8
     * square, 0..7, and how much stronger it is than across; and the filter of a square of side 8 or 4, whose source
     * is readable 3 pixels round it.
     */
    int (*direction)(const uint8_t *src, ptrdiff_t stride, uint32_t *variance);
    void (*cdef)(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side, int direction,
                 int primary, int secondary, int damping);
    /*
     * An 8x8 square to each of whose pixels p comes the sum of weight / 128 * (a + b - 2 p), for the pairs a, b that
     * lie at dfy_alf_places and opposite; the source is readable 3 pixels round it.
     */
    void (*alf)(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride,
                const int8_t weights[DFY_ALF_TAPS]);
    /*
     * What such weights are fitted from: over the pixels of the square, products of the pairs' a + b - 2 p with each
     * other and, as the last, with what p lacks of `wanted`. Those of i <= j are set, i < DFY_ALF_TAPS.
     */
    void (*correlate)(int32_t sums[DFY_ALF_VALUES][DFY_ALF_VALUES], const uint8_t *src, ptrdiff_t stride,
                      const uint8_t *wanted, ptrdiff_t wanted_stride);
    /*
     * Deblocks 8 pixels along an edge of luma, s the first behind it, by HEVC's thresholds: `across` steps over the
     * edge, `along` to the next line; one of them is 1.
     */
    void (*deblock)(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int beta, int tc);
    /* (scale * pixel + add) >> 7, clamped, of a row; scale 0..192, add up to 8240 either way: 16 bits hold the sum. */
    void (*scale)(uint8_t *dst, const uint8_t *src, int count, int scale, int add);
} DfyKernels;

/* The table for this processor, chosen once. */
const DfyKernels *dfy_kernels(void);
/* The reference alone. */
const DfyKernels *dfy_kernels_c(void);
/* Replaces what SSE4.1 does faster; does nothing in builds without it. */
void dfy_kernels_add_sse41(DfyKernels *kernels);
/* The same for what WebAssembly does faster in another way than Emscripten makes of SSE4.1; on top of that. */
void dfy_kernels_add_wasm(DfyKernels *kernels);
/* The same for AVX2; only for processors that have it, on top of a filled table, and always of the same one. */
void dfy_kernels_add_avx2(DfyKernels *kernels);
int dfy_processor_has_avx2(void);

/* Filters and matrices that the SIMD versions share with the reference. */
extern const int8_t dfy_luma_taps[4][8];
extern const int8_t dfy_chroma_taps[8][4];
/* Row k, frequency k, of the matrix of that kind and side 1 << log2. */
const int8_t *dfy_transform_row(int log2, DfyTransformKind kind, int k);
extern const int8_t dfy_directions[8][2][2];
extern const int8_t dfy_alf_places[DFY_ALF_TAPS][2]; /* x, y */

#endif
