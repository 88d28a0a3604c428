/*
 * SSE4.1 kernels; Emscripten compiles the same source to WebAssembly SIMD, for what kernels_wasm.c leaves. Each gives
 * the reference's result to the bit. Blocks whose width is not a multiple of 8 fall back on the reference where the
 * vector code has no use for them.
 */
#include "dsp/kernels.h"

#include <smmintrin.h>
#include <string.h>

#include "dsp/reference.h"

static __m128i load8(const void *p) {
    return _mm_loadl_epi64((const __m128i *)p);
}
static __m128i load16(const void *p) {
    return _mm_loadu_si128((const __m128i *)p);
}
static __m128i load4(const uint8_t *p) {
    int v;
    memcpy(&v, p, 4);
    return _mm_cvtsi32_si128(v);
}
static void save16(void *p, __m128i v) {
    _mm_storeu_si128((__m128i *)p, v);
}
static void save8(void *p, __m128i v) {
    _mm_storel_epi64((__m128i *)p, v);
}
static void save4(uint8_t *p, __m128i v) {
    int bits = _mm_cvtsi128_si32(v);
    memcpy(p, &bits, 4);
}

static uint32_t sum32(__m128i v) {
    v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0x4E));
    v = _mm_add_epi32(v, _mm_shuffle_epi32(v, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(v);
}

/* ---------------------------------------------------------------- differences */

/* Two rows of eight in one register. */
static __m128i load8x2(const uint8_t *p, ptrdiff_t stride) {
    return _mm_unpacklo_epi64(load8(p), load8(p + stride));
}

static uint32_t sad(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height) {
    __m128i sum = _mm_setzero_si128();
    if (width == 8) {
        for (int y = 0; y < height; y += 2, a += 2 * a_stride, b += 2 * b_stride)
            sum = _mm_add_epi32(sum, _mm_sad_epu8(load8x2(a, a_stride), load8x2(b, b_stride)));
        return sum32(sum);
    }
    for (int y = 0; y < height; y++, a += a_stride, b += b_stride) {
        int x = 0;
        for (; x + 16 <= width; x += 16) sum = _mm_add_epi32(sum, _mm_sad_epu8(load16(a + x), load16(b + x)));
        for (; x + 8 <= width; x += 8) sum = _mm_add_epi32(sum, _mm_sad_epu8(load8(a + x), load8(b + x)));
        for (; x < width; x += 4) sum = _mm_add_epi32(sum, _mm_sad_epu8(load4(a + x), load4(b + x)));
    }
    return sum32(sum);
}

static __m128i square_difference(__m128i a, __m128i b) {
    __m128i d = _mm_sub_epi16(_mm_cvtepu8_epi16(a), _mm_cvtepu8_epi16(b));
    return _mm_madd_epi16(d, d);
}

static uint32_t sse(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height) {
    __m128i sum = _mm_setzero_si128();
    for (int y = 0; y < height; y++, a += a_stride, b += b_stride) {
        int x = 0;
        for (; x + 16 <= width; x += 16) {
            __m128i p = load16(a + x), q = load16(b + x);
            sum = _mm_add_epi32(sum, square_difference(p, q));
            sum = _mm_add_epi32(sum, square_difference(_mm_srli_si128(p, 8), _mm_srli_si128(q, 8)));
        }
        for (; x + 8 <= width; x += 8) sum = _mm_add_epi32(sum, square_difference(load8(a + x), load8(b + x)));
        for (; x < width; x += 4) sum = _mm_add_epi32(sum, square_difference(load4(a + x), load4(b + x)));
    }
    return sum32(sum);
}

/* ---------------------------------------------------------------- Hadamard */

static inline void transpose8(__m128i v[8]) {
    __m128i a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm_unpacklo_epi16(v[2 * i], v[2 * i + 1]);
        a[2 * i + 1] = _mm_unpackhi_epi16(v[2 * i], v[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        v[2 * i] = _mm_unpacklo_epi64(b[i], b[i + 4]);
        v[2 * i + 1] = _mm_unpackhi_epi64(b[i], b[i + 4]);
    }
}

static inline void butterfly(__m128i *a, __m128i *b) {
    __m128i sum = _mm_add_epi16(*a, *b);
    *b = _mm_sub_epi16(*a, *b);
    *a = sum;
}

/* Two of the three steps of a Hadamard transform of eight; written out, so that all stays in registers. */
static inline void hadamard8_begin(__m128i v[8]) {
    butterfly(&v[0], &v[1]);
    butterfly(&v[2], &v[3]);
    butterfly(&v[4], &v[5]);
    butterfly(&v[6], &v[7]);
    butterfly(&v[0], &v[2]);
    butterfly(&v[1], &v[3]);
    butterfly(&v[4], &v[6]);
    butterfly(&v[5], &v[7]);
}

static inline __m128i larger(__m128i a, __m128i b) {
    return _mm_max_epi16(_mm_abs_epi16(a), _mm_abs_epi16(b));
}

/* The last step needs only the sum of its magnitudes: |a + b| + |a - b| = 2 max(|a|, |b|), four of which fit 16 bits.
 */
static uint32_t satd8(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride) {
    __m128i v[8];
    for (int i = 0; i < 8; i++)
        v[i] = _mm_sub_epi16(_mm_cvtepu8_epi16(load8(a + i * a_stride)), _mm_cvtepu8_epi16(load8(b + i * b_stride)));
    hadamard8_begin(v);
    for (int i = 0; i < 4; i++) butterfly(&v[i], &v[i + 4]);
    transpose8(v);
    hadamard8_begin(v);
    __m128i sum = _mm_add_epi16(_mm_add_epi16(larger(v[0], v[4]), larger(v[1], v[5])),
                                _mm_add_epi16(larger(v[2], v[6]), larger(v[3], v[7])));
    return (sum32(_mm_madd_epi16(sum, _mm_set1_epi16(2))) + 2) >> 2;
}

static uint32_t satd4(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride) {
    __m128i r[4], one = _mm_set1_epi16(1);
    for (int i = 0; i < 4; i++)
        r[i] = _mm_sub_epi16(_mm_cvtepu8_epi16(load4(a + i * a_stride)), _mm_cvtepu8_epi16(load4(b + i * b_stride)));
    for (int pass = 0; pass < 2; pass++) {
        __m128i s0 = _mm_add_epi16(r[0], r[1]), d0 = _mm_sub_epi16(r[0], r[1]);
        __m128i s1 = _mm_add_epi16(r[2], r[3]), d1 = _mm_sub_epi16(r[2], r[3]);
        r[0] = _mm_add_epi16(s0, s1);
        r[1] = _mm_add_epi16(d0, d1);
        r[2] = _mm_sub_epi16(s0, s1);
        r[3] = _mm_sub_epi16(d0, d1);
        if (pass) break;
        __m128i x = _mm_unpacklo_epi16(r[0], r[1]), y = _mm_unpacklo_epi16(r[2], r[3]);
        __m128i low = _mm_unpacklo_epi32(x, y), high = _mm_unpackhi_epi32(x, y);
        r[0] = low;
        r[1] = _mm_srli_si128(low, 8);
        r[2] = high;
        r[3] = _mm_srli_si128(high, 8);
    }
    __m128i sum = _mm_add_epi16(_mm_add_epi16(_mm_abs_epi16(r[0]), _mm_abs_epi16(r[1])),
                                _mm_add_epi16(_mm_abs_epi16(r[2]), _mm_abs_epi16(r[3])));
    sum = _mm_madd_epi16(_mm_unpacklo_epi64(sum, _mm_setzero_si128()), one);
    return (sum32(sum) + 1) >> 1;
}

static uint32_t satd(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width,
                     int height) {
    uint32_t sum = 0;
    if ((width | height) & 7) {
        for (int y = 0; y < height; y += 4)
            for (int x = 0; x < width; x += 4)
                sum += satd4(a + y * a_stride + x, a_stride, b + y * b_stride + x, b_stride);
        return sum;
    }
    for (int y = 0; y < height; y += 8)
        for (int x = 0; x < width; x += 8) sum += satd8(a + y * a_stride + x, a_stride, b + y * b_stride + x, b_stride);
    return sum;
}

/* ---------------------------------------------------------------- interpolation */

/* Eight outputs of an 8-tap filter along a row: products of byte pairs, three pairwise sums. */
static __m128i row8(const uint8_t *src, __m128i taps01, __m128i taps23, __m128i taps45, __m128i taps67) {
    __m128i p = load16(src - 3);
    const __m128i m0 = _mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8);
    __m128i two = _mm_set1_epi8(2), m1 = _mm_add_epi8(m0, two), m2 = _mm_add_epi8(m1, two), m3 = _mm_add_epi8(m2, two);
    __m128i a = _mm_maddubs_epi16(_mm_shuffle_epi8(p, m0), taps01);
    __m128i b = _mm_maddubs_epi16(_mm_shuffle_epi8(p, m1), taps23);
    __m128i c = _mm_maddubs_epi16(_mm_shuffle_epi8(p, m2), taps45);
    __m128i d = _mm_maddubs_epi16(_mm_shuffle_epi8(p, m3), taps67);
    return _mm_add_epi16(_mm_add_epi16(a, b), _mm_add_epi16(c, d));
}

static __m128i byte_pair(const int8_t *taps, int i) {
    return _mm_set1_epi16((int16_t)((uint8_t)taps[2 * i] | (uint16_t)((uint8_t)taps[2 * i + 1] << 8)));
}

static __m128i word_pair(const int8_t *taps, int i) {
    return _mm_set1_epi32((int32_t)((uint16_t)taps[2 * i] | ((uint32_t)(uint16_t)taps[2 * i + 1] << 16)));
}

/* Two rows of eight words interleaved: what a madd with a pair of taps wants. */
typedef struct Rows {
    __m128i low, high;
} Rows;

static inline Rows interleave(__m128i a, __m128i b) {
    return (Rows){_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)};
}

/* Written out: clang takes a loop for memmove, and what was to stay in registers goes through memory and a call. */
static inline void next_rows(Rows *rows, int count) {
    rows[0] = rows[1];
    if (count == 2) return;
    rows[1] = rows[2];
    rows[2] = rows[3];
}

static inline void next_pixel_rows(__m128i *rows, int count) {
    rows[0] = rows[1];
    rows[1] = rows[2];
    if (count == 2) return;
    rows[2] = rows[3];
    rows[3] = rows[4];
    rows[4] = rows[5];
    rows[5] = rows[6];
}

/*
 * Vertical filter of 2 * count rows of 16-bit values, eight columns at a time, to two rows of results a turn: each pair
 * of rows is interleaved once and serves `count` results.
 */
static inline void filter_columns(int16_t *dst, const int16_t *rows, int width, int height, const __m128i *pairs,
                                  int count) {
    for (int x = 0; x < width; x += 8) {
        Rows even[5], odd[5]; /* pairs that begin in an even and in an odd row */
        const int16_t *from = rows + x;
        __m128i before = load16(from);
        for (int i = 0; i < count - 1; i++, from += 128) {
            __m128i middle = load16(from + 64), after = load16(from + 128);
            even[i] = interleave(before, middle);
            odd[i] = interleave(middle, after);
            before = after;
        }
        for (int y = 0; y < height; y += 2, from += 128) {
            __m128i middle = load16(from + 64), after = load16(from + 128);
            even[count - 1] = interleave(before, middle);
            odd[count - 1] = interleave(middle, after);
            before = after;
            __m128i sum[4] = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
            for (int i = 0; i < count; i++) {
                sum[0] = _mm_add_epi32(sum[0], _mm_madd_epi16(even[i].low, pairs[i]));
                sum[1] = _mm_add_epi32(sum[1], _mm_madd_epi16(even[i].high, pairs[i]));
                sum[2] = _mm_add_epi32(sum[2], _mm_madd_epi16(odd[i].low, pairs[i]));
                sum[3] = _mm_add_epi32(sum[3], _mm_madd_epi16(odd[i].high, pairs[i]));
            }
            for (int i = 0; i < 4; i++) sum[i] = _mm_srai_epi32(sum[i], 6);
            save16(dst + y * DFY_BLEND_STRIDE + x, _mm_packs_epi32(sum[0], sum[1]));
            save16(dst + (y + 1) * DFY_BLEND_STRIDE + x, _mm_packs_epi32(sum[2], sum[3]));
            next_rows(even, count);
            next_rows(odd, count);
        }
    }
}

/* The same straight from pixels, whose products with two taps add up within 16 bits. */
static inline void filter_pixel_columns(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height,
                                        const __m128i *pairs, int count) {
    for (int x = 0; x < width; x += 8) {
        __m128i rows[9];
        const uint8_t *from = src + x;
        __m128i before = load8(from);
        for (int i = 0; i < 2 * count - 2; i++) {
            from += stride;
            __m128i here = load8(from);
            rows[i] = _mm_unpacklo_epi8(before, here);
            before = here;
        }
        for (int y = 0; y < height; y++) {
            from += stride;
            __m128i here = load8(from), sum = _mm_setzero_si128();
            rows[2 * count - 2] = _mm_unpacklo_epi8(before, here);
            before = here;
            for (int i = 0; i < count; i++) sum = _mm_add_epi16(sum, _mm_maddubs_epi16(rows[2 * i], pairs[i]));
            save16(dst + y * DFY_BLEND_STRIDE + x, sum);
            next_pixel_rows(rows, count);
        }
    }
}

static void horizontal(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, const int8_t *taps,
                       int count) {
    if (count == 8) {
        __m128i t0 = byte_pair(taps, 0), t1 = byte_pair(taps, 1), t2 = byte_pair(taps, 2), t3 = byte_pair(taps, 3);
        for (int y = 0; y < height; y++, src += stride, dst += 64)
            for (int x = 0; x < width; x += 8) save16(dst + x, row8(src + x, t0, t1, t2, t3));
        return;
    }
    __m128i t0 = byte_pair(taps, 0), t1 = byte_pair(taps, 1);
    const __m128i m0 = _mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8),
                  m1 = _mm_add_epi8(m0, _mm_set1_epi8(2));
    for (int y = 0; y < height; y++, src += stride, dst += 64)
        for (int x = 0; x < width; x += 8) {
            __m128i p = load16(src + x - 1);
            save16(dst + x, _mm_add_epi16(_mm_maddubs_epi16(_mm_shuffle_epi8(p, m0), t0),
                                          _mm_maddubs_epi16(_mm_shuffle_epi8(p, m1), t1)));
        }
}

static void widen(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height) {
    for (int y = 0; y < height; y++, src += stride, dst += 64)
        for (int x = 0; x < width; x += 8) save16(dst + x, _mm_slli_epi16(_mm_cvtepu8_epi16(load8(src + x)), 6));
}

/* Widths of 4 are computed as 8: the intermediate rows have room, and sources are readable that far. */
static void interpolate(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, const int8_t *across,
                        const int8_t *down, int taps) {
    int before = taps / 2 - 1;
    __m128i pairs[4];
    if (!down) {
        if (across)
            horizontal(dst, src, stride, width, height, across, taps);
        else
            widen(dst, src, stride, width, height);
        return;
    }
    src -= before * stride;
    if (!across) {
        for (int i = 0; i < taps / 2; i++) pairs[i] = byte_pair(down, i);
        if (taps == 8)
            filter_pixel_columns(dst, src, stride, width, height, pairs, 4);
        else
            filter_pixel_columns(dst, src, stride, width, height, pairs, 2);
        return;
    }
    int16_t rows[(64 + 7) * 64];
    horizontal(rows, src, stride, width, height + taps - 1, across, taps);
    for (int i = 0; i < taps / 2; i++) pairs[i] = word_pair(down, i);
    if (taps == 8)
        filter_columns(dst, rows, width, height, pairs, 4);
    else
        filter_columns(dst, rows, width, height, pairs, 2);
}

static void luma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    interpolate(dst, src, stride, width, height, fx ? dfy_luma_taps[fx] : NULL, fy ? dfy_luma_taps[fy] : NULL, 8);
}

static void chroma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    interpolate(dst, src, stride, width, height, fx ? dfy_chroma_taps[fx] : NULL, fy ? dfy_chroma_taps[fy] : NULL, 4);
}

static void put(uint8_t *dst, __m128i words, int left) {
    __m128i bytes = _mm_packus_epi16(words, words);
    if (left >= 8)
        save8(dst, bytes);
    else
        save4(dst, bytes);
}

static void store(uint8_t *dst, ptrdiff_t stride, const int16_t *a, int width, int height) {
    const __m128i round = _mm_set1_epi16(32);
    for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x += 8)
            put(dst + x, _mm_srai_epi16(_mm_adds_epi16(load16(a + x), round), 6), width - x);
}

static void store_mean(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height) {
    const __m128i round = _mm_set1_epi16(64);
    for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE, b += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x += 8) {
            /* Saturation begins at 32767, which clamps to 255 either way. */
            __m128i sum = _mm_adds_epi16(_mm_adds_epi16(load16(a + x), load16(b + x)), round);
            put(dst + x, _mm_srai_epi16(sum, 7), width - x);
        }
}

static void mean(uint8_t *dst, ptrdiff_t stride, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b,
                 ptrdiff_t b_stride, int width, int height) {
    for (int y = 0; y < height; y++, dst += stride, a += a_stride, b += b_stride) {
        int x = 0;
        for (; x + 16 <= width; x += 16) save16(dst + x, _mm_avg_epu8(load16(a + x), load16(b + x)));
        for (; x + 8 <= width; x += 8) save8(dst + x, _mm_avg_epu8(load8(a + x), load8(b + x)));
        for (; x < width; x += 4) save4(dst + x, _mm_avg_epu8(load4(a + x), load4(b + x)));
    }
}

/* What the reference's bdof adds up, for every pixel of a block; and how the two slopes differ, across and down. */
typedef struct BdofMaps {
    int16_t summed[5][DFY_BDOF_SIDE * DFY_BDOF_SIDE];
    int16_t differ[DFY_BDOF_SIDE * DFY_BDOF_SIDE * 2];
} BdofMaps;

static __m128i slope(const int16_t *before, const int16_t *behind) {
    return _mm_sub_epi16(_mm_srai_epi16(load16(behind), 6), _mm_srai_epi16(load16(before), 6));
}

static void map_bdof(BdofMaps *m, const int16_t *a, const int16_t *b, int width, int height) {
    const int stride = DFY_BLEND_STRIDE;
    for (int y = 0; y < height; y++, a += stride, b += stride)
        for (int x = 0; x < width; x += 8) {
            int at = y * DFY_BDOF_SIDE + x;
            const int16_t *p = a + x, *q = b + x;
            __m128i ax = slope(p - 1, p + 1), bx = slope(q - 1, q + 1);
            __m128i ay = slope(p - stride, p + stride), by = slope(q - stride, q + stride);
            __m128i slope_x = _mm_srai_epi16(_mm_add_epi16(ax, bx), 1);
            __m128i slope_y = _mm_srai_epi16(_mm_add_epi16(ay, by), 1);
            __m128i misses = _mm_sub_epi16(_mm_srai_epi16(load16(p), 4), _mm_srai_epi16(load16(q), 4));
            save16(m->summed[0] + at, _mm_abs_epi16(slope_x));
            save16(m->summed[1] + at, _mm_abs_epi16(slope_y));
            save16(m->summed[2] + at, _mm_sign_epi16(slope_x, slope_y));
            save16(m->summed[3] + at, _mm_sign_epi16(misses, slope_x));
            save16(m->summed[4] + at, _mm_sign_epi16(misses, slope_y));
            __m128i differ_x = _mm_sub_epi16(ax, bx), differ_y = _mm_sub_epi16(ay, by);
            save16(m->differ + 2 * at, _mm_unpacklo_epi16(differ_x, differ_y));
            save16(m->differ + 2 * at + 8, _mm_unpackhi_epi16(differ_x, differ_y));
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
            __m128i sum = _mm_add_epi16(load16(above + x), load16(below + x));
            for (int row = 0; row < 4; row++) sum = _mm_add_epi16(sum, load16(from + row * DFY_BDOF_SIDE + x));
            save16(to + x, sum);
        }
        to[-1] = to[0];
        to[width] = to[width - 1];
    }
}

/* The optical flow of the block at column x, as two 16-bit words. */
static __m128i motion_at(int16_t sums[5][DFY_BDOF_SIDE + 16], int x) {
    const __m128i six = _mm_setr_epi16(1, 1, 1, 1, 1, 1, 0, 0);
    __m128i part[5];
    for (int i = 0; i < 5; i++) part[i] = _mm_madd_epi16(load16(sums[i] + 7 + x), six);
    __m128i four = _mm_hadd_epi32(_mm_hadd_epi32(part[0], part[1]), _mm_hadd_epi32(part[2], part[3]));
    __m128i last = _mm_hadd_epi32(part[4], part[4]);
    DfyBdof f = {.steep_x = _mm_cvtsi128_si32(four),
                 .steep_y = _mm_extract_epi32(four, 1),
                 .shared = _mm_extract_epi32(four, 2),
                 .misses_x = _mm_extract_epi32(four, 3),
                 .misses_y = _mm_cvtsi128_si32(last) + _mm_extract_epi32(last, 1)};
    int v[2];
    dfy_bdof_motion(&f, v);
    return _mm_set1_epi32((int)((uint32_t)v[1] << 16 | (uint16_t)v[0]));
}

static void bdof(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height) {
    const __m128i ones = _mm_set1_epi16(1), round = _mm_set1_epi32(64);
    BdofMaps maps;
    int16_t sums[5][DFY_BDOF_SIDE + 16] = {{0}};
    map_bdof(&maps, a, b, width, height);
    for (int y0 = 0; y0 < height; y0 += 4) {
        sum_columns(sums, &maps, width, height, y0);
        for (int x = 0; x < width; x += 8) {
            __m128i left = motion_at(sums, x), right = motion_at(sums, x + 4);
            for (int y = y0; y < y0 + 4; y++) {
                const int16_t *differ = maps.differ + 2 * (y * DFY_BDOF_SIDE + x);
                __m128i p = load16(a + y * DFY_BLEND_STRIDE + x), q = load16(b + y * DFY_BLEND_STRIDE + x);
                __m128i low =
                    _mm_add_epi32(_mm_madd_epi16(_mm_unpacklo_epi16(p, q), ones), _mm_madd_epi16(load16(differ), left));
                __m128i high = _mm_add_epi32(_mm_madd_epi16(_mm_unpackhi_epi16(p, q), ones),
                                             _mm_madd_epi16(load16(differ + 8), right));
                low = _mm_srai_epi32(_mm_add_epi32(low, round), 7);
                high = _mm_srai_epi32(_mm_add_epi32(high, round), 7);
                __m128i pixels = _mm_packs_epi32(low, high);
                save8(dst + y * stride + x, _mm_packus_epi16(pixels, pixels));
            }
        }
    }
}

static void subtract(int16_t *residual, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride,
                     int width, int height) {
    if (width & 7) {
        for (int y = 0; y < height; y++, a += a_stride, b += b_stride, residual += width)
            for (int x = 0; x < width; x += 4)
                save8(residual + x, _mm_sub_epi16(_mm_cvtepu8_epi16(load4(a + x)), _mm_cvtepu8_epi16(load4(b + x))));
        return;
    }
    for (int y = 0; y < height; y++, a += a_stride, b += b_stride, residual += width)
        for (int x = 0; x < width; x += 8)
            save16(residual + x, _mm_sub_epi16(_mm_cvtepu8_epi16(load8(a + x)), _mm_cvtepu8_epi16(load8(b + x))));
}

static void add(uint8_t *dst, ptrdiff_t stride, const int16_t *residual, int width, int height) {
    if (width & 7) {
        for (int y = 0; y < height; y++, dst += stride, residual += width)
            for (int x = 0; x < width; x += 4) {
                __m128i sum = _mm_adds_epi16(_mm_cvtepu8_epi16(load4(dst + x)), load8(residual + x));
                save4(dst + x, _mm_packus_epi16(sum, sum));
            }
        return;
    }
    for (int y = 0; y < height; y++, dst += stride, residual += width)
        for (int x = 0; x < width; x += 8) {
            __m128i sum = _mm_adds_epi16(_mm_cvtepu8_epi16(load8(dst + x)), load16(residual + x));
            save8(dst + x, _mm_packus_epi16(sum, sum));
        }
}

/* ---------------------------------------------------------------- transforms */

/*
 * out[y][x] = sum over k of in[k][x] * M[k][y], for eight columns at a time, rows k < count; transposed, so that the
 * second pass works on columns again. in has rows of side.
 */
static void inverse_pass(int16_t *out, const int16_t *in, int log2, int columns, int count, int shift,
                         int32_t pairs[16][32]) {
    int side = 1 << log2;
    const __m128i round = _mm_set1_epi32(1 << (shift - 1));
    for (int x = 0; x < columns; x += 8) {
        __m128i low[16], high[16];
        int pairs_used = (count + 1) / 2;
        for (int k = 0; k < pairs_used; k++) {
            __m128i a = load16(in + 2 * k * side + x), b = load16(in + (2 * k + 1) * side + x);
            low[k] = _mm_unpacklo_epi16(a, b);
            high[k] = _mm_unpackhi_epi16(a, b);
        }
        for (int y = 0; y < side; y += 8) {
            __m128i v[8];
            for (int i = 0; i < 8; i++) {
                __m128i l = round, h = round;
                for (int k = 0; k < pairs_used; k++) {
                    __m128i m = _mm_set1_epi32(pairs[k][y + i]);
                    l = _mm_add_epi32(l, _mm_madd_epi16(low[k], m));
                    h = _mm_add_epi32(h, _mm_madd_epi16(high[k], m));
                }
                v[i] = _mm_packs_epi32(_mm_srai_epi32(l, shift), _mm_srai_epi32(h, shift));
            }
            transpose8(v);
            for (int i = 0; i < 8; i++) save16(out + (x + i) * side + y, v[i]);
        }
    }
}

static int16_t rows4[2][2][4][8]; /* kind; the matrix and its transpose; a row, twice side by side */

/* out[k][i] = sum over n of in[i][n] * M[k][n] for 4x4, rows in halves of v. */
static void pass4(__m128i v[2], const int16_t m[4][8], int shift) {
    const __m128i round = _mm_set1_epi32(1 << (shift - 1));
    __m128i sum[4];
    for (int k = 0; k < 4; k++) {
        __m128i row = load16(m[k]), a = _mm_madd_epi16(v[0], row), b = _mm_madd_epi16(v[1], row);
        __m128i even = _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), 0x88));
        __m128i odd = _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(a), _mm_castsi128_ps(b), 0xDD));
        sum[k] = _mm_srai_epi32(_mm_add_epi32(_mm_add_epi32(even, odd), round), shift);
    }
    v[0] = _mm_packs_epi32(sum[0], sum[1]);
    v[1] = _mm_packs_epi32(sum[2], sum[3]);
}

static void transpose4(__m128i v[2]) {
    __m128i a = _mm_unpacklo_epi16(v[0], v[1]), b = _mm_unpackhi_epi16(v[0], v[1]);
    v[0] = _mm_unpacklo_epi16(a, b);
    v[1] = _mm_unpackhi_epi16(a, b);
}

static void forward4(int16_t *coefficients, const int16_t *residual, DfyTransformKind kind) {
    __m128i v[2] = {load16(residual), load16(residual + 8)};
    pass4(v, rows4[kind][0], 1);
    pass4(v, rows4[kind][0], 8);
    save16(coefficients, v[0]);
    save16(coefficients + 8, v[1]);
}

static void inverse4(int16_t *residual, const int16_t *coefficients, DfyTransformKind kind) {
    __m128i v[2] = {load16(coefficients), load16(coefficients + 8)};
    transpose4(v);
    pass4(v, rows4[kind][1], 7);
    pass4(v, rows4[kind][1], 12);
    transpose4(v);
    save16(residual, v[0]);
    save16(residual + 8, v[1]);
}

static void inverse(int16_t *residual, const int16_t *coefficients, int log2, DfyTransformKind kind, int columns,
                    int rows) {
    if (log2 == 2) {
        inverse4(residual, coefficients, kind);
        return;
    }
    /* First pass undoes columns and transposes: half[x][y]. The second sees its rows x as frequencies and transposes
     * back. */
    int16_t half[32 * 32];
    int wide = (columns + 7) & ~7;
    inverse_pass(half, coefficients, log2, wide, rows, 7, dfy_transform_pairs[kind][log2 - 3].inverse);
    inverse_pass(residual, half, log2, 1 << log2, columns, 12, dfy_transform_pairs[kind][log2 - 3].inverse);
}

/* Whether sums and differences of two values fit 16 bits. */
static int folds(const int16_t *values, int count) {
    __m128i all = _mm_setzero_si128();
    for (int i = 0; i < count; i += 8) all = _mm_or_si128(all, _mm_abs_epi16(load16(values + i)));
    all = _mm_or_si128(all, _mm_slli_epi16(all, 1));
    return !((unsigned)_mm_movemask_epi8(all) & 0xAAAAAAAA);
}

/*
 * out[k][i] = sum over n of in[i][n] * M[k][n] for rows i of in: rows to frequencies, transposed.
 * Even rows of the DCT are symmetric and odd ones antisymmetric: with `fold` half the products do, of the sums and
 * the differences of opposite columns.
 */
static void forward_pass(int16_t *out, const int16_t *in, int log2, int shift, int32_t pairs[32][16], int fold) {
    int side = 1 << log2, terms = fold ? side / 4 : side / 2;
    const __m128i round = _mm_set1_epi32(1 << (shift - 1));
    for (int i = 0; i < side; i += 8) {
        __m128i columns[32], low[2][16], high[2][16];
        for (int n = 0; n < side; n += 8) {
            for (int r = 0; r < 8; r++) columns[n + r] = load16(in + (i + r) * side + n);
            transpose8(columns + n);
        }
        for (int n = 0; fold && n < side / 2; n++) butterfly(&columns[n], &columns[side - 1 - n]);
        for (int n = 0; n < terms; n++) { /* words of columns 2n and 2n + 1 side by side */
            low[0][n] = _mm_unpacklo_epi16(columns[2 * n], columns[2 * n + 1]);
            high[0][n] = _mm_unpackhi_epi16(columns[2 * n], columns[2 * n + 1]);
            low[1][n] = _mm_unpacklo_epi16(columns[side - 1 - 2 * n], columns[side - 2 - 2 * n]);
            high[1][n] = _mm_unpackhi_epi16(columns[side - 1 - 2 * n], columns[side - 2 - 2 * n]);
        }
        for (int k = 0; k < side; k++) {
            const __m128i *a = low[fold & k], *b = high[fold & k];
            __m128i l = round, h = round;
            for (int n = 0; n < terms; n++) {
                __m128i m = _mm_set1_epi32(pairs[k][n]);
                l = _mm_add_epi32(l, _mm_madd_epi16(a[n], m));
                h = _mm_add_epi32(h, _mm_madd_epi16(b[n], m));
            }
            save16(out + k * side + i, _mm_packs_epi32(_mm_srai_epi32(l, shift), _mm_srai_epi32(h, shift)));
        }
    }
}

/* Residuals are under 256, so the first pass can fold; the second can unless they are of the largest. */
static void forward(int16_t *coefficients, const int16_t *residual, int log2, DfyTransformKind kind) {
    if (log2 == 2) {
        forward4(coefficients, residual, kind);
        return;
    }
    int16_t half[32 * 32];
    int32_t(*pairs)[16] = dfy_transform_pairs[kind][log2 - 3].forward;
    forward_pass(half, residual, log2, log2 - 1, pairs, kind == DFY_DCT);
    /* half[k][y]: frequencies k of row y; the second pass makes rows k the frequencies of y: out[j][k]. */
    forward_pass(coefficients, half, log2, log2 + 6, pairs, kind == DFY_DCT && folds(half, 1 << (2 * log2)));
}

/* A group's 16 flags along the diagonals. */
static uint16_t group_mask(__m128i flags) {
    const __m128i order = _mm_setr_epi8(0, 4, 1, 8, 5, 2, 12, 9, 6, 3, 13, 10, 7, 14, 11, 15);
    return (uint16_t)_mm_movemask_epi8(_mm_shuffle_epi8(flags, order));
}

static __m128i reaches(const int16_t *coefficients, __m128i least) {
    __m128i magnitude = _mm_abs_epi16(load16(coefficients));
    return _mm_cmpeq_epi16(_mm_max_epu16(magnitude, least), magnitude);
}

static int nonzero_mask(uint16_t *masks, const int16_t *coefficients, int side, int least) {
    const __m128i limit = _mm_set1_epi16((int16_t)least);
    int any = 0;
    if (side == 4) {
        masks[0] = group_mask(_mm_packs_epi16(reaches(coefficients, limit), reaches(coefficients + 8, limit)));
        return masks[0] != 0;
    }
    for (int y = 0; y < side; y += 4)
        for (int x = 0; x < side; x += 8, masks += 2) {
            const int16_t *from = coefficients + y * side + x;
            __m128i upper = _mm_packs_epi16(reaches(from, limit), reaches(from + side, limit));
            __m128i lower = _mm_packs_epi16(reaches(from + 2 * side, limit), reaches(from + 3 * side, limit));
            /* Rows of both groups, four flags each in turn: bring a group's together. */
            __m128i left = _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(upper), _mm_castsi128_ps(lower), 0x88));
            __m128i right = _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(upper), _mm_castsi128_ps(lower), 0xDD));
            masks[0] = group_mask(left);
            masks[1] = group_mask(right);
            any |= masks[0] | masks[1];
        }
    return any != 0;
}

/* ---------------------------------------------------------------- intra prediction */

static void intra_angular(uint8_t *dst, ptrdiff_t stride, const uint8_t *line, int side, int angle) {
    const __m128i round = _mm_set1_epi16(16);
    for (int y = 0; y < side; y++, dst += stride) {
        int position = (y + 1) * angle, fraction = position & 31;
        const uint8_t *from = line + (position >> 5);
        __m128i weights = _mm_set1_epi16((int16_t)((32 - fraction) | fraction << 8));
        for (int x = 0; x < side; x += 8) {
            __m128i pairs = _mm_unpacklo_epi8(load8(from + x), load8(from + x + 1));
            __m128i words = _mm_srli_epi16(_mm_add_epi16(_mm_maddubs_epi16(pairs, weights), round), 5);
            put(dst + x, words, side - x);
        }
    }
}

static void transpose(uint8_t *dst, ptrdiff_t stride, const uint8_t *block, int side) {
    if (side == 4) {
        const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
        __m128i v = _mm_shuffle_epi8(load16(block), order);
        for (int y = 0; y < 4; y++, dst += stride, v = _mm_srli_si128(v, 4)) save4(dst, v);
        return;
    }
    for (int y = 0; y < side; y += 8)
        for (int x = 0; x < side; x += 8) {
            const uint8_t *from = block + x * side + y;
            __m128i a[4], b[4];
            for (int i = 0; i < 4; i++) a[i] = _mm_unpacklo_epi8(load8(from + i * side), load8(from + (i + 4) * side));
            for (int i = 0; i < 2; i++) {
                b[2 * i] = _mm_unpacklo_epi8(a[i], a[i + 2]);
                b[2 * i + 1] = _mm_unpackhi_epi8(a[i], a[i + 2]);
            }
            for (int i = 0; i < 2; i++) { /* even and odd rows woven together: two columns a half */
                __m128i low = _mm_unpacklo_epi8(b[i], b[i + 2]), high = _mm_unpackhi_epi8(b[i], b[i + 2]);
                uint8_t *to = dst + (y + 4 * i) * stride + x;
                save8(to, low);
                save8(to + stride, _mm_srli_si128(low, 8));
                save8(to + 2 * stride, high);
                save8(to + 3 * stride, _mm_srli_si128(high, 8));
            }
        }
}

/* ---------------------------------------------------------------- directional filter */

/* Sums along the lines of a direction: numbers 0..7 and 8..15. */
typedef struct Sums {
    __m128i low, high;
} Sums;

/* Adds a row of which the first pixel lies on line `first`. */
#define ADD_ROW(sums, row, first)                                                                                      \
    ((sums)->low = _mm_add_epi16((sums)->low, _mm_slli_si128(row, 2 * (first))),                                       \
     (sums)->high = _mm_add_epi16((sums)->high, _mm_srli_si128(row, 16 - 2 * (first))))

/* Squares of the sums and of the opposite ones, whose lines are as long; their weights. */
static inline __m128i weigh(const Sums *sums, __m128i opposite, __m128i low, __m128i high) {
    __m128i a = _mm_unpacklo_epi16(sums->low, opposite), b = _mm_unpackhi_epi16(sums->low, opposite);
    return _mm_add_epi32(_mm_mullo_epi32(_mm_madd_epi16(a, a), low), _mm_mullo_epi32(_mm_madd_epi16(b, b), high));
}

/* The 15 lines along a diagonal: line 14 beside line 0. */
static inline __m128i diagonal_cost(const Sums *sums) {
    const __m128i turn_round = _mm_setr_epi8(12, 13, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 0, 1, -1, -1);
    return weigh(sums, _mm_shuffle_epi8(sums->high, turn_round), _mm_setr_epi32(840, 420, 280, 210),
                 _mm_setr_epi32(168, 140, 120, 105));
}

/* The 11 lines half as steep: line 10 beside line 0. */
static inline __m128i angular_cost(const Sums *sums) {
    const __m128i turn_round = _mm_setr_epi8(4, 5, 2, 3, 0, 1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    return weigh(sums, _mm_shuffle_epi8(sums->high, turn_round), _mm_setr_epi32(420, 210, 140, 105),
                 _mm_set1_epi32(105));
}

/* Straight lines down the rows, and those that move a column to the right or left every two rows. */
static inline void steep_costs(const __m128i rows[8], __m128i *straight, __m128i *right, __m128i *left) {
    Sums r = {_mm_setzero_si128(), _mm_setzero_si128()}, l = r;
    __m128i two[4];
    for (int i = 0; i < 4; i++) two[i] = _mm_add_epi16(rows[2 * i], rows[2 * i + 1]);
    ADD_ROW(&r, two[0], 0);
    ADD_ROW(&r, two[1], 1);
    ADD_ROW(&r, two[2], 2);
    ADD_ROW(&r, two[3], 3);
    ADD_ROW(&l, two[0], 3);
    ADD_ROW(&l, two[1], 2);
    ADD_ROW(&l, two[2], 1);
    ADD_ROW(&l, two[3], 0);
    __m128i all = _mm_add_epi16(_mm_add_epi16(two[0], two[1]), _mm_add_epi16(two[2], two[3]));
    *straight = _mm_mullo_epi32(_mm_madd_epi16(all, all), _mm_set1_epi32(105));
    *right = angular_cost(&r);
    *left = angular_cost(&l);
}

static inline void diagonal_costs(const __m128i rows[8], __m128i *up, __m128i *down) {
    Sums u = {_mm_setzero_si128(), _mm_setzero_si128()}, d = u;
    ADD_ROW(&u, rows[0], 0);
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
    ADD_ROW(&d, rows[7], 0);
    *up = diagonal_cost(&u);
    *down = diagonal_cost(&d);
}

/* See dfy_edge_direction: sums of rows moved against each other, then the same of columns. */
static int edge_direction(const uint8_t *src, ptrdiff_t stride, uint32_t *variance) {
    __m128i rows[8], costs[8];
    for (int i = 0; i < 8; i++)
        rows[i] = _mm_sub_epi16(_mm_cvtepu8_epi16(load8(src + i * stride)), _mm_set1_epi16(128));
    diagonal_costs(rows, &costs[0], &costs[4]);
    steep_costs(rows, &costs[6], &costs[7], &costs[5]);
    transpose8(rows);
    steep_costs(rows, &costs[2], &costs[1], &costs[3]);
    int32_t cost[8];
    for (int i = 0; i < 8; i += 4)
        save16(cost + i,
               _mm_hadd_epi32(_mm_hadd_epi32(costs[i], costs[i + 1]), _mm_hadd_epi32(costs[i + 2], costs[i + 3])));
    int best = 0;
    for (int d = 1; d < 8; d++)
        if (cost[d] > cost[best]) best = d;
    *variance = (uint32_t)(cost[best] - cost[(best + 4) & 7]) >> 10;
    return best;
}

/* One of the filter's lines: its threshold, and how fast differences beyond it lose weight. */
typedef struct Line {
    __m128i threshold, mask; /* mask: what a byte's shift leaves of it */
    int shift;
    ptrdiff_t at[2]; /* the first and second pixel along it */
} Line;

static inline Line make_line(int direction, ptrdiff_t stride, int threshold, int damping) {
    int shift = dfy_directed_shift(damping, threshold);
    Line line = {_mm_set1_epi8((int8_t)threshold), _mm_set1_epi8((int8_t)(255 >> shift)), shift, {0, 0}};
    for (int k = 0; k < 2; k++) line.at[k] = dfy_directed_place(direction, k, stride);
    return line;
}

typedef struct Extremes {
    __m128i low, high;
} Extremes;

/* 16 pixels of a block: two rows of 8 or four of 4. */
static inline __m128i load_rows(const uint8_t *p, ptrdiff_t stride, int side) {
    if (side == 8) return _mm_unpacklo_epi64(load8(p), load8(p + stride));
    return _mm_unpacklo_epi64(_mm_unpacklo_epi32(load4(p), load4(p + stride)),
                              _mm_unpacklo_epi32(load4(p + 2 * stride), load4(p + 3 * stride)));
}

static inline void save_rows(uint8_t *p, ptrdiff_t stride, int side, __m128i v) {
    if (side == 8) {
        save8(p, v);
        save8(p + stride, _mm_srli_si128(v, 8));
        return;
    }
    save4(p, v);
    save4(p + stride, _mm_srli_si128(v, 4));
    save4(p + 2 * stride, _mm_srli_si128(v, 8));
    save4(p + 3 * stride, _mm_srli_si128(v, 12));
}

/* What the two pixels at that distance on either side add, signed: at the most twice the threshold. */
static inline __m128i pull(const Line *line, int k, const uint8_t *src, ptrdiff_t stride, int side, __m128i here,
                           Extremes *extremes) {
    __m128i sum = _mm_setzero_si128();
    for (int way = 0; way < 2; way++) {
        __m128i there = load_rows(way ? src - line->at[k] : src + line->at[k], stride, side);
        __m128i above = _mm_subs_epu8(there, here), below = _mm_subs_epu8(here, there); /* one of them is 0 */
        __m128i shifted =
            _mm_and_si128(_mm_srl_epi16(_mm_or_si128(above, below), _mm_cvtsi32_si128(line->shift)), line->mask);
        __m128i most = _mm_subs_epu8(line->threshold, shifted);
        sum = _mm_add_epi8(sum, _mm_sub_epi8(_mm_min_epu8(above, most), _mm_min_epu8(below, most)));
        extremes->low = _mm_min_epu8(extremes->low, there);
        extremes->high = _mm_max_epu8(extremes->high, there);
    }
    return sum;
}

/* here + (sum * factor + more, a sixteenth of it) for eight pixels in words. */
static inline __m128i pulled(__m128i here, __m128i sum, __m128i factor, __m128i more) {
    sum = _mm_add_epi16(_mm_mullo_epi16(sum, factor), more);
    sum = _mm_add_epi16(_mm_add_epi16(sum, _mm_srai_epi16(sum, 15)), _mm_set1_epi16(8));
    return _mm_add_epi16(here, _mm_srai_epi16(sum, 4));
}

/* In bytes: thresholds are 15 at the most, those aside 4. The weights 4 and 2 are twice 2 and 1; 3 and 3 are thrice 1.
 */
static inline void cdef_block(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side,
                              int direction, int primary, int secondary, int damping) {
    Line along, aside[2];
    if (primary) along = make_line(direction, src_stride, primary, damping);
    for (int i = 0; secondary && i < 2; i++)
        aside[i] = make_line(direction + (i ? 6 : 2), src_stride, secondary, damping);
    const __m128i factor = _mm_set1_epi16(primary & 1 ? 3 : 2), zero = _mm_setzero_si128();
    int rows = 16 / side;
    for (int y = 0; y < side; y += rows, dst += rows * stride, src += rows * src_stride) {
        __m128i here = load_rows(src, src_stride, side), sum = zero, more = zero;
        Extremes extremes = {here, here};
        if (primary) {
            __m128i near = pull(&along, 0, src, src_stride, side, here, &extremes);
            sum = _mm_add_epi8(near, pull(&along, 1, src, src_stride, side, here, &extremes));
            if (!(primary & 1)) sum = _mm_add_epi8(sum, near);
        }
        for (int i = 0; secondary && i < 2; i++) {
            __m128i near = pull(&aside[i], 0, src, src_stride, side, here, &extremes);
            __m128i far = pull(&aside[i], 1, src, src_stride, side, here, &extremes);
            more = _mm_add_epi8(more, _mm_add_epi8(_mm_add_epi8(near, near), far));
        }
        __m128i low = pulled(_mm_cvtepu8_epi16(here), _mm_cvtepi8_epi16(sum), factor, _mm_cvtepi8_epi16(more));
        __m128i high = pulled(_mm_unpackhi_epi8(here, zero), _mm_cvtepi8_epi16(_mm_srli_si128(sum, 8)), factor,
                              _mm_cvtepi8_epi16(_mm_srli_si128(more, 8)));
        __m128i out = _mm_packus_epi16(low, high);
        save_rows(dst, stride, side, _mm_min_epu8(_mm_max_epu8(out, extremes.low), extremes.high));
    }
}

static void cdef(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride, int side, int direction,
                 int primary, int secondary, int damping) {
    if (side == 8)
        cdef_block(dst, stride, src, src_stride, 8, direction, primary, secondary, damping);
    else
        cdef_block(dst, stride, src, src_stride, 4, direction, primary, secondary, damping);
}

/* ---------------------------------------------------------------- deblocking */

/* Every line's value replaced by that of the first or the last of its four. */
static inline __m128i first_of_four(__m128i v) {
    return _mm_shufflehi_epi16(_mm_shufflelo_epi16(v, 0x00), 0x00);
}
static inline __m128i last_of_four(__m128i v) {
    return _mm_shufflehi_epi16(_mm_shufflelo_epi16(v, 0xFF), 0xFF);
}
static inline __m128i ends_of_four(__m128i v) {
    return _mm_add_epi16(first_of_four(v), last_of_four(v));
}

static inline __m128i apart(__m128i a, __m128i b) {
    return _mm_abs_epi16(_mm_sub_epi16(a, b));
}
static inline __m128i bend(__m128i a, __m128i b, __m128i c) {
    return _mm_abs_epi16(_mm_sub_epi16(_mm_add_epi16(a, c), _mm_add_epi16(b, b)));
}
static inline __m128i below(__m128i v, int limit) {
    return _mm_cmplt_epi16(v, _mm_set1_epi16((int16_t)limit));
}
static inline __m128i clamp_to(__m128i v, __m128i middle, int reach) {
    const __m128i r = _mm_set1_epi16((int16_t)reach);
    return _mm_min_epi16(_mm_max_epi16(v, _mm_sub_epi16(middle, r)), _mm_add_epi16(middle, r));
}
static inline __m128i mean_of(__m128i sum, int shift) {
    return _mm_srai_epi16(_mm_add_epi16(sum, _mm_set1_epi16((int16_t)(1 << (shift - 1)))), shift);
}

/* v[0..3] are p3..p0, v[4..7] q0..q3, a line a lane. Which lines are filtered strongly, and which at all. */
static inline __m128i deblock_lines(const __m128i v[8], int beta, int tc, __m128i *sides, __m128i *strong) {
    __m128i dp = bend(v[1], v[2], v[3]), dq = bend(v[6], v[5], v[4]), flat = _mm_add_epi16(dp, dq);
    __m128i even = below(_mm_add_epi16(flat, flat), beta >> 2);
    even = _mm_and_si128(even, below(_mm_add_epi16(apart(v[0], v[3]), apart(v[4], v[7])), beta >> 3));
    even = _mm_and_si128(even, below(apart(v[3], v[4]), (5 * tc + 1) >> 1));
    *strong = _mm_and_si128(first_of_four(even), last_of_four(even));
    sides[0] = below(ends_of_four(dp), (beta + (beta >> 1)) >> 3);
    sides[1] = below(ends_of_four(dq), (beta + (beta >> 1)) >> 3);
    return below(ends_of_four(flat), beta);
}

/* The three pixels of one side, x0 at the edge, and y those of the other. */
static inline void deblock_strongly(__m128i out[3], __m128i x0, __m128i x1, __m128i x2, __m128i x3, __m128i y0,
                                    __m128i y1, int tc) {
    __m128i both = _mm_add_epi16(x0, y0), three = _mm_add_epi16(both, x1), four = _mm_add_epi16(three, x2);
    __m128i near = _mm_add_epi16(_mm_add_epi16(four, both), _mm_add_epi16(x1, y1));
    __m128i far = _mm_add_epi16(four, _mm_slli_epi16(_mm_add_epi16(x3, x2), 1));
    out[0] = clamp_to(mean_of(near, 3), x0, 2 * tc);
    out[1] = clamp_to(mean_of(four, 2), x1, 2 * tc);
    out[2] = clamp_to(mean_of(far, 3), x2, 2 * tc);
}

/* The second pixel of a side whose lines bend little. */
static inline __m128i deblock_second(__m128i x0, __m128i x1, __m128i x2, __m128i delta, int tc) {
    __m128i towards = _mm_sub_epi16(_mm_avg_epu16(x2, x0), x1);
    towards = clamp_to(_mm_srai_epi16(_mm_add_epi16(towards, delta), 1), _mm_setzero_si128(), tc >> 1);
    return _mm_add_epi16(x1, towards);
}

/* b where the mask is set, else a. GCC 12 compiles _mm_blendv_epi8 into nothing but `a` where char is unsigned. */
static inline __m128i blend(__m128i a, __m128i b, __m128i mask) {
    return _mm_or_si128(_mm_and_si128(mask, b), _mm_andnot_si128(mask, a));
}

/* Filters what deblock_lines says; 0 where that is nothing. */
static inline int deblock_eight(__m128i v[8], int beta, int tc) {
    __m128i sides[2], strong, any = deblock_lines(v, beta, tc, sides, &strong), zero = _mm_setzero_si128();
    if (!_mm_movemask_epi8(any)) return 0;
    __m128i edge = _mm_sub_epi16(v[4], v[3]), beyond = _mm_sub_epi16(v[5], v[2]);
    __m128i delta = _mm_sub_epi16(_mm_add_epi16(_mm_slli_epi16(edge, 3), edge),
                                  _mm_add_epi16(_mm_add_epi16(beyond, beyond), beyond));
    delta = mean_of(delta, 4);
    __m128i weak = _mm_andnot_si128(strong, _mm_and_si128(any, below(_mm_abs_epi16(delta), tc * 10)));
    delta = clamp_to(delta, zero, tc);
    strong = _mm_and_si128(strong, any);
    __m128i p[3], q[3], opposite = _mm_sub_epi16(zero, delta);
    deblock_strongly(p, v[3], v[2], v[1], v[0], v[4], v[5], tc);
    deblock_strongly(q, v[4], v[5], v[6], v[7], v[3], v[2], tc);
    __m128i p1 = deblock_second(v[3], v[2], v[1], delta, tc), q1 = deblock_second(v[4], v[5], v[6], opposite, tc);
    v[2] = blend(blend(v[2], p1, _mm_and_si128(weak, sides[0])), p[1], strong);
    v[5] = blend(blend(v[5], q1, _mm_and_si128(weak, sides[1])), q[1], strong);
    v[3] = blend(blend(v[3], _mm_add_epi16(v[3], delta), weak), p[0], strong);
    v[4] = blend(blend(v[4], _mm_add_epi16(v[4], opposite), weak), q[0], strong);
    v[1] = blend(v[1], p[2], strong);
    v[6] = blend(v[6], q[2], strong);
    return 1;
}

static void deblock(uint8_t *s, ptrdiff_t across, ptrdiff_t along, int beta, int tc) {
    __m128i v[8];
    if (!tc) return; /* nothing may change */
    uint8_t *first = across == 1 ? s - 4 : s - 4 * across;
    ptrdiff_t stride = across == 1 ? along : across;
    for (int i = 0; i < 8; i++) v[i] = _mm_cvtepu8_epi16(load8(first + i * stride));
    if (across == 1) transpose8(v);
    if (!deblock_eight(v, beta, tc)) return;
    if (across == 1) transpose8(v);
    for (int i = 0; i < 8; i++) save8(first + i * stride, _mm_packus_epi16(v[i], v[i]));
}

/* ---------------------------------------------------------------- light */

static void scale(uint8_t *dst, const uint8_t *src, int count, int factor, int add) {
    dfy_scale_pixels(dst, src, count, factor, add);
}

/* ---------------------------------------------------------------- adaptive loop filter */

/*
 * weights[k] * (a + b) in pairs of k; what they take from the pixel itself is its own weight, in a pair with the
 * rounding.
 */
static void alf(uint8_t *dst, ptrdiff_t stride, const uint8_t *src, ptrdiff_t src_stride,
                const int8_t weights[DFY_ALF_TAPS]) {
    __m128i taps[DFY_ALF_TAPS / 2];
    ptrdiff_t places[DFY_ALF_TAPS];
    int own = 128;
    for (int k = 0; k < DFY_ALF_TAPS; k++) {
        places[k] = dfy_alf_places[k][1] * src_stride + dfy_alf_places[k][0];
        own -= 2 * weights[k];
    }
    for (int k = 0; k < DFY_ALF_TAPS / 2; k++)
        taps[k] = _mm_set1_epi32((int32_t)((uint16_t)weights[2 * k] | (uint32_t)(uint16_t)weights[2 * k + 1] << 16));
    const __m128i centre = _mm_set1_epi32((int32_t)((uint16_t)own | (uint32_t)64 << 16)), one = _mm_set1_epi16(1);
    for (int y = 0; y < 8; y++, dst += stride, src += src_stride) {
        __m128i here = _mm_cvtepu8_epi16(load8(src));
        __m128i low = _mm_madd_epi16(_mm_unpacklo_epi16(here, one), centre);
        __m128i high = _mm_madd_epi16(_mm_unpackhi_epi16(here, one), centre);
        for (int k = 0; k < DFY_ALF_TAPS / 2; k++) {
            __m128i pair[2];
            for (int i = 0; i < 2; i++)
                pair[i] = _mm_add_epi16(_mm_cvtepu8_epi16(load8(src + places[2 * k + i])),
                                        _mm_cvtepu8_epi16(load8(src - places[2 * k + i])));
            low = _mm_add_epi32(low, _mm_madd_epi16(_mm_unpacklo_epi16(pair[0], pair[1]), taps[k]));
            high = _mm_add_epi32(high, _mm_madd_epi16(_mm_unpackhi_epi16(pair[0], pair[1]), taps[k]));
        }
        put(dst, _mm_packs_epi32(_mm_srai_epi32(low, 7), _mm_srai_epi32(high, 7)), 8);
    }
}

/* The values of a block, a row of pixels each; one more of zeros makes them even in number. */
typedef __m128i Values[DFY_ALF_VALUES + 1][8];

static void alf_values(Values values, const uint8_t *src, ptrdiff_t stride, const uint8_t *wanted,
                       ptrdiff_t wanted_stride) {
    for (int y = 0; y < 8; y++, src += stride, wanted += wanted_stride) {
        __m128i here = _mm_cvtepu8_epi16(load8(src)), twice = _mm_add_epi16(here, here);
        for (int k = 0; k < DFY_ALF_TAPS; k++) {
            ptrdiff_t place = dfy_alf_places[k][1] * stride + dfy_alf_places[k][0];
            __m128i both = _mm_add_epi16(_mm_cvtepu8_epi16(load8(src + place)), _mm_cvtepu8_epi16(load8(src - place)));
            values[k][y] = _mm_sub_epi16(both, twice);
        }
        values[DFY_ALF_TAPS][y] = _mm_sub_epi16(_mm_cvtepu8_epi16(load8(wanted)), here);
        values[DFY_ALF_VALUES][y] = _mm_setzero_si128();
    }
}

/* Two values with two, so that each is loaded half as often. */
static void alf_statistics(int32_t sums[DFY_ALF_VALUES][DFY_ALF_VALUES], const uint8_t *src, ptrdiff_t stride,
                           const uint8_t *wanted, ptrdiff_t wanted_stride) {
    Values values;
    alf_values(values, src, stride, wanted, wanted_stride);
    for (int i = 0; i < DFY_ALF_TAPS; i += 2)
        for (int j = i; j < DFY_ALF_VALUES; j += 2) {
            __m128i sum[4] = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
            for (int y = 0; y < 8; y++)
                for (int n = 0; n < 4; n++)
                    sum[n] = _mm_add_epi32(sum[n], _mm_madd_epi16(values[i + (n >> 1)][y], values[j + (n & 1)][y]));
            int32_t all[4];
            save16(all, _mm_hadd_epi32(_mm_hadd_epi32(sum[0], sum[1]), _mm_hadd_epi32(sum[2], sum[3])));
            for (int n = 0; n < 4; n++)
                if (j + (n & 1) < DFY_ALF_VALUES) sums[i + (n >> 1)][j + (n & 1)] = all[n];
        }
}

void dfy_kernels_add_sse41(DfyKernels *kernels) {
    dfy_transform_make_pairs();
    for (int kind = DFY_DCT; kind <= DFY_DST; kind++)
        for (int k = 0; k < 4; k++)
            for (int n = 0; n < 8; n++) {
                rows4[kind][0][k][n] = dfy_transform_row(2, kind, k)[n & 3];
                rows4[kind][1][k][n] = dfy_transform_row(2, kind, n & 3)[k];
            }
    kernels->sad = sad;
    kernels->sse = sse;
    kernels->satd = satd;
    kernels->luma = luma;
    kernels->chroma = chroma;
    kernels->store = store;
    kernels->store_mean = store_mean;
    kernels->mean = mean;
    kernels->bdof = bdof;
    kernels->subtract = subtract;
    kernels->add = add;
    kernels->forward = forward;
    kernels->inverse = inverse;
    kernels->nonzero_mask = nonzero_mask;
    kernels->intra_angular = intra_angular;
    kernels->transpose = transpose;
    kernels->direction = edge_direction;
    kernels->cdef = cdef;
    kernels->alf = alf;
    kernels->deblock = deblock;
    kernels->scale = scale;
    kernels->alf_statistics = alf_statistics;
}
