/*
 * AVX2 kernels, for processors that have it: the same as SSE4.1's with two rows, two blocks or twice the pixels at a
 * time. What is too narrow for that is left to the table's earlier entries.
 */
#include "dsp/kernels.h"

#include <immintrin.h>

#include "dsp/reference.h"

static DfyKernels narrow; /* what the table held before */

static __m128i load8(const void *p) {
    return _mm_loadl_epi64((const __m128i *)p);
}
static __m128i load16(const void *p) {
    return _mm_loadu_si128((const __m128i *)p);
}
static __m256i load32(const void *p) {
    return _mm256_loadu_si256((const __m256i *)p);
}
static void save32(void *p, __m256i v) {
    _mm256_storeu_si256((__m256i *)p, v);
}
static void save16(void *p, __m128i v) {
    _mm_storeu_si128((__m128i *)p, v);
}

/* One value in the lower lane, one in the upper. */
static __m256i lanes(__m128i low, __m128i high) {
    return _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
}
static __m128i upper(__m256i v) {
    return _mm256_extracti128_si256(v, 1);
}
/* Two rows of 16 bytes. */
static __m256i load_rows(const void *row, const void *next) {
    return lanes(load16(row), load16(next));
}
static void save_rows(int16_t *row, int16_t *next, __m256i v) {
    save16(row, _mm256_castsi256_si128(v));
    save16(next, upper(v));
}

static uint32_t sum32(__m256i v) {
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(v), upper(v));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
    sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
    return (uint32_t)_mm_cvtsi128_si32(sum);
}

/* ---------------------------------------------------------------- differences */

/* The look-ahead and motion search ask for little else than this width. */
static uint32_t sad16(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int height) {
    __m128i sums[2] = {_mm_setzero_si128(), _mm_setzero_si128()};
    for (int y = 0; y < height; y += 4, a += 4 * a_stride, b += 4 * b_stride) {
        sums[0] = _mm_add_epi32(sums[0], _mm_sad_epu8(load16(a), load16(b)));
        sums[1] = _mm_add_epi32(sums[1], _mm_sad_epu8(load16(a + a_stride), load16(b + b_stride)));
        sums[0] = _mm_add_epi32(sums[0], _mm_sad_epu8(load16(a + 2 * a_stride), load16(b + 2 * b_stride)));
        sums[1] = _mm_add_epi32(sums[1], _mm_sad_epu8(load16(a + 3 * a_stride), load16(b + 3 * b_stride)));
    }
    __m128i sum = _mm_add_epi32(sums[0], sums[1]);
    return (uint32_t)(_mm_cvtsi128_si32(sum) + _mm_extract_epi32(sum, 2));
}

static uint32_t sad(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height) {
    __m256i sum = _mm256_setzero_si256();
    if (width == 16) return sad16(a, a_stride, b, b_stride, height);
    if (width & 15) return narrow.sad(a, a_stride, b, b_stride, width, height);
    if (width & 31)
        for (int y = 0; y < height; y += 2, a += 2 * a_stride, b += 2 * b_stride)
            for (int x = 0; x < width; x += 16)
                sum = _mm256_add_epi32(
                    sum, _mm256_sad_epu8(load_rows(a + x, a + a_stride + x), load_rows(b + x, b + b_stride + x)));
    else
        for (int y = 0; y < height; y++, a += a_stride, b += b_stride)
            for (int x = 0; x < width; x += 32)
                sum = _mm256_add_epi32(sum, _mm256_sad_epu8(load32(a + x), load32(b + x)));
    return sum32(sum);
}

static __m256i square_difference(__m128i a, __m128i b) {
    __m256i d = _mm256_sub_epi16(_mm256_cvtepu8_epi16(a), _mm256_cvtepu8_epi16(b));
    return _mm256_madd_epi16(d, d);
}

static uint32_t sse(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height) {
    __m256i sum = _mm256_setzero_si256();
    if (width == 8)
        for (int y = 0; y < height; y += 2, a += 2 * a_stride, b += 2 * b_stride)
            sum = _mm256_add_epi32(sum, square_difference(_mm_unpacklo_epi64(load8(a), load8(a + a_stride)),
                                                          _mm_unpacklo_epi64(load8(b), load8(b + b_stride))));
    else if (width & 15)
        return narrow.sse(a, a_stride, b, b_stride, width, height);
    else
        for (int y = 0; y < height; y++, a += a_stride, b += b_stride)
            for (int x = 0; x < width; x += 16)
                sum = _mm256_add_epi32(sum, square_difference(load16(a + x), load16(b + x)));
    return sum32(sum);
}

static inline void transpose8(__m256i v[8]) {
    __m256i a[8], b[8];
    for (int i = 0; i < 4; i++) {
        a[2 * i] = _mm256_unpacklo_epi16(v[2 * i], v[2 * i + 1]);
        a[2 * i + 1] = _mm256_unpackhi_epi16(v[2 * i], v[2 * i + 1]);
    }
    for (int i = 0; i < 2; i++) {
        b[4 * i] = _mm256_unpacklo_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 1] = _mm256_unpackhi_epi32(a[4 * i], a[4 * i + 2]);
        b[4 * i + 2] = _mm256_unpacklo_epi32(a[4 * i + 1], a[4 * i + 3]);
        b[4 * i + 3] = _mm256_unpackhi_epi32(a[4 * i + 1], a[4 * i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        v[2 * i] = _mm256_unpacklo_epi64(b[i], b[i + 4]);
        v[2 * i + 1] = _mm256_unpackhi_epi64(b[i], b[i + 4]);
    }
}

static inline void butterfly(__m256i *a, __m256i *b) {
    __m256i sum = _mm256_add_epi16(*a, *b);
    *b = _mm256_sub_epi16(*a, *b);
    *a = sum;
}

/* Two of the three steps of a Hadamard transform of eight. */
static inline void hadamard8_begin(__m256i v[8]) {
    butterfly(&v[0], &v[1]);
    butterfly(&v[2], &v[3]);
    butterfly(&v[4], &v[5]);
    butterfly(&v[6], &v[7]);
    butterfly(&v[0], &v[2]);
    butterfly(&v[1], &v[3]);
    butterfly(&v[4], &v[6]);
    butterfly(&v[5], &v[7]);
}

static inline __m256i larger(__m256i a, __m256i b) {
    return _mm256_max_epi16(_mm256_abs_epi16(a), _mm256_abs_epi16(b));
}

/* Two 8x8 blocks, one a lane: sums of magnitudes, each in four parts, rounded like the reference's. */
static inline uint32_t satd_blocks(__m256i v[8]) {
    hadamard8_begin(v);
    for (int i = 0; i < 4; i++) butterfly(&v[i], &v[i + 4]);
    transpose8(v);
    hadamard8_begin(v);
    __m256i sum = _mm256_add_epi16(_mm256_add_epi16(larger(v[0], v[4]), larger(v[1], v[5])),
                                   _mm256_add_epi16(larger(v[2], v[6]), larger(v[3], v[7])));
    sum = _mm256_madd_epi16(sum, _mm256_set1_epi16(2));
    sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0x4E));
    sum = _mm256_add_epi32(sum, _mm256_shuffle_epi32(sum, 0xB1));
    uint32_t first = (uint32_t)_mm_cvtsi128_si32(_mm256_castsi256_si128(sum));
    uint32_t second = (uint32_t)_mm_cvtsi128_si32(upper(sum));
    return ((first + 2) >> 2) + ((second + 2) >> 2);
}

static uint32_t satd(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width,
                     int height) {
    uint32_t sum = 0;
    __m256i v[8];
    if (height & 7 || width & 7 || (width & 8 && height & 8))
        return narrow.satd(a, a_stride, b, b_stride, width, height);
    if (width & 8) { /* one block below the other */
        for (int y = 0; y < height; y += 16)
            for (int x = 0; x < width; x += 8) {
                const uint8_t *p = a + y * a_stride + x, *q = b + y * b_stride + x;
                for (int i = 0; i < 8; i++)
                    v[i] = _mm256_sub_epi16(_mm256_cvtepu8_epi16(_mm_unpacklo_epi64(load8(p + i * a_stride),
                                                                                    load8(p + (i + 8) * a_stride))),
                                            _mm256_cvtepu8_epi16(_mm_unpacklo_epi64(load8(q + i * b_stride),
                                                                                    load8(q + (i + 8) * b_stride))));
                sum += satd_blocks(v);
            }
        return sum;
    }
    for (int y = 0; y < height; y += 8)
        for (int x = 0; x < width; x += 16) {
            const uint8_t *p = a + y * a_stride + x, *q = b + y * b_stride + x;
            for (int i = 0; i < 8; i++)
                v[i] = _mm256_sub_epi16(_mm256_cvtepu8_epi16(load16(p + i * a_stride)),
                                        _mm256_cvtepu8_epi16(load16(q + i * b_stride)));
            sum += satd_blocks(v);
        }
    return sum;
}

/* ---------------------------------------------------------------- interpolation */

static __m256i byte_pair(const int8_t *taps, int i) {
    return _mm256_set1_epi16((int16_t)((uint8_t)taps[2 * i] | (uint16_t)((uint8_t)taps[2 * i + 1] << 8)));
}

static __m256i word_pair(const int8_t *taps, int i) {
    return _mm256_set1_epi32((int32_t)((uint16_t)taps[2 * i] | ((uint32_t)(uint16_t)taps[2 * i + 1] << 16)));
}

/* Along the rows, eight columns of two rows at a time; a last row alone is made twice. src: the first tap's place. */
static inline void horizontal(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height,
                              const int8_t *taps, int count) {
    const __m256i first = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8));
    __m256i pairs[4], orders[4];
    for (int i = 0; i < count; i++) {
        pairs[i] = byte_pair(taps, i);
        orders[i] = _mm256_add_epi8(first, _mm256_set1_epi8((char)(2 * i)));
    }
    for (int y = 0; y < height; y += 2, src += 2 * stride, dst += 2 * DFY_BLEND_STRIDE) {
        int more = y + 1 < height;
        for (int x = 0; x < width; x += 8) {
            __m256i p = load_rows(src + x, src + more * stride + x), sum = _mm256_setzero_si256();
            for (int i = 0; i < count; i++)
                sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(_mm256_shuffle_epi8(p, orders[i]), pairs[i]));
            save_rows(dst + x, dst + more * DFY_BLEND_STRIDE + x, sum);
        }
    }
}

/* Written out, as in kernels_sse41.c. */
static inline void next_rows(__m256i rows[4], int count) {
    rows[0] = rows[1];
    if (count == 2) return;
    rows[1] = rows[2];
    rows[2] = rows[3];
}

/* Down the columns of 16-bit rows, eight columns of two rows at a time. */
static inline void filter_columns(int16_t *dst, const int16_t *rows, int width, int height, const int8_t *taps,
                                  int count) {
    __m256i factors[4];
    for (int i = 0; i < count; i++) factors[i] = word_pair(taps, i);
    for (int x = 0; x < width; x += 8) {
        const int16_t *from = rows + x;
        __m256i low[4], high[4]; /* pairs of rows, woven; in the upper lane one row further down */
        __m128i here = load16(from);
        for (int i = 0; i < count - 1; i++, from += 128) {
            __m128i next = load16(from + 64), after = load16(from + 128);
            __m256i r = lanes(here, next), s = lanes(next, after);
            low[i] = _mm256_unpacklo_epi16(r, s);
            high[i] = _mm256_unpackhi_epi16(r, s);
            here = after;
        }
        for (int y = 0; y < height; y += 2, from += 128) {
            __m128i next = load16(from + 64), after = load16(from + 128);
            __m256i r = lanes(here, next), s = lanes(next, after);
            low[count - 1] = _mm256_unpacklo_epi16(r, s);
            high[count - 1] = _mm256_unpackhi_epi16(r, s);
            here = after;
            __m256i l = _mm256_setzero_si256(), h = l;
            for (int i = 0; i < count; i++) {
                l = _mm256_add_epi32(l, _mm256_madd_epi16(low[i], factors[i]));
                h = _mm256_add_epi32(h, _mm256_madd_epi16(high[i], factors[i]));
            }
            int16_t *to = dst + y * DFY_BLEND_STRIDE + x;
            save_rows(to, to + DFY_BLEND_STRIDE, _mm256_packs_epi32(_mm256_srai_epi32(l, 6), _mm256_srai_epi32(h, 6)));
            next_rows(low, count);
            next_rows(high, count);
        }
    }
}

/* The same straight from pixels. */
static inline void filter_pixel_columns(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height,
                                        const int8_t *taps, int count) {
    __m256i factors[4];
    for (int i = 0; i < count; i++) factors[i] = byte_pair(taps, i);
    for (int x = 0; x < width; x += 8) {
        const uint8_t *from = src + x;
        __m256i rows[4];
        __m128i here = load8(from);
        for (int i = 0; i < count - 1; i++, from += 2 * stride) {
            __m128i next = load8(from + stride), after = load8(from + 2 * stride);
            rows[i] = lanes(_mm_unpacklo_epi8(here, next), _mm_unpacklo_epi8(next, after));
            here = after;
        }
        for (int y = 0; y < height; y += 2, from += 2 * stride) {
            __m128i next = load8(from + stride), after = load8(from + 2 * stride);
            rows[count - 1] = lanes(_mm_unpacklo_epi8(here, next), _mm_unpacklo_epi8(next, after));
            here = after;
            __m256i sum = _mm256_setzero_si256();
            for (int i = 0; i < count; i++) sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(rows[i], factors[i]));
            int16_t *to = dst + y * DFY_BLEND_STRIDE + x;
            save_rows(to, to + DFY_BLEND_STRIDE, sum);
            next_rows(rows, count);
        }
    }
}

static void luma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    const int8_t *across = dfy_luma_taps[fx], *down = dfy_luma_taps[fy];
    int16_t rows[(64 + 7) * DFY_BLEND_STRIDE];
    if (!fx && !fy) {
        narrow.luma(dst, src, stride, width, height, fx, fy);
    } else if (!fy) {
        horizontal(dst, src - 3, stride, width, height, across, 4);
    } else if (!fx) {
        filter_pixel_columns(dst, src - 3 * stride, stride, width, height, down, 4);
    } else {
        horizontal(rows, src - 3 * stride - 3, stride, width, height + 7, across, 4);
        filter_columns(dst, rows, width, height, down, 4);
    }
}

static void chroma(int16_t *dst, const uint8_t *src, ptrdiff_t stride, int width, int height, int fx, int fy) {
    const int8_t *across = dfy_chroma_taps[fx], *down = dfy_chroma_taps[fy];
    int16_t rows[(64 + 3) * DFY_BLEND_STRIDE];
    if (!fx && !fy) {
        narrow.chroma(dst, src, stride, width, height, fx, fy);
    } else if (!fy) {
        horizontal(dst, src - 1, stride, width, height, across, 2);
    } else if (!fx) {
        filter_pixel_columns(dst, src - stride, stride, width, height, down, 2);
    } else {
        horizontal(rows, src - stride - 1, stride, width, height + 3, across, 2);
        filter_columns(dst, rows, width, height, down, 2);
    }
}

/* Two rows of eight words to two rows of eight pixels. */
static inline void put_rows(uint8_t *dst, ptrdiff_t stride, __m256i words) {
    __m256i bytes = _mm256_packus_epi16(words, words);
    _mm_storel_epi64((__m128i *)dst, _mm256_castsi256_si128(bytes));
    _mm_storel_epi64((__m128i *)(dst + stride), upper(bytes));
}

/* 32 words to 32 pixels of one row. */
static inline void put32(uint8_t *dst, __m256i low, __m256i high) {
    save32(dst, _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xD8));
}

/* 16 words to 16 pixels of one row. */
static inline void put16(uint8_t *dst, __m256i words) {
    save16(dst, _mm_packus_epi16(_mm256_castsi256_si128(words), upper(words)));
}

static inline __m256i to_pixels(__m256i words) {
    return _mm256_srai_epi16(_mm256_adds_epi16(words, _mm256_set1_epi16(32)), 6);
}

static void store(uint8_t *dst, ptrdiff_t stride, const int16_t *a, int width, int height) {
    if (width & 7) {
        narrow.store(dst, stride, a, width, height);
    } else if (width & 15) {
        for (int y = 0; y < height; y += 2, dst += 2 * stride, a += 2 * DFY_BLEND_STRIDE)
            for (int x = 0; x < width; x += 8)
                put_rows(dst + x, stride, to_pixels(load_rows(a + x, a + DFY_BLEND_STRIDE + x)));
    } else if (width & 31) {
        for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE)
            for (int x = 0; x < width; x += 16) put16(dst + x, to_pixels(load32(a + x)));
    } else {
        for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE)
            for (int x = 0; x < width; x += 32) put32(dst + x, to_pixels(load32(a + x)), to_pixels(load32(a + x + 16)));
    }
}

/* Saturation begins at 32767, which clamps to 255 either way. */
static inline __m256i mean_pixels(__m256i a, __m256i b) {
    return _mm256_srai_epi16(_mm256_adds_epi16(_mm256_adds_epi16(a, b), _mm256_set1_epi16(64)), 7);
}

static void store_mean(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height) {
    if (width & 7) {
        narrow.store_mean(dst, stride, a, b, width, height);
    } else if (width & 15) {
        for (int y = 0; y < height; y += 2, dst += 2 * stride, a += 2 * DFY_BLEND_STRIDE, b += 2 * DFY_BLEND_STRIDE)
            for (int x = 0; x < width; x += 8)
                put_rows(dst + x, stride,
                         mean_pixels(load_rows(a + x, a + DFY_BLEND_STRIDE + x),
                                     load_rows(b + x, b + DFY_BLEND_STRIDE + x)));
    } else {
        for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE, b += DFY_BLEND_STRIDE)
            for (int x = 0; x < width; x += 16) put16(dst + x, mean_pixels(load32(a + x), load32(b + x)));
    }
}

static void mean(uint8_t *dst, ptrdiff_t stride, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b,
                 ptrdiff_t b_stride, int width, int height) {
    if (width & 31) {
        narrow.mean(dst, stride, a, a_stride, b, b_stride, width, height);
        return;
    }
    for (int y = 0; y < height; y++, dst += stride, a += a_stride, b += b_stride)
        for (int x = 0; x < width; x += 32) save32(dst + x, _mm256_avg_epu8(load32(a + x), load32(b + x)));
}

static void subtract(int16_t *residual, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride,
                     int width, int height) {
    if (width & 15) {
        narrow.subtract(residual, a, a_stride, b, b_stride, width, height);
        return;
    }
    for (int y = 0; y < height; y++, a += a_stride, b += b_stride, residual += width)
        for (int x = 0; x < width; x += 16)
            save32(residual + x,
                   _mm256_sub_epi16(_mm256_cvtepu8_epi16(load16(a + x)), _mm256_cvtepu8_epi16(load16(b + x))));
}

static void add(uint8_t *dst, ptrdiff_t stride, const int16_t *residual, int width, int height) {
    if (width & 15) {
        narrow.add(dst, stride, residual, width, height);
        return;
    }
    for (int y = 0; y < height; y++, dst += stride, residual += width)
        for (int x = 0; x < width; x += 16)
            put16(dst + x, _mm256_adds_epi16(_mm256_cvtepu8_epi16(load16(dst + x)), load32(residual + x)));
}

/* ---------------------------------------------------------------- transforms */

/* Whether sums and differences of two values fit 16 bits. */
static int folds(const int16_t *values, int count) {
    __m256i all = _mm256_setzero_si256();
    for (int i = 0; i < count; i += 16) all = _mm256_or_si256(all, _mm256_abs_epi16(load32(values + i)));
    all = _mm256_or_si256(all, _mm256_slli_epi16(all, 1));
    return !((unsigned)_mm256_movemask_epi8(all) & 0xAAAAAAAA);
}

/*
 * out[k][i] = sum over n of in[i][n] * M[k][n] for rows i of in, 16 at a time: rows to frequencies, transposed.
 * Even rows of the DCT are symmetric and odd ones antisymmetric: with `fold` half the products do, of the sums and
 * the differences of opposite columns.
 */
static void forward_pass(int16_t *out, const int16_t *in, int log2, int shift, int32_t pairs[32][16], int fold) {
    int side = 1 << log2, terms = fold ? side / 4 : side / 2;
    const __m256i round = _mm256_set1_epi32(1 << (shift - 1));
    for (int i = 0; i < side; i += 16) {
        __m256i columns[32], low[2][16], high[2][16];
        for (int n = 0; n < side; n += 8) {
            for (int r = 0; r < 8; r++)
                columns[n + r] = load_rows(in + (i + r) * side + n, in + (i + r + 8) * side + n);
            transpose8(columns + n);
        }
        for (int n = 0; fold && n < side / 2; n++) butterfly(&columns[n], &columns[side - 1 - n]);
        for (int n = 0; n < terms; n++) { /* words of columns 2n and 2n + 1 side by side */
            low[0][n] = _mm256_unpacklo_epi16(columns[2 * n], columns[2 * n + 1]);
            high[0][n] = _mm256_unpackhi_epi16(columns[2 * n], columns[2 * n + 1]);
            low[1][n] = _mm256_unpacklo_epi16(columns[side - 1 - 2 * n], columns[side - 2 - 2 * n]);
            high[1][n] = _mm256_unpackhi_epi16(columns[side - 1 - 2 * n], columns[side - 2 - 2 * n]);
        }
        for (int k = 0; k < side; k++) {
            const __m256i *a = low[fold & k], *b = high[fold & k];
            __m256i l = round, h = round;
            for (int n = 0; n < terms; n++) {
                __m256i m = _mm256_set1_epi32(pairs[k][n]);
                l = _mm256_add_epi32(l, _mm256_madd_epi16(a[n], m));
                h = _mm256_add_epi32(h, _mm256_madd_epi16(b[n], m));
            }
            save32(out + k * side + i, _mm256_packs_epi32(_mm256_srai_epi32(l, shift), _mm256_srai_epi32(h, shift)));
        }
    }
}

/* Residuals are under 256, so the first pass can fold; the second can unless they are of the largest. */
static void forward(int16_t *coefficients, const int16_t *residual, int log2, DfyTransformKind kind) {
    if (log2 < 4) {
        narrow.forward(coefficients, residual, log2, kind);
        return;
    }
    int16_t half[32 * 32];
    int32_t(*pairs)[16] = dfy_transform_pairs[kind][log2 - 3].forward;
    forward_pass(half, residual, log2, log2 - 1, pairs, kind == DFY_DCT);
    /* half[k][y]: frequencies k of row y; the second pass makes rows k the frequencies of y: out[j][k]. */
    forward_pass(coefficients, half, log2, log2 + 6, pairs, kind == DFY_DCT && folds(half, 1 << (2 * log2)));
}

/* out[x][y] = sum over k of in[k][x] * M[k][y], eight columns x to 16 places y at a time. */
static void inverse_pass(int16_t *out, const int16_t *in, int log2, int columns, int count, int shift,
                         int32_t pairs[16][32]) {
    int side = 1 << log2, used = (count + 1) / 2;
    const __m256i round = _mm256_set1_epi32(1 << (shift - 1));
    for (int x = 0; x < columns; x += 8) {
        __m256i low[16], high[16]; /* the same in both lanes */
        for (int k = 0; k < used; k++) {
            __m128i a = load16(in + 2 * k * side + x), b = load16(in + (2 * k + 1) * side + x);
            low[k] = _mm256_broadcastsi128_si256(_mm_unpacklo_epi16(a, b));
            high[k] = _mm256_broadcastsi128_si256(_mm_unpackhi_epi16(a, b));
        }
        for (int y = 0; y < side; y += 16) {
            __m256i v[8];
            for (int i = 0; i < 8; i++) {
                __m256i l = round, h = round;
                for (int k = 0; k < used; k++) {
                    __m256i m = lanes(_mm_set1_epi32(pairs[k][y + i]), _mm_set1_epi32(pairs[k][y + i + 8]));
                    l = _mm256_add_epi32(l, _mm256_madd_epi16(low[k], m));
                    h = _mm256_add_epi32(h, _mm256_madd_epi16(high[k], m));
                }
                v[i] = _mm256_packs_epi32(_mm256_srai_epi32(l, shift), _mm256_srai_epi32(h, shift));
            }
            transpose8(v);
            for (int i = 0; i < 8; i++) save32(out + (x + i) * side + y, v[i]);
        }
    }
}

static void inverse(int16_t *residual, const int16_t *coefficients, int log2, DfyTransformKind kind, int columns,
                    int rows) {
    if (log2 < 4) {
        narrow.inverse(residual, coefficients, log2, kind, columns, rows);
        return;
    }
    int16_t half[32 * 32];
    inverse_pass(half, coefficients, log2, (columns + 7) & ~7, rows, 7, dfy_transform_pairs[kind][log2 - 3].inverse);
    inverse_pass(residual, half, log2, 1 << log2, columns, 12, dfy_transform_pairs[kind][log2 - 3].inverse);
}

static void scale(uint8_t *dst, const uint8_t *src, int count, int factor, int add) {
    dfy_scale_pixels(dst, src, count, factor, add);
}

void dfy_kernels_add_avx2(DfyKernels *kernels) {
    narrow = *kernels;
    kernels->sad = sad;
    kernels->sse = sse;
    kernels->satd = satd;
    kernels->luma = luma;
    kernels->chroma = chroma;
    kernels->store = store;
    kernels->store_mean = store_mean;
    kernels->mean = mean;
    kernels->subtract = subtract;
    kernels->add = add;
    kernels->forward = forward;
    kernels->inverse = inverse;
    kernels->scale = scale;
}
