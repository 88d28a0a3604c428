/*
 * NEON kernels for 64-bit ARM: what decoding spends its time in. Each gives the reference's result to the bit. Products
 * of a pixel and a tap are added up modulo 2^16, where the sum itself fits 16 bits; rounding shifts that saturate do
 * the rest.
 */
#include "dsp/kernels.h"

#include <arm_neon.h>
#include <string.h>

#include "dsp/reference.h"

static inline uint8x8_t load4(const uint8_t *p) {
    uint32_t bits;
    memcpy(&bits, p, 4);
    return vreinterpret_u8_u32(vdup_n_u32(bits));
}
static inline void save4(uint8_t *p, uint8x8_t v) {
    uint32_t bits = vget_lane_u32(vreinterpret_u32_u8(v), 0);
    memcpy(p, &bits, 4);
}
/* The first `left` of eight pixels, 4 or more. */
static inline void put(uint8_t *p, uint8x8_t v, int left) {
    if (left >= 8)
        vst1_u8(p, v);
    else
        save4(p, v);
}
static inline int16x8_t widen8(const uint8_t *p) {
    return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(p)));
}

/* ---------------------------------------------------------------- interpolation */

/* Magnitudes of taps; their signs are - + - + + - + - for luma and - + + - for chroma at every fraction. */
typedef struct Taps {
    uint8x8_t tap[8];
} Taps;

static inline Taps magnitudes(const int8_t *taps, int count) {
    Taps t;
    for (int i = 0; i < 8; i++) t.tap[i] = vdup_n_u8((uint8_t)(i >= count ? 0 : taps[i] < 0 ? -taps[i] : taps[i]));
    return t;
}

static inline int16x8_t filter8(const uint8x8_t p[8], const Taps *t) {
    uint16x8_t sum = vmull_u8(p[3], t->tap[3]);
    sum = vmlal_u8(sum, p[4], t->tap[4]);
    sum = vmlal_u8(sum, p[1], t->tap[1]);
    sum = vmlal_u8(sum, p[6], t->tap[6]);
    sum = vmlsl_u8(sum, p[0], t->tap[0]);
    sum = vmlsl_u8(sum, p[2], t->tap[2]);
    sum = vmlsl_u8(sum, p[5], t->tap[5]);
    return vreinterpretq_s16_u16(vmlsl_u8(sum, p[7], t->tap[7]));
}
static inline int16x8_t filter4(const uint8x8_t p[4], const Taps *t) {
    uint16x8_t sum = vmull_u8(p[1], t->tap[1]);
    sum = vmlal_u8(sum, p[2], t->tap[2]);
    sum = vmlsl_u8(sum, p[0], t->tap[0]);
    return vreinterpretq_s16_u16(vmlsl_u8(sum, p[3], t->tap[3]));
}

static void horizontal8(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, const int8_t *taps) {
    const Taps t = magnitudes(taps, 8);
    for (int y = 0; y < height; y++, src += stride, dst += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x += 8) {
            uint8x16_t row = vld1q_u8(src + x - 3);
            uint8x8_t low = vget_low_u8(row), high = vget_high_u8(row);
            uint8x8_t p[8] = {low,
                              vext_u8(low, high, 1),
                              vext_u8(low, high, 2),
                              vext_u8(low, high, 3),
                              vext_u8(low, high, 4),
                              vext_u8(low, high, 5),
                              vext_u8(low, high, 6),
                              vext_u8(low, high, 7)};
            vst1q_s16(dst + x, filter8(p, &t));
        }
}

static void horizontal4(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, const int8_t *taps) {
    const Taps t = magnitudes(taps, 4);
    for (int y = 0; y < height; y++, src += stride, dst += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x += 8) {
            uint8x16_t row = vld1q_u8(src + x - 1);
            uint8x8_t low = vget_low_u8(row), high = vget_high_u8(row);
            uint8x8_t p[4] = {low, vext_u8(low, high, 1), vext_u8(low, high, 2), vext_u8(low, high, 3)};
            vst1q_s16(dst + x, filter4(p, &t));
        }
}

static void vertical8(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, const int8_t *taps) {
    const Taps t = magnitudes(taps, 8);
    for (int x = 0; x < width; x += 8) {
        const uint8_t *from = src + x;
        uint8x8_t p[8];
        for (int i = 0; i < 7; i++, from += stride) p[i] = vld1_u8(from);
        for (int y = 0; y < height; y++, from += stride) {
            p[7] = vld1_u8(from);
            vst1q_s16(dst + y * DFY_BLEND_STRIDE + x, filter8(p, &t));
            for (int i = 0; i < 7; i++) p[i] = p[i + 1];
        }
    }
}

static void vertical4(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, const int8_t *taps) {
    const Taps t = magnitudes(taps, 4);
    for (int x = 0; x < width; x += 8) {
        const uint8_t *from = src + x;
        uint8x8_t p[4];
        for (int i = 0; i < 3; i++, from += stride) p[i] = vld1_u8(from);
        for (int y = 0; y < height; y++, from += stride) {
            p[3] = vld1_u8(from);
            vst1q_s16(dst + y * DFY_BLEND_STRIDE + x, filter4(p, &t));
            for (int i = 0; i < 3; i++) p[i] = p[i + 1];
        }
    }
}

/* Down the columns of what went across, whose sums need 32 bits. */
static inline void filter_rows(int16_t *dst, const int16_t *rows, int width, int height, const int8_t *taps,
                               int count) {
    for (int x = 0; x < width; x += 8) {
        const int16_t *from = rows + x;
        int16x8_t r[8];
        for (int i = 0; i < count - 1; i++, from += DFY_BLEND_STRIDE) r[i] = vld1q_s16(from);
        for (int y = 0; y < height; y++, from += DFY_BLEND_STRIDE) {
            r[count - 1] = vld1q_s16(from);
            int32x4_t low = vmull_n_s16(vget_low_s16(r[0]), taps[0]), high = vmull_n_s16(vget_high_s16(r[0]), taps[0]);
            for (int i = 1; i < count; i++) {
                low = vmlal_n_s16(low, vget_low_s16(r[i]), taps[i]);
                high = vmlal_n_s16(high, vget_high_s16(r[i]), taps[i]);
            }
            vst1q_s16(dst + y * DFY_BLEND_STRIDE + x, vcombine_s16(vshrn_n_s32(low, 6), vshrn_n_s32(high, 6)));
            for (int i = 0; i < count - 1; i++) r[i] = r[i + 1];
        }
    }
}

static void widen(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height) {
    for (int y = 0; y < height; y++, src += stride, dst += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x += 8) vst1q_s16(dst + x, vreinterpretq_s16_u16(vshll_n_u8(vld1_u8(src + x), 6)));
}

/* Widths of 4 are computed as 8: the intermediate rows have room, and sources are readable that far. */
static void luma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    int16_t rows[(64 + 7) * DFY_BLEND_STRIDE];
    if (!fx && !fy)
        widen(dst, src, stride, width, height);
    else if (!fy)
        horizontal8(dst, src, stride, width, height, dfy_luma_taps[fx]);
    else if (!fx)
        vertical8(dst, src - 3 * stride, stride, width, height, dfy_luma_taps[fy]);
    else {
        horizontal8(rows, src - 3 * stride, stride, width, height + 7, dfy_luma_taps[fx]);
        filter_rows(dst, rows, width, height, dfy_luma_taps[fy], 8);
    }
}

static void chroma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    int16_t rows[(64 + 3) * DFY_BLEND_STRIDE];
    if (!fx && !fy)
        widen(dst, src, stride, width, height);
    else if (!fy)
        horizontal4(dst, src, stride, width, height, dfy_chroma_taps[fx]);
    else if (!fx)
        vertical4(dst, src - stride, stride, width, height, dfy_chroma_taps[fy]);
    else {
        horizontal4(rows, src - stride, stride, width, height + 3, dfy_chroma_taps[fx]);
        filter_rows(dst, rows, width, height, dfy_chroma_taps[fy], 4);
    }
}

static void store(uint8_t *dst, ptrdiff_t stride, const int16_t *a, int width, int height) {
    for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x += 8) put(dst + x, vqrshrun_n_s16(vld1q_s16(a + x), 6), width - x);
}

/* A sum that saturates is 255 either way. */
static void store_mean(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height) {
    for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE, b += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x += 8)
            put(dst + x, vqrshrun_n_s16(vqaddq_s16(vld1q_s16(a + x), vld1q_s16(b + x)), 7), width - x);
}

static void mean(uint8_t *dst, ptrdiff_t stride, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b,
                 ptrdiff_t b_stride, int width, int height) {
    for (int y = 0; y < height; y++, dst += stride, a += a_stride, b += b_stride) {
        int x = 0;
        for (; x + 16 <= width; x += 16) vst1q_u8(dst + x, vrhaddq_u8(vld1q_u8(a + x), vld1q_u8(b + x)));
        for (; x + 8 <= width; x += 8) vst1_u8(dst + x, vrhadd_u8(vld1_u8(a + x), vld1_u8(b + x)));
        for (; x < width; x += 4) save4(dst + x, vrhadd_u8(load4(a + x), load4(b + x)));
    }
}

/* ---------------------------------------------------------------- optical flow */

/* What the reference's bdof adds up, for every pixel of a block; and how the two slopes differ, across and down. */
typedef struct BdofMaps {
    int16_t summed[5][DFY_BDOF_SIDE * DFY_BDOF_SIDE];
    int16_t differ[2][DFY_BDOF_SIDE * DFY_BDOF_SIDE];
} BdofMaps;

static inline int16x8_t slope(const int16_t *before, const int16_t *behind) {
    return vsubq_s16(vshrq_n_s16(vld1q_s16(behind), 6), vshrq_n_s16(vld1q_s16(before), 6));
}

/* value where sign is above 0, -value below, 0 at 0. */
static inline int16x8_t signed_as(int16x8_t value, int16x8_t sign) {
    int16x8_t negative = vshrq_n_s16(sign, 15), turned = vsubq_s16(veorq_s16(value, negative), negative);
    return vandq_s16(turned, vreinterpretq_s16_u16(vtstq_s16(sign, sign)));
}

static void map_bdof(BdofMaps *m, const int16_t *a, const int16_t *b, int width, int height) {
    const int stride = DFY_BLEND_STRIDE;
    for (int y = 0; y < height; y++, a += stride, b += stride)
        for (int x = 0; x < width; x += 8) {
            int at = y * DFY_BDOF_SIDE + x;
            const int16_t *p = a + x, *q = b + x;
            int16x8_t ax = slope(p - 1, p + 1), bx = slope(q - 1, q + 1);
            int16x8_t ay = slope(p - stride, p + stride), by = slope(q - stride, q + stride);
            int16x8_t slope_x = vshrq_n_s16(vaddq_s16(ax, bx), 1), slope_y = vshrq_n_s16(vaddq_s16(ay, by), 1);
            int16x8_t misses = vsubq_s16(vshrq_n_s16(vld1q_s16(p), 4), vshrq_n_s16(vld1q_s16(q), 4));
            vst1q_s16(m->summed[0] + at, vabsq_s16(slope_x));
            vst1q_s16(m->summed[1] + at, vabsq_s16(slope_y));
            vst1q_s16(m->summed[2] + at, signed_as(slope_x, slope_y));
            vst1q_s16(m->summed[3] + at, signed_as(misses, slope_x));
            vst1q_s16(m->summed[4] + at, signed_as(misses, slope_y));
            vst1q_s16(m->differ[0] + at, vsubq_s16(ax, bx));
            vst1q_s16(m->differ[1] + at, vsubq_s16(ay, by));
        }
}

/* Sums of the columns of six rows about row y0, from [8] on; the outermost once more on either side. */
static void sum_columns(int16_t sums[5][DFY_BDOF_SIDE + 16], const BdofMaps *m, int width, int height, int y0) {
    for (int i = 0; i < 5; i++) {
        const int16_t *from = m->summed[i] + y0 * DFY_BDOF_SIDE;
        const int16_t *above = y0 ? from - DFY_BDOF_SIDE : from;
        const int16_t *below = from + (y0 + 4 < height ? 4 : 3) * DFY_BDOF_SIDE;
        int16_t *to = sums[i] + 8;
        for (int x = 0; x < width; x += 8) {
            int16x8_t sum = vaddq_s16(vld1q_s16(above + x), vld1q_s16(below + x));
            for (int row = 0; row < 4; row++) sum = vaddq_s16(sum, vld1q_s16(from + row * DFY_BDOF_SIDE + x));
            vst1q_s16(to + x, sum);
        }
        to[-1] = to[0];
        to[width] = to[width - 1];
    }
}

/* The optical flow of the block at column x. */
static inline void motion_at(int v[2], int16_t sums[5][DFY_BDOF_SIDE + 16], int x) {
    static const int16_t six[8] = {-1, -1, -1, -1, -1, -1, 0, 0};
    int part[5];
    for (int i = 0; i < 5; i++) part[i] = vaddlvq_s16(vandq_s16(vld1q_s16(sums[i] + 7 + x), vld1q_s16(six)));
    DfyBdof f = {.steep_x = part[0], .steep_y = part[1], .shared = part[2], .misses_x = part[3], .misses_y = part[4]};
    dfy_bdof_motion(&f, v);
}

static inline int16x4_t moved(int16x4_t p, int16x4_t q, int16x4_t differ_x, int16x4_t differ_y, const int v[2]) {
    int32x4_t sum = vmlal_n_s16(vaddl_s16(p, q), differ_x, (int16_t)v[0]);
    return vqrshrn_n_s32(vmlal_n_s16(sum, differ_y, (int16_t)v[1]), 7);
}

static void bdof(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height) {
    BdofMaps maps;
    int16_t sums[5][DFY_BDOF_SIDE + 16] = {{0}};
    map_bdof(&maps, a, b, width, height);
    for (int y0 = 0; y0 < height; y0 += 4) {
        sum_columns(sums, &maps, width, height, y0);
        for (int x = 0; x < width; x += 8) {
            int left[2], right[2];
            motion_at(left, sums, x);
            motion_at(right, sums, x + 4);
            for (int y = y0; y < y0 + 4; y++) {
                int16x8_t p = vld1q_s16(a + y * DFY_BLEND_STRIDE + x), q = vld1q_s16(b + y * DFY_BLEND_STRIDE + x);
                int16x8_t dx = vld1q_s16(maps.differ[0] + y * DFY_BDOF_SIDE + x);
                int16x8_t dy = vld1q_s16(maps.differ[1] + y * DFY_BDOF_SIDE + x);
                int16x4_t low = moved(vget_low_s16(p), vget_low_s16(q), vget_low_s16(dx), vget_low_s16(dy), left);
                int16x4_t high = moved(vget_high_s16(p), vget_high_s16(q), vget_high_s16(dx), vget_high_s16(dy), right);
                vst1_u8(dst + y * stride + x, vqmovun_s16(vcombine_s16(low, high)));
            }
        }
    }
}

/* ---------------------------------------------------------------- residuals */

static void add(uint8_t *dst, ptrdiff_t stride, const int16_t *residual, int width, int height) {
    if (width & 7) {
        for (int y = 0; y < height; y++, dst += stride, residual += width)
            for (int x = 0; x < width; x += 4) {
                int16x4_t here = vget_low_s16(vreinterpretq_s16_u16(vmovl_u8(load4(dst + x))));
                int16x4_t sum = vqadd_s16(here, vld1_s16(residual + x));
                save4(dst + x, vqmovun_s16(vcombine_s16(sum, sum)));
            }
        return;
    }
    for (int y = 0; y < height; y++, dst += stride, residual += width)
        for (int x = 0; x < width; x += 8)
            vst1_u8(dst + x, vqmovun_s16(vqaddq_s16(widen8(dst + x), vld1q_s16(residual + x))));
}

/* The sums of four outputs of eight columns: lane i of m weighs the row for output i. */
#define MULTIPLY_ROW(i)                                                                                                \
    (sum[2 * (i)] = vmlal_laneq_s16(sum[2 * (i)], low, m, i),                                                          \
     sum[2 * (i) + 1] = vmlal_laneq_s16(sum[2 * (i) + 1], high, m, i))

/* half[y][x] = sum over k of in[k][x] * M[k][y], for rows k < count, eight columns at a time. */
static void inverse_columns(int16_t *half, const int16_t *in, int log2, DfyTransformKind kind, int columns, int count) {
    int side = 1 << log2;
    for (int x = 0; x < columns; x += 8)
        for (int y = 0; y < side; y += 8) {
            int32x4_t sum[16];
            for (int i = 0; i < 16; i++) sum[i] = vdupq_n_s32(0);
            for (int k = 0; k < count; k++) {
                int16x8_t m = vmovl_s8(vld1_s8(dfy_transform_row(log2, kind, k) + y));
                int16x4_t low = vld1_s16(in + k * side + x), high = vld1_s16(in + k * side + x + 4);
                MULTIPLY_ROW(0);
                MULTIPLY_ROW(1);
                MULTIPLY_ROW(2);
                MULTIPLY_ROW(3);
                MULTIPLY_ROW(4);
                MULTIPLY_ROW(5);
                MULTIPLY_ROW(6);
                MULTIPLY_ROW(7);
            }
            for (int i = 0; i < 8; i++)
                vst1q_s16(half + (y + i) * side + x,
                          vcombine_s16(vqrshrn_n_s32(sum[2 * i], 7), vqrshrn_n_s32(sum[2 * i + 1], 7)));
        }
}

/* out[y][x] = sum over k of half[y][k] * M[k][x], for columns k < count, four rows at a time. */
static void inverse_rows(int16_t *out, const int16_t *half, int log2, DfyTransformKind kind, int count) {
    int side = 1 << log2;
    for (int y = 0; y < side; y += 4)
        for (int x = 0; x < side; x += 8) {
            int32x4_t sum[8];
            for (int i = 0; i < 8; i++) sum[i] = vdupq_n_s32(0);
            for (int k = 0; k < count; k++) {
                int16x8_t m = vmovl_s8(vld1_s8(dfy_transform_row(log2, kind, k) + x));
                for (int i = 0; i < 4; i++) {
                    int16x4_t factor = vld1_dup_s16(half + (y + i) * side + k);
                    sum[2 * i] = vmlal_s16(sum[2 * i], vget_low_s16(m), factor);
                    sum[2 * i + 1] = vmlal_s16(sum[2 * i + 1], vget_high_s16(m), factor);
                }
            }
            for (int i = 0; i < 4; i++)
                vst1q_s16(out + (y + i) * side + x,
                          vcombine_s16(vqrshrn_n_s32(sum[2 * i], 12), vqrshrn_n_s32(sum[2 * i + 1], 12)));
        }
}

static void inverse4(int16_t *residual, const int16_t *coefficients, DfyTransformKind kind) {
    int16x4_t m[4], half[4];
    for (int k = 0; k < 4; k++) {
        int8_t row[8] = {0};
        memcpy(row, dfy_transform_row(2, kind, k), 4);
        m[k] = vget_low_s16(vmovl_s8(vld1_s8(row)));
    }
    int32x4_t sum[4];
    for (int y = 0; y < 4; y++) sum[y] = vdupq_n_s32(0);
    for (int k = 0; k < 4; k++) {
        int16x4_t in = vld1_s16(coefficients + 4 * k);
        sum[0] = vmlal_lane_s16(sum[0], in, m[k], 0);
        sum[1] = vmlal_lane_s16(sum[1], in, m[k], 1);
        sum[2] = vmlal_lane_s16(sum[2], in, m[k], 2);
        sum[3] = vmlal_lane_s16(sum[3], in, m[k], 3);
    }
    for (int y = 0; y < 4; y++) half[y] = vqrshrn_n_s32(sum[y], 7);
    for (int y = 0; y < 4; y++) {
        int32x4_t row = vmull_lane_s16(m[0], half[y], 0);
        row = vmlal_lane_s16(row, m[1], half[y], 1);
        row = vmlal_lane_s16(row, m[2], half[y], 2);
        row = vmlal_lane_s16(row, m[3], half[y], 3);
        vst1_s16(residual + 4 * y, vqrshrn_n_s32(row, 12));
    }
}

static void inverse(int16_t *residual, const int16_t *coefficients, int log2, DfyTransformKind kind, int columns,
                    int rows) {
    if (log2 == 2) {
        inverse4(residual, coefficients, kind);
        return;
    }
    int16_t half[32 * 32];
    inverse_columns(half, coefficients, log2, kind, columns, rows);
    inverse_rows(residual, half, log2, kind, columns);
}

/* ---------------------------------------------------------------- intra prediction */

static void intra_angular(uint8_t *dst, ptrdiff_t stride, const uint8_t *line, int side, int angle) {
    for (int y = 0; y < side; y++, dst += stride) {
        int position = (y + 1) * angle, fraction = position & 31;
        const uint8_t *from = line + (position >> 5);
        uint8x8_t near = vdup_n_u8((uint8_t)(32 - fraction)), far = vdup_n_u8((uint8_t)fraction);
        for (int x = 0; x < side; x += 8) {
            uint16x8_t sum = vmlal_u8(vmull_u8(vld1_u8(from + x), near), vld1_u8(from + x + 1), far);
            put(dst + x, vrshrn_n_u16(sum, 5), side - x);
        }
    }
}

/* ---------------------------------------------------------------- directional filter */

/* Sums along the lines of a direction: numbers 0..7 and 8..15. */
typedef struct Sums {
    int16x8_t low, high;
} Sums;

/* Adds a row of which the first pixel lies on line `first`, 1..7. */
#define ADD_ROW(sums, row, first)                                                                                      \
    ((sums)->low = vaddq_s16((sums)->low, vextq_s16(vdupq_n_s16(0), row, 8 - (first))),                                \
     (sums)->high = vaddq_s16((sums)->high, vextq_s16(row, vdupq_n_s16(0), 8 - (first))))

/* Squares of the sums and of the opposite ones, whose lines are as long, weighed and added up. */
static inline int32_t weigh(int16x8_t sums, int16x8_t opposite, const int32_t weights[8]) {
    int32x4_t low = vmull_s16(vget_low_s16(sums), vget_low_s16(sums));
    int32x4_t high = vmull_s16(vget_high_s16(sums), vget_high_s16(sums));
    low = vmlal_s16(low, vget_low_s16(opposite), vget_low_s16(opposite));
    high = vmlal_s16(high, vget_high_s16(opposite), vget_high_s16(opposite));
    return vaddvq_s32(vmlaq_s32(vmulq_s32(low, vld1q_s32(weights)), high, vld1q_s32(weights + 4)));
}

/* The lanes from last to first. */
static inline int16x8_t reversed(int16x8_t v) {
    int16x8_t halves = vrev64q_s16(v);
    return vextq_s16(halves, halves, 4);
}

/* The 15 lines along a diagonal: line 14 beside line 0. */
static inline int32_t diagonal_cost(const Sums *sums) {
    static const int32_t weights[8] = {840, 420, 280, 210, 168, 140, 120, 105};
    return weigh(sums->low, vextq_s16(reversed(sums->high), vdupq_n_s16(0), 1), weights);
}

/* The 11 lines half as steep: line 10 beside line 0. */
static inline int32_t angular_cost(const Sums *sums) {
    static const int32_t weights[8] = {420, 210, 140, 105, 105, 105, 105, 105};
    return weigh(sums->low, vextq_s16(reversed(sums->high), vdupq_n_s16(0), 5), weights);
}

/* Straight lines down the rows, and those that move a column to the right or left every two rows. */
static inline void steep_costs(const int16x8_t rows[8], int32_t *straight, int32_t *right, int32_t *left) {
    static const int32_t weights[8] = {105, 105, 105, 105, 105, 105, 105, 105};
    int16x8_t two[4];
    for (int i = 0; i < 4; i++) two[i] = vaddq_s16(rows[2 * i], rows[2 * i + 1]);
    Sums r = {two[0], vdupq_n_s16(0)}, l = {two[3], vdupq_n_s16(0)};
    ADD_ROW(&r, two[1], 1);
    ADD_ROW(&r, two[2], 2);
    ADD_ROW(&r, two[3], 3);
    ADD_ROW(&l, two[0], 3);
    ADD_ROW(&l, two[1], 2);
    ADD_ROW(&l, two[2], 1);
    int16x8_t all = vaddq_s16(vaddq_s16(two[0], two[1]), vaddq_s16(two[2], two[3]));
    *straight = weigh(all, vdupq_n_s16(0), weights);
    *right = angular_cost(&r);
    *left = angular_cost(&l);
}

static inline void diagonal_costs(const int16x8_t rows[8], int32_t *up, int32_t *down) {
    Sums u = {rows[0], vdupq_n_s16(0)}, d = {rows[7], vdupq_n_s16(0)};
    ADD_ROW(&u, rows[1], 1);
    ADD_ROW(&u, rows[2], 2);
    ADD_ROW(&u, rows[3], 3);
    ADD_ROW(&u, rows[4], 4);
    ADD_ROW(&u, rows[5], 5);
    ADD_ROW(&u, rows[6], 6);
    ADD_ROW(&u, rows[7], 7);
    ADD_ROW(&d, rows[0], 7);
    ADD_ROW(&d, rows[1], 6);
    ADD_ROW(&d, rows[2], 5);
    ADD_ROW(&d, rows[3], 4);
    ADD_ROW(&d, rows[4], 3);
    ADD_ROW(&d, rows[5], 2);
    ADD_ROW(&d, rows[6], 1);
    *up = diagonal_cost(&u);
    *down = diagonal_cost(&d);
}

static inline void transpose8(int16x8_t v[8]) {
    int16x8_t a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = vtrn1q_s16(v[i], v[i + 1]);
        a[i + 1] = vtrn2q_s16(v[i], v[i + 1]);
    }
    for (int i = 0; i < 8; i++) {
        int32x4_t low = vreinterpretq_s32_s16(a[i & ~2]), high = vreinterpretq_s32_s16(a[i | 2]);
        b[i] = vreinterpretq_s16_s32(i & 2 ? vtrn2q_s32(low, high) : vtrn1q_s32(low, high));
    }
    for (int i = 0; i < 4; i++) {
        v[i] = vcombine_s16(vget_low_s16(b[i]), vget_low_s16(b[i + 4]));
        v[i + 4] = vcombine_s16(vget_high_s16(b[i]), vget_high_s16(b[i + 4]));
    }
}

/* See dfy_edge_direction: sums of rows moved against each other, then the same of columns. */
static int edge_direction(const uint8_t *src, ptrdiff_t stride, uint32_t *variance) {
    int16x8_t rows[8];
    int32_t cost[8];
    for (int i = 0; i < 8; i++) rows[i] = vsubq_s16(widen8(src + i * stride), vdupq_n_s16(128));
    diagonal_costs(rows, &cost[0], &cost[4]);
    steep_costs(rows, &cost[6], &cost[7], &cost[5]);
    transpose8(rows);
    steep_costs(rows, &cost[2], &cost[1], &cost[3]);
    int best = 0;
    for (int d = 1; d < 8; d++)
        if (cost[d] > cost[best]) best = d;
    *variance = (uint32_t)(cost[best] - cost[(best + 4) & 7]) >> 10;
    return best;
}

/* One of the filter's lines: its threshold, and how fast differences beyond it lose weight. */
typedef struct Line {
    uint8x16_t threshold;
    int8x16_t shift; /* to the left, so below 0 */
    ptrdiff_t at[2]; /* the first and second pixel along it */
} Line;

static inline Line make_line(int direction, ptrdiff_t stride, int threshold, int damping) {
    Line line = {vdupq_n_u8((uint8_t)threshold), vdupq_n_s8((int8_t)-dfy_directed_shift(damping, threshold)), {0, 0}};
    for (int k = 0; k < 2; k++) line.at[k] = dfy_directed_place(direction, k, stride);
    return line;
}

typedef struct Extremes {
    uint8x16_t low, high;
} Extremes;

/* 16 pixels of a block: two rows of 8 or four of 4. */
static inline uint8x16_t load_rows(const uint8_t *p, ptrdiff_t stride, int side) {
    if (side == 8) return vcombine_u8(vld1_u8(p), vld1_u8(p + stride));
    uint32_t rows[4];
    for (int i = 0; i < 4; i++) memcpy(&rows[i], p + i * stride, 4);
    return vreinterpretq_u8_u32(vld1q_u32(rows));
}

static inline void save_rows(uint8_t *p, ptrdiff_t stride, int side, uint8x16_t v) {
    if (side == 8) {
        vst1_u8(p, vget_low_u8(v));
        vst1_u8(p + stride, vget_high_u8(v));
        return;
    }
    uint32_t rows[4];
    vst1q_u32(rows, vreinterpretq_u32_u8(v));
    for (int i = 0; i < 4; i++) memcpy(p + i * stride, &rows[i], 4);
}

/* What the two pixels at that distance on either side add, signed: at the most twice the threshold. */
static inline int8x16_t pull(const Line *line, int k, const uint8_t *src, ptrdiff_t stride, int side, uint8x16_t here,
                             Extremes *extremes) {
    int8x16_t sum = vdupq_n_s8(0);
    for (int way = 0; way < 2; way++) {
        uint8x16_t there = load_rows(way ? src - line->at[k] : src + line->at[k], stride, side);
        uint8x16_t apart = vabdq_u8(there, here), most = vqsubq_u8(line->threshold, vshlq_u8(apart, line->shift));
        int8x16_t value = vreinterpretq_s8_u8(vminq_u8(apart, most));
        int8x16_t below = vreinterpretq_s8_u8(vcltq_u8(there, here)); /* -1 where the other pixel is the smaller */
        sum = vaddq_s8(sum, vsubq_s8(veorq_s8(value, below), below));
        extremes->low = vminq_u8(extremes->low, there);
        extremes->high = vmaxq_u8(extremes->high, there);
    }
    return sum;
}

/* here + (sum * factor + more, a sixteenth of it) for eight pixels. */
static inline uint8x8_t pulled(uint8x8_t here, int8x8_t sum, int16_t factor, int8x8_t more) {
    int16x8_t all = vmlaq_n_s16(vmovl_s8(more), vmovl_s8(sum), factor);
    all = vshrq_n_s16(vaddq_s16(vaddq_s16(all, vshrq_n_s16(all, 15)), vdupq_n_s16(8)), 4);
    return vqmovun_s16(vaddq_s16(vreinterpretq_s16_u16(vmovl_u8(here)), all));
}

/* In bytes: thresholds are 15 at the most, those aside 4. The weights 4 and 2 are twice 2 and 1; 3 and 3 are thrice 1.
 */
static inline void cdef_block(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side,
                              int direction, int primary, int secondary, int damping) {
    Line along, aside[2];
    if (primary) along = make_line(direction, src_stride, primary, damping);
    for (int i = 0; secondary && i < 2; i++)
        aside[i] = make_line(direction + (i ? 6 : 2), src_stride, secondary, damping);
    int16_t factor = primary & 1 ? 3 : 2;
    int rows = 16 / side;
    for (int y = 0; y < side; y += rows, dst += rows * stride, src += rows * src_stride) {
        uint8x16_t here = load_rows(src, src_stride, side);
        int8x16_t sum = vdupq_n_s8(0), more = sum;
        Extremes extremes = {here, here};
        if (primary) {
            int8x16_t near = pull(&along, 0, src, src_stride, side, here, &extremes);
            sum = vaddq_s8(near, pull(&along, 1, src, src_stride, side, here, &extremes));
            if (!(primary & 1)) sum = vaddq_s8(sum, near);
        }
        for (int i = 0; secondary && i < 2; i++) {
            int8x16_t near = pull(&aside[i], 0, src, src_stride, side, here, &extremes);
            int8x16_t far = pull(&aside[i], 1, src, src_stride, side, here, &extremes);
            more = vaddq_s8(more, vaddq_s8(vaddq_s8(near, near), far));
        }
        uint8x16_t out = vcombine_u8(pulled(vget_low_u8(here), vget_low_s8(sum), factor, vget_low_s8(more)),
                                     pulled(vget_high_u8(here), vget_high_s8(sum), factor, vget_high_s8(more)));
        save_rows(dst, stride, side, vminq_u8(vmaxq_u8(out, extremes.low), extremes.high));
    }
}

static void cdef(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side, int direction,
                 int primary, int secondary, int damping) {
    if (side == 8)
        cdef_block(dst, stride, src, src_stride, 8, direction, primary, secondary, damping);
    else
        cdef_block(dst, stride, src, src_stride, 4, direction, primary, secondary, damping);
}

/* ---------------------------------------------------------------- adaptive loop filter */

static void alf(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride,
                const int8_t weights[DFY_ALF_TAPS]) {
    ptrdiff_t places[DFY_ALF_TAPS];
    for (int k = 0; k < DFY_ALF_TAPS; k++) places[k] = dfy_alf_places[k][1] * src_stride + dfy_alf_places[k][0];
    for (int y = 0; y < 8; y++, dst += stride, src += src_stride) {
        uint8x8_t here = vld1_u8(src);
        int16x8_t twice = vreinterpretq_s16_u16(vshll_n_u8(here, 1));
        int32x4_t low = vdupq_n_s32(64), high = low;
        for (int k = 0; k < DFY_ALF_TAPS; k++) {
            uint16x8_t both = vaddl_u8(vld1_u8(src + places[k]), vld1_u8(src - places[k]));
            int16x8_t apart = vsubq_s16(vreinterpretq_s16_u16(both), twice);
            low = vmlal_n_s16(low, vget_low_s16(apart), weights[k]);
            high = vmlal_n_s16(high, vget_high_s16(apart), weights[k]);
        }
        int16x8_t change = vcombine_s16(vshrn_n_s32(low, 7), vshrn_n_s32(high, 7));
        vst1_u8(dst, vqmovun_s16(vaddq_s16(vreinterpretq_s16_u16(vmovl_u8(here)), change)));
    }
}

/* ---------------------------------------------------------------- deblocking */

/* Every line's value replaced by the sum of those of the first and the last of its four. */
static inline int16x8_t ends_of_four(int16x8_t v) {
    int16x8_t backwards = vrev64q_s16(v), sum = vaddq_s16(v, backwards); /* in the outer two lanes of four */
    return vcombine_s16(vdup_lane_s16(vget_low_s16(sum), 0), vdup_lane_s16(vget_high_s16(sum), 0));
}
static inline uint16x8_t both_of_four(uint16x8_t v) {
    uint16x8_t both = vandq_u16(v, vrev64q_u16(v));
    return vcombine_u16(vdup_lane_u16(vget_low_u16(both), 0), vdup_lane_u16(vget_high_u16(both), 0));
}
static inline int16x8_t bend(int16x8_t a, int16x8_t b, int16x8_t c) {
    return vabsq_s16(vsubq_s16(vaddq_s16(a, c), vaddq_s16(b, b)));
}
static inline uint16x8_t below(int16x8_t v, int limit) {
    return vcltq_s16(v, vdupq_n_s16((int16_t)limit));
}
static inline int16x8_t clamp_to(int16x8_t v, int16x8_t middle, int reach) {
    const int16x8_t r = vdupq_n_s16((int16_t)reach);
    return vminq_s16(vmaxq_s16(v, vsubq_s16(middle, r)), vaddq_s16(middle, r));
}

/* v[0..3] are p3..p0, v[4..7] q0..q3, a line a lane. Which lines are filtered strongly, and which at all. */
static inline uint16x8_t deblock_lines(const int16x8_t v[8], int beta, int tc, uint16x8_t *sides, uint16x8_t *strong) {
    int16x8_t dp = bend(v[1], v[2], v[3]), dq = bend(v[6], v[5], v[4]), flat = vaddq_s16(dp, dq);
    uint16x8_t even = below(vaddq_s16(flat, flat), beta >> 2);
    even = vandq_u16(even, below(vaddq_s16(vabdq_s16(v[0], v[3]), vabdq_s16(v[4], v[7])), beta >> 3));
    even = vandq_u16(even, below(vabdq_s16(v[3], v[4]), (5 * tc + 1) >> 1));
    *strong = both_of_four(even);
    sides[0] = below(ends_of_four(dp), (beta + (beta >> 1)) >> 3);
    sides[1] = below(ends_of_four(dq), (beta + (beta >> 1)) >> 3);
    return below(ends_of_four(flat), beta);
}

/* The three pixels of one side, x0 at the edge, and y those of the other. */
static inline void deblock_strongly(int16x8_t out[3], int16x8_t x0, int16x8_t x1, int16x8_t x2, int16x8_t x3,
                                    int16x8_t y0, int16x8_t y1, int tc) {
    int16x8_t both = vaddq_s16(x0, y0), four = vaddq_s16(vaddq_s16(both, x1), x2);
    int16x8_t near = vaddq_s16(vaddq_s16(four, both), vaddq_s16(x1, y1));
    int16x8_t far = vaddq_s16(four, vshlq_n_s16(vaddq_s16(x3, x2), 1));
    out[0] = clamp_to(vrshrq_n_s16(near, 3), x0, 2 * tc);
    out[1] = clamp_to(vrshrq_n_s16(four, 2), x1, 2 * tc);
    out[2] = clamp_to(vrshrq_n_s16(far, 3), x2, 2 * tc);
}

/* The second pixel of a side whose lines bend little. */
static inline int16x8_t deblock_second(int16x8_t x0, int16x8_t x1, int16x8_t x2, int16x8_t delta, int tc) {
    int16x8_t towards = vsubq_s16(vrhaddq_s16(x2, x0), x1);
    return vaddq_s16(x1, clamp_to(vshrq_n_s16(vaddq_s16(towards, delta), 1), vdupq_n_s16(0), tc >> 1));
}

/* Filters what deblock_lines says; 0 where that is nothing. */
static inline int deblock_eight(int16x8_t v[8], int beta, int tc) {
    uint16x8_t sides[2], strong, any = deblock_lines(v, beta, tc, sides, &strong);
    if (!vmaxvq_u16(any)) return 0;
    int16x8_t delta = vsubq_s16(vmulq_n_s16(vsubq_s16(v[4], v[3]), 9), vmulq_n_s16(vsubq_s16(v[5], v[2]), 3));
    delta = vrshrq_n_s16(delta, 4);
    uint16x8_t weak = vbicq_u16(vandq_u16(any, below(vabsq_s16(delta), tc * 10)), strong);
    delta = clamp_to(delta, vdupq_n_s16(0), tc);
    strong = vandq_u16(strong, any);
    int16x8_t p[3], q[3], opposite = vnegq_s16(delta);
    deblock_strongly(p, v[3], v[2], v[1], v[0], v[4], v[5], tc);
    deblock_strongly(q, v[4], v[5], v[6], v[7], v[3], v[2], tc);
    int16x8_t p1 = deblock_second(v[3], v[2], v[1], delta, tc), q1 = deblock_second(v[4], v[5], v[6], opposite, tc);
    v[2] = vbslq_s16(strong, p[1], vbslq_s16(vandq_u16(weak, sides[0]), p1, v[2]));
    v[5] = vbslq_s16(strong, q[1], vbslq_s16(vandq_u16(weak, sides[1]), q1, v[5]));
    v[3] = vbslq_s16(strong, p[0], vbslq_s16(weak, vaddq_s16(v[3], delta), v[3]));
    v[4] = vbslq_s16(strong, q[0], vbslq_s16(weak, vaddq_s16(v[4], opposite), v[4]));
    v[1] = vbslq_s16(strong, p[2], v[1]);
    v[6] = vbslq_s16(strong, q[2], v[6]);
    return 1;
}

static void deblock(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int beta, int tc) {
    int16x8_t v[8];
    if (!tc) return; /* nothing may change */
    uint8_t *first = s - 4 * across;
    ptrdiff_t stride = across == 1 ? along : across;
    for (int i = 0; i < 8; i++) v[i] = widen8(first + i * stride);
    if (across == 1) transpose8(v);
    if (!deblock_eight(v, beta, tc)) return;
    if (across == 1) transpose8(v);
    for (int i = 0; i < 8; i++) vst1_u8(first + i * stride, vqmovun_s16(v[i]));
}

void dfy_kernels_add_neon(DfyKernels *kernels) {
    kernels->luma = luma;
    kernels->chroma = chroma;
    kernels->store = store;
    kernels->store_mean = store_mean;
    kernels->mean = mean;
    kernels->bdof = bdof;
    kernels->add = add;
    kernels->inverse = inverse;
    kernels->intra_angular = intra_angular;
    kernels->direction = edge_direction;
    kernels->cdef = cdef;
    kernels->alf = alf;
    kernels->deblock = deblock;
}
