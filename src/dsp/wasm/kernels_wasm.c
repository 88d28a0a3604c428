/*
 * Kernels for WebAssembly SIMD, where what Emscripten makes of kernels_sse41.c is slow: WebAssembly has no products of
 * byte pairs and no shifts by a count that the compiler can't see is the same for all lanes, and every turn of a loop
 * costs a check of the stack. So pixels are widened as they are loaded, counts are constants, and loops take several
 * rows. Each gives the reference's result to the bit.
 */
#include "dsp/kernels.h"

#include <wasm_simd128.h>

#include "dsp/reference.h"

#define ALWAYS static inline __attribute__((always_inline))
#define ROWS 4 /* heights are multiples of that */

ALWAYS v128_t load16(const void *p) {
    return wasm_v128_load(p);
}
ALWAYS v128_t load8(const void *p) {
    return wasm_v128_load64_zero(p);
}
ALWAYS v128_t load4(const void *p) {
    return wasm_v128_load32_zero(p);
}
/* Eight pixels as words. */
ALWAYS v128_t widened(const uint8_t *p) {
    return wasm_u16x8_load8x8(p);
}
ALWAYS v128_t widened4(const uint8_t *p) {
    return wasm_u16x8_extend_low_u8x16(load4(p));
}
ALWAYS void save16(void *p, v128_t v) {
    wasm_v128_store(p, v);
}
ALWAYS void save8(void *p, v128_t v) {
    wasm_v128_store64_lane(p, v, 0);
}
ALWAYS void save4(void *p, v128_t v) {
    wasm_v128_store32_lane(p, v, 0);
}

ALWAYS v128_t add_words(v128_t a, v128_t b) {
    return wasm_i16x8_add(a, b);
}
ALWAYS v128_t times(v128_t a, int factor) {
    return wasm_i16x8_mul(a, wasm_i16x8_splat((int16_t)factor));
}

ALWAYS uint32_t sum32(v128_t v) {
    v = wasm_i32x4_add(v, wasm_i32x4_shuffle(v, v, 2, 3, 0, 1));
    v = wasm_i32x4_add(v, wasm_i32x4_shuffle(v, v, 1, 0, 3, 2));
    return (uint32_t)wasm_i32x4_extract_lane(v, 0);
}

/* ---------------------------------------------------------------- differences */

/* Absolute differences of 16 pairs, added up in words: 128 of them fit. */
ALWAYS v128_t add_differences(v128_t parts, v128_t a, v128_t b) {
    v128_t apart = wasm_v128_or(wasm_u8x16_sub_sat(a, b), wasm_u8x16_sub_sat(b, a));
    return add_words(parts, wasm_u16x8_extadd_pairwise_u8x16(apart));
}

ALWAYS v128_t add_parts(v128_t sum, v128_t parts) {
    return wasm_i32x4_add(sum, wasm_u32x4_extadd_pairwise_u16x8(parts));
}

/* Two rows of eight in one register. */
ALWAYS v128_t two_rows(const uint8_t *p, ptrdiff_t stride) {
    return wasm_v128_load64_lane(p + stride, load8(p), 1);
}

static uint32_t sad(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height) {
    v128_t sum = wasm_i32x4_const_splat(0);
    int x = 0;
    for (; x + 16 <= width; x += 16) {
        const uint8_t *p = a + x, *q = b + x;
        v128_t parts = wasm_i32x4_const_splat(0);
        for (int y = 0; y < height; y += ROWS, p += ROWS * a_stride, q += ROWS * b_stride)
            for (int i = 0; i < ROWS; i++)
                parts = add_differences(parts, load16(p + i * a_stride), load16(q + i * b_stride));
        sum = add_parts(sum, parts);
    }
    for (; x + 8 <= width; x += 8) {
        const uint8_t *p = a + x, *q = b + x;
        v128_t parts = wasm_i32x4_const_splat(0);
        for (int y = 0; y < height; y += ROWS, p += ROWS * a_stride, q += ROWS * b_stride)
            for (int i = 0; i < ROWS; i += 2)
                parts =
                    add_differences(parts, two_rows(p + i * a_stride, a_stride), two_rows(q + i * b_stride, b_stride));
        sum = add_parts(sum, parts);
    }
    if (x < width) {
        v128_t parts = wasm_i32x4_const_splat(0);
        for (int y = 0; y < height; y++)
            parts = add_differences(parts, load4(a + y * a_stride + x), load4(b + y * b_stride + x));
        sum = add_parts(sum, parts);
    }
    return sum32(sum);
}

ALWAYS v128_t add_blocks(v128_t sum, v128_t difference) {
    return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(difference, difference));
}

static uint32_t sse(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height) {
    v128_t sum = wasm_i32x4_const_splat(0), other = sum;
    int x = 0;
    for (; x + 16 <= width; x += 16) {
        const uint8_t *p = a + x, *q = b + x;
        for (int y = 0; y < height; y += ROWS, p += ROWS * a_stride, q += ROWS * b_stride)
            for (int i = 0; i < ROWS; i++) {
                const uint8_t *r = p + i * a_stride, *s = q + i * b_stride;
                sum = add_blocks(sum, wasm_i16x8_sub(widened(r), widened(s)));
                other = add_blocks(other, wasm_i16x8_sub(widened(r + 8), widened(s + 8)));
            }
    }
    for (; x + 8 <= width; x += 8) {
        const uint8_t *p = a + x, *q = b + x;
        for (int y = 0; y < height; y += ROWS, p += ROWS * a_stride, q += ROWS * b_stride)
            for (int i = 0; i < ROWS; i += 2) {
                const uint8_t *r = p + i * a_stride, *s = q + i * b_stride;
                sum = add_blocks(sum, wasm_i16x8_sub(widened(r), widened(s)));
                other = add_blocks(other, wasm_i16x8_sub(widened(r + a_stride), widened(s + b_stride)));
            }
    }
    if (x < width)
        for (int y = 0; y < height; y++)
            sum = add_blocks(sum, wasm_i16x8_sub(widened4(a + y * a_stride + x), widened4(b + y * b_stride + x)));
    return sum32(wasm_i32x4_add(sum, other));
}

/* ---------------------------------------------------------------- interpolation */

/* HEVC's luma filters at quarters, whose taps are constants here: sums of pixels fit 16 bits. */
ALWAYS v128_t filter_luma(const v128_t p[8], int fraction) {
    if (fraction == 2) {
        v128_t inner = add_words(times(add_words(p[3], p[4]), 40), wasm_i16x8_shl(add_words(p[1], p[6]), 2));
        return wasm_i16x8_sub(inner, add_words(times(add_words(p[2], p[5]), 11), add_words(p[0], p[7])));
    }
    int far = fraction == 1 ? 0 : 7, way = fraction == 1 ? 1 : -1; /* one is the other's mirror image */
    const v128_t *q = p + far;
    v128_t sum = add_words(times(q[3 * way], 58), times(q[4 * way], 17));
    sum = add_words(sum, wasm_i16x8_sub(q[6 * way], q[0]));
    sum = add_words(sum, wasm_i16x8_shl(q[way], 2));
    return wasm_i16x8_sub(sum, times(add_words(wasm_i16x8_shl(q[2 * way], 1), q[5 * way]), 5));
}

ALWAYS void luma_row(int16_t *dst, const uint8_t *src, int width, int fraction) {
    for (int x = 0; x < width; x += 8) {
        v128_t p[8];
        for (int i = 0; i < 8; i++) p[i] = widened(src + x + i - 3);
        save16(dst + x, filter_luma(p, fraction));
    }
}

ALWAYS void luma_rows(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fraction) {
    for (int y = 0; y < height; y++, src += stride, dst += DFY_BLEND_STRIDE) luma_row(dst, src, width, fraction);
}

/* Any taps, of pixels that lie `step` apart, from three before the block on: global motion alone has such fractions. */
static void luma_pixels(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, const int8_t *taps,
                        ptrdiff_t step) {
    v128_t t[8];
    for (int i = 0; i < 8; i++) t[i] = wasm_i16x8_splat(taps[i]);
    for (int x = 0; x < width; x += 8)
        for (int y = 0; y < height; y++) {
            v128_t sum = wasm_i16x8_mul(widened(src + y * stride + x), t[0]);
            for (int i = 1; i < 8; i++)
                sum = add_words(sum, wasm_i16x8_mul(widened(src + y * stride + x + i * step), t[i]));
            save16(dst + y * DFY_BLEND_STRIDE + x, sum);
        }
}

static void luma_across(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fraction) {
    switch (fraction) {
    case 4: luma_rows(dst, src, stride, width, height, 1); break;
    case 8: luma_rows(dst, src, stride, width, height, 2); break;
    case 12: luma_rows(dst, src, stride, width, height, 3); break;
    default: luma_pixels(dst, src - 3, stride, width, height, dfy_luma_taps[fraction], 1); break;
    }
}

/* Written out: clang takes a loop for memmove, and what was to stay in registers goes through memory and a call. */
ALWAYS void next_rows(v128_t p[7 + ROWS]) {
    p[0] = p[4];
    p[1] = p[5];
    p[2] = p[6];
    p[3] = p[7];
    p[4] = p[8];
    p[5] = p[9];
    p[6] = p[10];
}

ALWAYS void luma_columns(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fraction) {
    for (int x = 0; x < width; x += 8) {
        v128_t p[7 + ROWS];
        const uint8_t *from = src - 3 * stride + x;
        for (int i = 0; i < 7; i++, from += stride) p[i] = widened(from);
        int16_t *to = dst + x;
        for (int y = 0; y < height; y += ROWS) {
            for (int i = 0; i < ROWS; i++, from += stride, to += DFY_BLEND_STRIDE) {
                p[7 + i] = widened(from);
                save16(to, filter_luma(p + i, fraction));
            }
            next_rows(p);
        }
    }
}

static void luma_down(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fraction) {
    switch (fraction) {
    case 4: luma_columns(dst, src, stride, width, height, 1); break;
    case 8: luma_columns(dst, src, stride, width, height, 2); break;
    case 12: luma_columns(dst, src, stride, width, height, 3); break;
    default: luma_pixels(dst, src - 3 * stride, stride, width, height, dfy_luma_taps[fraction], stride); break;
    }
}

/* Pairs of taps, as products of words with them are added up. */
ALWAYS v128_t tap_pair(const int8_t *taps, int i) {
    return wasm_i32x4_splat((int32_t)((uint16_t)taps[2 * i] | ((uint32_t)(uint16_t)taps[2 * i + 1] << 16)));
}

ALWAYS v128_t interleave4(v128_t a, v128_t b) {
    return wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}

ALWAYS void next_pairs(v128_t pairs[4], int count) {
    pairs[0] = pairs[1];
    if (count == 2) return;
    pairs[1] = pairs[2];
    pairs[2] = pairs[3];
}

/*
 * Vertical filter of 2 * count rows of words, four columns at a time, which leaves all that is needed in registers. Two
 * rows a turn: a pair of rows is interleaved once.
 */
ALWAYS void filter_columns(int16_t *dst, const int16_t *rows, int width, int height, const int8_t *taps, int count) {
    v128_t t[4];
    for (int i = 0; i < count; i++) t[i] = tap_pair(taps, i);
    for (int x = 0; x < width; x += 4) {
        const int16_t *from = rows + x;
        int16_t *to = dst + x;
        v128_t even[4], odd[4], before = load8(from); /* pairs that begin in an even and in an odd row */
        for (int i = 0; i < count - 1; i++, from += 128) {
            v128_t middle = load8(from + 64), after = load8(from + 128);
            even[i] = interleave4(before, middle);
            odd[i] = interleave4(middle, after);
            before = after;
        }
        for (int y = 0; y < height; y += 2, from += 128, to += 2 * DFY_BLEND_STRIDE) {
            v128_t middle = load8(from + 64), after = load8(from + 128);
            even[count - 1] = interleave4(before, middle);
            odd[count - 1] = interleave4(middle, after);
            before = after;
            v128_t upper = wasm_i32x4_dot_i16x8(even[0], t[0]), lower = wasm_i32x4_dot_i16x8(odd[0], t[0]);
            for (int i = 1; i < count; i++) {
                upper = wasm_i32x4_add(upper, wasm_i32x4_dot_i16x8(even[i], t[i]));
                lower = wasm_i32x4_add(lower, wasm_i32x4_dot_i16x8(odd[i], t[i]));
            }
            v128_t both = wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(upper, 6), wasm_i32x4_shr(lower, 6));
            wasm_v128_store64_lane(to, both, 0);
            wasm_v128_store64_lane(to + DFY_BLEND_STRIDE, both, 1);
            next_pairs(even, count);
            next_pairs(odd, count);
        }
    }
}

static void widen(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height) {
    for (int x = 0; x < width; x += 8)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++)
                save16(dst + i * DFY_BLEND_STRIDE + x, wasm_i16x8_shl(widened(src + i * stride + x), 6));
}

/* Widths of 4 are computed as 8 across: the intermediate rows have room, and sources are readable that far. */
static void luma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    int16_t rows[(64 + 7) * 64];
    if (!fy && !fx) {
        widen(dst, src, stride, width, height);
    } else if (!fy) {
        luma_across(dst, src, stride, width, height, fx);
    } else if (!fx) {
        luma_down(dst, src, stride, width, height, fy);
    } else {
        luma_across(rows, src - 3 * stride, stride, width, height + 7, fx);
        filter_columns(dst, rows, width, height, dfy_luma_taps[fy], 4);
    }
}

ALWAYS v128_t filter_chroma(const v128_t p[4], const v128_t t[4]) {
    return add_words(add_words(wasm_i16x8_mul(p[0], t[0]), wasm_i16x8_mul(p[1], t[1])),
                     add_words(wasm_i16x8_mul(p[2], t[2]), wasm_i16x8_mul(p[3], t[3])));
}

/* Filters pixels that lie `step` apart, from one before the block on. */
static void chroma_pixels(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, const int8_t *taps,
                          ptrdiff_t step) {
    v128_t t[4];
    for (int i = 0; i < 4; i++) t[i] = wasm_i16x8_splat(taps[i]);
    for (int x = 0; x < width; x += 8)
        for (int y = 0; y < height; y++) {
            v128_t p[4];
            for (int i = 0; i < 4; i++) p[i] = widened(src + y * stride + x + i * step);
            save16(dst + y * DFY_BLEND_STRIDE + x, filter_chroma(p, t));
        }
}

static void chroma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    int16_t rows[(64 + 3) * 64];
    if (!fy && !fx) {
        widen(dst, src, stride, width, height);
    } else if (!fy) {
        chroma_pixels(dst, src - 1, stride, width, height, dfy_chroma_taps[fx], 1);
    } else if (!fx) {
        chroma_pixels(dst, src - stride, stride, width, height, dfy_chroma_taps[fy], stride);
    } else {
        chroma_pixels(rows, src - 1 - stride, stride, width, height + 3, dfy_chroma_taps[fx], 1);
        filter_columns(dst, rows, width, height, dfy_chroma_taps[fy], 2);
    }
}

/* ---------------------------------------------------------------- pixels of words */

ALWAYS void put(uint8_t *dst, v128_t words, int left) {
    v128_t bytes = wasm_u8x16_narrow_i16x8(words, words);
    if (left >= 8)
        save8(dst, bytes);
    else
        save4(dst, bytes);
}

ALWAYS v128_t rounded(const int16_t *a) {
    return wasm_i16x8_shr(wasm_i16x8_add_sat(load16(a), wasm_i16x8_const_splat(32)), 6);
}

static void store(uint8_t *dst, ptrdiff_t stride, const int16_t *a, int width, int height) {
    int x = 0;
    for (; x + 16 <= width; x += 16)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++) {
                const int16_t *from = a + i * DFY_BLEND_STRIDE + x;
                save16(dst + i * stride + x, wasm_u8x16_narrow_i16x8(rounded(from), rounded(from + 8)));
            }
    for (; x < width; x += 8)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++)
                put(dst + i * stride + x, rounded(a + i * DFY_BLEND_STRIDE + x), width - x);
}

/* Saturation begins at 32767, which clamps to 255 either way. */
ALWAYS v128_t rounded_mean(const int16_t *a, const int16_t *b) {
    v128_t sum = wasm_i16x8_add_sat(load16(a), load16(b));
    return wasm_i16x8_shr(wasm_i16x8_add_sat(sum, wasm_i16x8_const_splat(64)), 7);
}

static void store_mean(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height) {
    int x = 0;
    for (; x + 16 <= width; x += 16)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++) {
                int at = i * DFY_BLEND_STRIDE + x;
                save16(dst + i * stride + x,
                       wasm_u8x16_narrow_i16x8(rounded_mean(a + at, b + at), rounded_mean(a + at + 8, b + at + 8)));
            }
    for (; x < width; x += 8)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++) {
                int at = i * DFY_BLEND_STRIDE + x;
                put(dst + i * stride + x, rounded_mean(a + at, b + at), width - x);
            }
}

static void mean(uint8_t *dst, ptrdiff_t stride, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b,
                 ptrdiff_t b_stride, int width, int height) {
    int x = 0;
    for (; x + 16 <= width; x += 16)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++)
                save16(dst + i * stride + x,
                       wasm_u8x16_avgr(load16(a + i * a_stride + x), load16(b + i * b_stride + x)));
    for (; x + 8 <= width; x += 8)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++)
                save8(dst + i * stride + x, wasm_u8x16_avgr(load8(a + i * a_stride + x), load8(b + i * b_stride + x)));
    for (int y = 0; x < width && y < height; y++)
        save4(dst + y * stride + x, wasm_u8x16_avgr(load4(a + y * a_stride + x), load4(b + y * b_stride + x)));
}

static void subtract(int16_t *residual, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride,
                     int width, int height) {
    int x = 0;
    for (; x + 8 <= width; x += 8)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++)
                save16(residual + i * width + x,
                       wasm_i16x8_sub(widened(a + i * a_stride + x), widened(b + i * b_stride + x)));
    for (int y = 0; x < width && y < height; y++)
        save8(residual + y * width + x, wasm_i16x8_sub(widened4(a + y * a_stride + x), widened4(b + y * b_stride + x)));
}

static void add(uint8_t *dst, ptrdiff_t stride, const int16_t *residual, int width, int height) {
    int x = 0;
    for (; x + 8 <= width; x += 8)
        for (int y = 0; y < height; y += ROWS)
            for (int i = y; i < y + ROWS; i++) {
                uint8_t *at = dst + i * stride + x;
                put(at, wasm_i16x8_add_sat(widened(at), load16(residual + i * width + x)), 8);
            }
    for (int y = 0; x < width && y < height; y++) {
        uint8_t *at = dst + y * stride + x;
        put(at, wasm_i16x8_add_sat(widened4(at), load8(residual + y * width + x)), 4);
    }
}

static void intra_angular(uint8_t *dst, ptrdiff_t stride, const uint8_t *line, int side, int angle) {
    for (int y = 0; y < side; y++, dst += stride) {
        int position = (y + 1) * angle;
        const uint8_t *from = line + (position >> 5);
        v128_t fraction = wasm_i16x8_splat((int16_t)(position & 31));
        for (int x = 0; x < side; x += 8) {
            v128_t here = widened(from + x),
                   change = wasm_i16x8_mul(wasm_i16x8_sub(widened(from + x + 1), here), fraction);
            v128_t sum = add_words(add_words(wasm_i16x8_shl(here, 5), change), wasm_i16x8_const_splat(16));
            put(dst + x, wasm_i16x8_shr(sum, 5), side - x);
        }
    }
}

/* ---------------------------------------------------------------- transforms */

static void (*forward4)(int16_t *coefficients, const int16_t *residual, int log2, DfyTransformKind kind);
static void (*inverse4)(int16_t *residual, const int16_t *coefficients, int log2, DfyTransformKind kind, int columns,
                        int rows);

ALWAYS void butterfly(v128_t *a, v128_t *b) {
    v128_t sum = add_words(*a, *b);
    *b = wasm_i16x8_sub(*a, *b);
    *a = sum;
}

ALWAYS void transpose8(v128_t v[8]) {
    v128_t a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = wasm_i16x8_shuffle(v[2 * i], v[2 * i + 1], 0, 8, 1, 9, 2, 10, 3, 11);
        a[2 * i + 1] = wasm_i16x8_shuffle(v[2 * i], v[2 * i + 1], 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int i = 0; i < 2; i++) {
        b[4 * i] = wasm_i32x4_shuffle(a[4 * i], a[4 * i + 2], 0, 4, 1, 5);
        b[4 * i + 1] = wasm_i32x4_shuffle(a[4 * i], a[4 * i + 2], 2, 6, 3, 7);
        b[4 * i + 2] = wasm_i32x4_shuffle(a[4 * i + 1], a[4 * i + 3], 0, 4, 1, 5);
        b[4 * i + 3] = wasm_i32x4_shuffle(a[4 * i + 1], a[4 * i + 3], 2, 6, 3, 7);
    }
    for (int i = 0; i < 4; i++) {
        v[2 * i] = wasm_i64x2_shuffle(b[i], b[i + 4], 0, 2);
        v[2 * i + 1] = wasm_i64x2_shuffle(b[i], b[i + 4], 1, 3);
    }
}

/* Frequencies first, first + step ... of eight rows: products of `count` columns, which lie `way` apart. */
ALWAYS void frequencies(int16_t *out, const v128_t *columns, int way, int count, int side, int first, int step,
                        int shift, const int32_t pairs[32][16]) {
    v128_t low[16], high[16];
    const v128_t round = wasm_i32x4_splat(1 << (shift - 1));
#pragma unroll
    for (int n = 0; n < count / 2; n++) {
        v128_t a = columns[2 * n * way], b = columns[(2 * n + 1) * way];
        low[n] = wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
        high[n] = wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    }
    for (int k = first; k < side; k += step) {
        v128_t l = round, h = round;
#pragma unroll
        for (int n = 0; n < count / 2; n++) {
            v128_t m = wasm_v128_load32_splat(&pairs[k][n]);
            l = wasm_i32x4_add(l, wasm_i32x4_dot_i16x8(low[n], m));
            h = wasm_i32x4_add(h, wasm_i32x4_dot_i16x8(high[n], m));
        }
        save16(out + k * side, wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(l, shift), wasm_i32x4_shr(h, shift)));
    }
}

/*
 * out[k][i] = sum over n of in[i][n] * M[k][n] for rows i of in: rows to frequencies, transposed. Even rows of the DCT
 * are symmetric and odd ones antisymmetric, and so are again the halves of even ones: with `fold` fewer products do, of
 * sums and differences.
 */
ALWAYS void forward_pass(int16_t *out, const int16_t *in, int log2, int shift, const int32_t pairs[32][16], int fold) {
    int side = 1 << log2, half = side / 2;
    for (int i = 0; i < side; i += 8) {
        v128_t columns[32];
#pragma unroll
        for (int n = 0; n < side; n += 8) {
            for (int r = 0; r < 8; r++) columns[n + r] = load16(in + (i + r) * side + n);
            transpose8(columns + n);
        }
        if (!fold) {
            frequencies(out + i, columns, 1, side, side, 0, 1, shift, pairs);
            continue;
        }
#pragma unroll
        for (int n = 0; n < half; n++) butterfly(&columns[n], &columns[side - 1 - n]);
#pragma unroll
        for (int n = 0; n < half / 2; n++) butterfly(&columns[n], &columns[half - 1 - n]);
        frequencies(out + i, columns, 1, half / 2, side, 0, 4, shift, pairs);
        frequencies(out + i, columns + half - 1, -1, half / 2, side, 2, 4, shift, pairs);
        frequencies(out + i, columns + side - 1, -1, half, side, 1, 2, shift, pairs);
    }
}

/* Whether sums of four values fit 16 bits. */
static int folds(const int16_t *values, int count) {
    v128_t all = wasm_i32x4_const_splat(0);
    for (int i = 0; i < count; i += 32)
        for (int j = i; j < i + 32; j += 8) all = wasm_v128_or(all, wasm_i16x8_abs(load16(values + j)));
    return !wasm_v128_any_true(wasm_v128_and(all, wasm_i16x8_const_splat((int16_t)0xE000)));
}

/* Residuals are under 256, so the first pass can fold; the second can unless they are of the largest. */
ALWAYS void forward_block(int16_t *coefficients, const int16_t *residual, int log2, DfyTransformKind kind) {
    int16_t half[32 * 32];
    const int32_t(*pairs)[16] = (const int32_t(*)[16])dfy_transform_pairs[kind][log2 - 3].forward;
    forward_pass(half, residual, log2, log2 - 1, pairs, kind == DFY_DCT);
    if (kind == DFY_DCT && folds(half, 1 << (2 * log2)))
        forward_pass(coefficients, half, log2, log2 + 6, pairs, 1);
    else
        forward_pass(coefficients, half, log2, log2 + 6, pairs, 0);
}

static void forward(int16_t *coefficients, const int16_t *residual, int log2, DfyTransformKind kind) {
    if (log2 == 2)
        forward4(coefficients, residual, log2, kind);
    else if (log2 == 5)
        forward_block(coefficients, residual, 5, DFY_DCT);
    else if (kind == DFY_DCT && log2 == 4)
        forward_block(coefficients, residual, 4, DFY_DCT);
    else if (kind == DFY_DCT)
        forward_block(coefficients, residual, 3, DFY_DCT);
    else if (log2 == 4)
        forward_block(coefficients, residual, 4, DFY_DST);
    else
        forward_block(coefficients, residual, 3, DFY_DST);
}

/*
 * out[y][x] = sum over k of in[k][x] * M[k][y], for eight columns at a time, rows k < 2 * count; transposed, so that
 * the second pass works on columns again. in has rows of side.
 */
ALWAYS void inverse_rows(int16_t *out, const int16_t *in, int log2, int columns, int count, int shift,
                         const int32_t pairs[16][32]) {
    int side = 1 << log2;
    const v128_t round = wasm_i32x4_splat(1 << (shift - 1));
    for (int x = 0; x < columns; x += 8) {
        v128_t low[16], high[16];
#pragma unroll
        for (int k = 0; k < count; k++) {
            v128_t a = load16(in + 2 * k * side + x), b = load16(in + (2 * k + 1) * side + x);
            low[k] = wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
            high[k] = wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
        }
        for (int y = 0; y < side; y += 8) {
            v128_t v[8];
#pragma unroll
            for (int i = 0; i < 8; i++) {
                v128_t l = round, h = round;
#pragma unroll
                for (int k = 0; k < count; k++) {
                    v128_t m = wasm_v128_load32_splat(&pairs[k][y + i]);
                    l = wasm_i32x4_add(l, wasm_i32x4_dot_i16x8(low[k], m));
                    h = wasm_i32x4_add(h, wasm_i32x4_dot_i16x8(high[k], m));
                }
                v[i] = wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(l, shift), wasm_i32x4_shr(h, shift));
            }
            transpose8(v);
            for (int i = 0; i < 8; i++) save16(out + (x + i) * side + y, v[i]);
        }
    }
}

/* With the count rounded up to one for which there is code of its own: rows beyond it are zero. */
ALWAYS void inverse_pass(int16_t *out, const int16_t *in, int log2, int columns, int rows, int shift,
                         const int32_t pairs[16][32]) {
    if (rows <= 2)
        inverse_rows(out, in, log2, columns, 1, shift, pairs);
    else if (rows <= 4)
        inverse_rows(out, in, log2, columns, 2, shift, pairs);
    else if (rows <= 8)
        inverse_rows(out, in, log2, columns, 4, shift, pairs);
    else if (rows <= 16)
        inverse_rows(out, in, log2, columns, 8, shift, pairs);
    else
        inverse_rows(out, in, log2, columns, 16, shift, pairs);
}

static void inverse(int16_t *residual, const int16_t *coefficients, int log2, DfyTransformKind kind, int columns,
                    int rows) {
    if (log2 == 2) {
        inverse4(residual, coefficients, log2, kind, columns, rows);
        return;
    }
    /* First pass undoes columns and transposes: half[x][y]. The second sees its rows x as frequencies and transposes
     * back. */
    int16_t half[32 * 32];
    const int32_t(*pairs)[32] = (const int32_t(*)[32])dfy_transform_pairs[kind][log2 - 3].inverse;
    int wide = (columns + 7) & ~7;
    if (columns > 8 && columns <= 16) wide = 16;
    if (columns > 16) wide = 1 << log2;
    inverse_pass(half, coefficients, log2, wide, rows, 7, pairs);
    inverse_pass(residual, half, log2, 1 << log2, columns, 12, pairs);
}

/* ---------------------------------------------------------------- directional filter */

typedef struct Line {
    v128_t threshold, mask; /* mask: bits of a byte that a shift leaves it */
    int shift;
    ptrdiff_t at[2]; /* the first and second pixel along it */
} Line;

static Line make_line(int direction, ptrdiff_t stride, int threshold, int damping) {
    Line line = {.threshold = wasm_i8x16_splat((int8_t)threshold), .shift = dfy_directed_shift(damping, threshold)};
    line.mask = wasm_i8x16_splat((int8_t)(255 >> line.shift));
    for (int k = 0; k < 2; k++) line.at[k] = dfy_directed_place(direction, k, stride);
    return line;
}

/* 16 pixels at work on: sums of what pulls them up and down, which fit bytes, and the extremes seen. */
typedef struct Pulled {
    v128_t up, down, low, high;
} Pulled;

/* Two rows of eight or four rows of four. */
ALWAYS v128_t load_block(const uint8_t *p, ptrdiff_t stride, int side) {
    if (side == 8) return two_rows(p, stride);
    v128_t v = wasm_v128_load32_lane(p + stride, load4(p), 1);
    return wasm_v128_load32_lane(p + 3 * stride, wasm_v128_load32_lane(p + 2 * stride, v, 2), 3);
}

/* The compiler must see the count where it is used: brought there from before the loop, lanes are shifted singly. */
ALWAYS v128_t shift_bytes(v128_t v, const Line *line) {
    int shift = line->shift;
    __asm__("" : "+r"(shift));
    return wasm_v128_and(wasm_u16x8_shr(v, (uint32_t)shift), line->mask);
}

/* What the two pixels at that distance on either side add, `weight` times. */
ALWAYS void pull(Pulled *p, const Line *line, int k, int weight, const uint8_t *src, ptrdiff_t stride, int side,
                 v128_t here) {
    v128_t up = wasm_i32x4_const_splat(0), down = up;
    for (int i = 0; i < 2; i++) {
        v128_t there = load_block(i ? src - line->at[k] : src + line->at[k], stride, side);
        v128_t above = wasm_u8x16_sub_sat(there, here), below = wasm_u8x16_sub_sat(here, there);
        v128_t most = wasm_u8x16_sub_sat(line->threshold, shift_bytes(wasm_v128_or(above, below), line));
        up = wasm_i8x16_add(up, wasm_u8x16_min(above, most));
        down = wasm_i8x16_add(down, wasm_u8x16_min(below, most));
        p->low = wasm_u8x16_min(p->low, there);
        p->high = wasm_u8x16_max(p->high, there);
    }
    for (int i = 0; i < weight; i++) {
        p->up = wasm_i8x16_add(p->up, up);
        p->down = wasm_i8x16_add(p->down, down);
    }
}

/* (8 + sum - (sum < 0)) >> 4 of eight sums. */
ALWAYS v128_t step_of(v128_t sum) {
    sum = add_words(sum, wasm_i16x8_shr(sum, 15));
    return wasm_i16x8_shr(add_words(sum, wasm_i16x8_const_splat(8)), 4);
}

ALWAYS v128_t moved(const Pulled *p, v128_t here) {
    v128_t low = step_of(wasm_i16x8_sub(wasm_u16x8_extend_low_u8x16(p->up), wasm_u16x8_extend_low_u8x16(p->down)));
    v128_t high = step_of(wasm_i16x8_sub(wasm_u16x8_extend_high_u8x16(p->up), wasm_u16x8_extend_high_u8x16(p->down)));
    v128_t out = wasm_u8x16_narrow_i16x8(add_words(wasm_u16x8_extend_low_u8x16(here), low),
                                         add_words(wasm_u16x8_extend_high_u8x16(here), high));
    return wasm_u8x16_min(wasm_u8x16_max(out, p->low), p->high);
}

ALWAYS void save_block(uint8_t *dst, ptrdiff_t stride, v128_t v, int side) {
    if (side == 8) {
        wasm_v128_store64_lane(dst, v, 0);
        wasm_v128_store64_lane(dst + stride, v, 1);
        return;
    }
    wasm_v128_store32_lane(dst, v, 0);
    wasm_v128_store32_lane(dst + stride, v, 1);
    wasm_v128_store32_lane(dst + 2 * stride, v, 2);
    wasm_v128_store32_lane(dst + 3 * stride, v, 3);
}

ALWAYS void filter_directed(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side,
                            int direction, int primary, int secondary, int damping) {
    Line along, aside[2];
    if (primary) along = make_line(direction, src_stride, primary, damping);
    for (int i = 0; secondary && i < 2; i++)
        aside[i] = make_line(direction + (i ? 6 : 2), src_stride, secondary, damping);
    int rows = 16 / side;
    for (int y = 0; y < side; y += rows, dst += rows * stride, src += rows * src_stride) {
        v128_t here = load_block(src, src_stride, side);
        Pulled p = {wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0), here, here};
        if (primary & 1) {
            pull(&p, &along, 0, 3, src, src_stride, side, here);
            pull(&p, &along, 1, 3, src, src_stride, side, here);
        } else if (primary) {
            pull(&p, &along, 0, 4, src, src_stride, side, here);
            pull(&p, &along, 1, 2, src, src_stride, side, here);
        }
        for (int i = 0; secondary && i < 2; i++) {
            pull(&p, &aside[i], 0, 2, src, src_stride, side, here);
            pull(&p, &aside[i], 1, 1, src, src_stride, side, here);
        }
        save_block(dst, stride, moved(&p, here), side);
    }
}

static void cdef(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side, int direction,
                 int primary, int secondary, int damping) {
    if (side == 8)
        filter_directed(dst, stride, src, src_stride, 8, direction, primary, secondary, damping);
    else
        filter_directed(dst, stride, src, src_stride, 4, direction, primary, secondary, damping);
}

void dfy_kernels_add_wasm(DfyKernels *kernels) {
    forward4 = kernels->forward;
    inverse4 = kernels->inverse;
    kernels->sad = sad;
    kernels->sse = sse;
    kernels->luma = luma;
    kernels->chroma = chroma;
    kernels->store = store;
    kernels->store_mean = store_mean;
    kernels->mean = mean;
    kernels->subtract = subtract;
    kernels->add = add;
    kernels->intra_angular = intra_angular;
    kernels->forward = forward;
    kernels->inverse = inverse;
    kernels->cdef = cdef;
}
