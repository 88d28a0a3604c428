/* Reference kernels that have a file of their own; see kernels.h for what they do. */
#ifndef DFY_DSP_REFERENCE_H
#define DFY_DSP_REFERENCE_H

#include "dsp/kernels.h"

void dfy_interpolate_luma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy);
void dfy_interpolate_chroma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy);
void dfy_transform_forward(int16_t *coefficients, const int16_t *residual, int log2, DfyTransformKind kind);
void dfy_transform_inverse(int16_t *residual, const int16_t *coefficients, int log2, DfyTransformKind kind, int columns,
                           int rows);

/* Neighbouring entries of a matrix side by side as 16-bit words, the first in the low half, as SIMD multiplies them. */
typedef struct DfyTransformPairs {
    int32_t forward[32][16]; /* row k: (M[k][2n], M[k][2n + 1]) */
    int32_t inverse[16][32]; /* rows 2k: (M[2k][n], M[2k + 1][n]) */
} DfyTransformPairs;
/* Of sides 8 to 32, by kind and log2 - 3; SIMD's tables call dfy_transform_make_pairs, which fills them. */
extern DfyTransformPairs dfy_transform_pairs[2][3];
void dfy_transform_make_pairs(void);

int dfy_edge_direction(const uint8_t *src, ptrdiff_t stride, uint32_t *variance);
/* By how much a difference is shifted right to be taken off its threshold (1..): AV1 specification 7.15.3. */
static inline int dfy_directed_shift(int damping, int threshold) {
    int shift = damping - (31 - __builtin_clz((unsigned)threshold));
    return shift < 0 ? 0 : shift;
}
/* Where the pixel k + 1 along a direction, in steps of 22.5 degrees, lies. */
static inline ptrdiff_t dfy_directed_place(int direction, int k, ptrdiff_t stride) {
    return dfy_directions[direction & 7][k][0] * stride + dfy_directions[direction & 7][k][1];
}
void dfy_filter_directed(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side,
                         int direction, int primary, int secondary, int damping);
void dfy_alf_block(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride,
                   const int8_t weights[DFY_ALF_TAPS]);
void dfy_alf_statistics(int32_t sums[DFY_ALF_VALUES][DFY_ALF_VALUES], const uint8_t *src, ptrdiff_t stride,
                        const uint8_t *wanted, ptrdiff_t wanted_stride);

/* What tells the optical flow of a 4x4 block: sums of slopes and of differences between its two predictions. */
typedef struct DfyBdof {
    int steep_x, steep_y;   /* magnitudes of the slopes */
    int shared;             /* slopes across under the sign of those down */
    int misses_x, misses_y; /* differences under the sign of the slopes */
} DfyBdof;

/* A component in 1/32 pixels; H.266 divides by the power of two below `steep`, too. */
static inline int dfy_bdof_component(int wanted, int steep) {
    return steep ? dfy_clamp(wanted >> (31 - __builtin_clz((unsigned)steep)), -15, 15) : 0;
}
static inline void dfy_bdof_motion(const DfyBdof *f, int v[2]) {
    v[0] = dfy_bdof_component(-4 * f->misses_x, f->steep_x);
    v[1] = dfy_bdof_component(-4 * f->misses_y - ((v[0] * f->shared) >> 1), f->steep_y);
}
void dfy_bdof_mean(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height);

void dfy_mctf_add_c(uint16_t *sum, uint16_t *weight, const uint8_t *own, ptrdiff_t stride, const uint8_t *other,
                    int width, int height, const DfyMctfWeights *weights);
void dfy_mctf_mean_c(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *own, ptrdiff_t stride, const uint16_t *sum,
                     const uint16_t *weight, int width, int height);

void dfy_deblock_luma(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int beta, int tc);

/* Compiled once for each of the tables: compilers make better vectors of it than there is need for by hand. */
static inline void dfy_scale_pixels(uint8_t *restrict dst, const uint8_t *restrict src, int count, int scale, int add) {
    uint16_t more = (uint16_t)(add > 0 ? add : 0), less = (uint16_t)(add < 0 ? -add : 0);
    for (int x = 0; x < count; x++) {
        uint16_t sum = (uint16_t)(src[x] * scale + more);
        sum = (uint16_t)((sum > less ? sum : less) - less) >> 7;
        dst[x] = (uint8_t)(sum < 255 ? sum : 255);
    }
}

#endif
