/*
 * Kernels: the pixel loops in which the time goes, one table entry each.
 *
 * The C functions in c/ are the reference: they say what the result is. x86/kernels_sse41.c replaces entries with
 * SSE4.1 (which Emscripten turns into WebAssembly SIMD), x86/kernels_avx2.c some of them with AVX2 where the processor
 * has it, wasm/kernels_wasm.c with what suits WebAssembly better, and arm/kernels_neon.c with NEON; tests/kernels runs
 * all on random input, and times them. Results are equal to the bit, always. Blocks are 4..64 pixels wide and high,
 * both multiples of 4. Strides count elements.
 */
#ifndef DFY_DSP_KERNELS_H
#define DFY_DSP_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/numbers.h"

#define DFY_ALF_TAPS 12 /* pairs of pixels of the adaptive loop filter */
#define DFY_ALF_VALUES (DFY_ALF_TAPS + 1)
#define DFY_BLEND_STRIDE 64 /* of rows of the intermediate blocks that interpolation writes and blending reads */
#define DFY_BDOF_SIDE 32    /* most that bdof takes at once */
#define DFY_MCTF_SIDE 16    /* of the blocks of the motion-compensated temporal filter, and between their rows */

typedef enum DfyTransformKind { DFY_DCT = 0, DFY_DST = 1 /* DST-VII, side 4 to 16 */ } DfyTransformKind;

/* What a pixel of another picture weighs beside its own, of 64, by how much they differ; dfy_mctf_weigh fills it. */
typedef struct DfyMctfWeights {
    uint16_t scale; /* from differences to steps, 1/4096 */
    uint8_t bell[32];
} DfyMctfWeights;

typedef struct DfyKernels {
    /* Sum of absolute differences, and of squared differences. */
    uint32_t (*sad)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height);
    uint32_t (*sse)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height);
    /* Sum of absolute Hadamard-transformed differences, 8x8 (4x4 where a side is 4), scaled to SAD's size. */
    uint32_t (*satd)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height);
    /*
     * Interpolation at a fraction (sixteenths for luma, 32nds for chroma; 8- and 4-tap filters, Rec. H.265 8.5.3.3.3
     * and Rec. H.266 8.5.6.3): 14-bit intermediates in rows of DFY_BLEND_STRIDE. src points at the whole-sample
     * position and is readable 3 (chroma 1) samples before and 4 (2) behind the block.
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
     * Bi-directional optical flow: the mean of two intermediates in which each 4x4 block is moved by the little that
     * its slopes and differences tell of motion between them (Rec. H.266, 8.5.6.5); sides 8, 16 or 32. Beside the block
     * itself, the row and column next to each side are read.
     */
    void (*bdof)(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height);
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
     * Which coefficients of a block, 4..32 a side, have at least that magnitude (1..32768): a mask for every 4x4
     * group, rows of groups, whose bit i stands for place i along the diagonals from the upper left, each from below
     * upwards (0, 0), (0, 1), (1, 0), (0, 2)... as x, y. Returns whether there are any.
     */
    int (*nonzero_mask)(uint16_t *masks, const int16_t *coefficients, int side, int least);
    /*
     * A block of intra prediction: row y is the line moved by (y + 1) * angle / 32 pixels, angle -32..32. The line
     * is readable from -side to 2 * side + 7.
     */
    void (*intra_angular)(uint8_t *dst, ptrdiff_t stride, const uint8_t *line, int side, int angle);
    /* The transpose of a block whose rows are `side` apart. */
    void (*transpose)(uint8_t *dst, ptrdiff_t stride, const uint8_t *block, int side);
    /*
     * AV1's directional filter (AV1 specification 7.15.2, 7.15.3): the direction of the strongest edge of an 8x8
     * block, 0..7, and how much stronger it is than across; and the filter of a block of side 8 or 4, whose source
     * is readable 3 pixels round it.
     */
    int (*direction)(const uint8_t *src, ptrdiff_t stride, uint32_t *variance);
    void (*cdef)(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side, int direction,
                 int primary, int secondary, int damping);
    /*
     * An 8x8 block to each of whose pixels p comes the sum of weight / 128 * (a + b - 2 p), for the pairs a, b that
     * lie at dfy_alf_places and opposite; the source is readable 3 pixels round it.
     */
    void (*alf)(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride,
                const int8_t weights[DFY_ALF_TAPS]);
    /*
     * What such weights are fitted from: over the pixels of the block, products of the pairs' a + b - 2 p with each
     * other and, as the last, with what p lacks of `wanted`. Those of i <= j are set, i < DFY_ALF_TAPS.
     */
    void (*alf_statistics)(int32_t sums[DFY_ALF_VALUES][DFY_ALF_VALUES], const uint8_t *src, ptrdiff_t stride,
                           const uint8_t *wanted, ptrdiff_t wanted_stride);
    /*
     * Deblocks 8 pixels along an edge of luma, s the first behind it, by HEVC's thresholds: `across` steps over the
     * edge, `along` to the next line; one of them is 1.
     */
    void (*deblock)(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int beta, int tc);
    /* (scale * pixel + add) >> 7, clamped, of a row; scale 0..192, add up to 8240 either way: 16 bits hold the sum. */
    void (*scale)(uint8_t *dst, const uint8_t *src, int count, int scale, int add);
    /*
     * The motion-compensated temporal filter of a block 8 or 16 wide: adds the weighted pixels of another picture, and
     * their weights, to the sums (128 in all at most, so that 16 bits hold them); then divides what came together,
     * with the block's own pixels at a weight of 64. Rows of sum, weight and other are DFY_MCTF_SIDE apart.
     */
    void (*mctf_add)(uint16_t *sum, uint16_t *weight, const uint8_t *own, ptrdiff_t stride, const uint8_t *other,
                     int width, int height, const DfyMctfWeights *weights);
    void (*mctf_mean)(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *own, ptrdiff_t stride, const uint16_t *sum,
                      const uint16_t *weight, int width, int height);
} DfyKernels;

/* The table for what dfy_cpu_flags (base/cpu.h) says now; never changed once it was given. Any thread may ask. */
const DfyKernels *dfy_kernels(void);
/* The reference alone. */
const DfyKernels *dfy_kernels_c(void);
/*
 * For kernels.c, which calls them once, before any other thread sees a table: replace what SSE4.1 or NEON does faster;
 * then what AVX2, or WebAssembly in another way than Emscripten makes of SSE4.1, does faster yet. Builds have those of
 * DFY_CPU_BUILT.
 */
void dfy_kernels_add_sse41(DfyKernels *kernels);
void dfy_kernels_add_mctf_sse41(DfyKernels *kernels);
void dfy_kernels_add_avx2(DfyKernels *kernels);
void dfy_kernels_add_wasm(DfyKernels *kernels);
void dfy_kernels_add_neon(DfyKernels *kernels);

/* sigma: the difference, in eighths of a level, at which a pixel weighs 0.6 of `strength`; 24 or more. strength: 1..64.
 */
void dfy_mctf_weigh(DfyMctfWeights *weights, int sigma, int strength);

/* Filters and matrices that the SIMD versions share with the reference. */
extern const int8_t dfy_luma_taps[16][8];
extern const int8_t dfy_chroma_taps[32][4];
/* Row k, frequency k, of the matrix of that kind and side 1 << log2. */
const int8_t *dfy_transform_row(int log2, DfyTransformKind kind, int k);
extern const int8_t dfy_directions[8][2][2];
extern const int8_t dfy_alf_places[DFY_ALF_TAPS][2]; /* x, y */

#endif
