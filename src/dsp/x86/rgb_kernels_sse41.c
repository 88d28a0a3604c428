/* RGB kernels in SSE4.1, which Emscripten compiles to WebAssembly SIMD; each gives the reference's result to the bit.
 */
#include "dsp/rgb_kernels.h"

#include <smmintrin.h>
#include <string.h>
#ifdef __wasm_simd128__
#include <wasm_simd128.h>
#endif

/* Towards zero; SSE's instruction would be emulated number by number, because of what it does out of range. */
static inline __m128i truncated(__m128 v) {
#ifdef __wasm_simd128__
    return (__m128i)wasm_i32x4_trunc_sat_f32x4((v128_t)v);
#else
    return _mm_cvttps_epi32(v);
#endif
}

/* ---------------------------------------------------------------- pixels */

#define NO (-1)

/* Where the 16-bit samples of 8 pixels go when channels come pixel by pixel: three vectors of each channel. */
static const int8_t woven[3][3][16] = {
    {{0, 1, NO, NO, NO, NO, 2, 3, NO, NO, NO, NO, 4, 5, NO, NO},
     {NO, NO, 0, 1, NO, NO, NO, NO, 2, 3, NO, NO, NO, NO, 4, 5},
     {NO, NO, NO, NO, 0, 1, NO, NO, NO, NO, 2, 3, NO, NO, NO, NO}},
    {{NO, NO, 6, 7, NO, NO, NO, NO, 8, 9, NO, NO, NO, NO, 10, 11},
     {NO, NO, NO, NO, 6, 7, NO, NO, NO, NO, 8, 9, NO, NO, NO, NO},
     {4, 5, NO, NO, NO, NO, 6, 7, NO, NO, NO, NO, 8, 9, NO, NO}},
    {{NO, NO, NO, NO, 12, 13, NO, NO, NO, NO, 14, 15, NO, NO, NO, NO},
     {10, 11, NO, NO, NO, NO, 12, 13, NO, NO, NO, NO, 14, 15, NO, NO},
     {NO, NO, 10, 11, NO, NO, NO, NO, 12, 13, NO, NO, NO, NO, 14, 15}},
};

/* And where they come from: channel c of vector v. */
static const int8_t parted[3][3][16] = {
    {{0, 1, 6, 7, 12, 13, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO},
     {NO, NO, NO, NO, NO, NO, 2, 3, 8, 9, 14, 15, NO, NO, NO, NO},
     {NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 4, 5, 10, 11}},
    {{2, 3, 8, 9, 14, 15, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO},
     {NO, NO, NO, NO, NO, NO, 4, 5, 10, 11, NO, NO, NO, NO, NO, NO},
     {NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 0, 1, 6, 7, 12, 13}},
    {{4, 5, 10, 11, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO},
     {NO, NO, NO, NO, 0, 1, 6, 7, 12, 13, NO, NO, NO, NO, NO, NO},
     {NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 2, 3, 8, 9, 14, 15}},
};

static inline __m128i load16(const void *p) {
    return _mm_loadu_si128((const __m128i *)p);
}
static inline __m128i load8(const void *p) {
    return _mm_loadl_epi64((const __m128i *)p);
}

static inline __m128i pick(const __m128i from[3], const int8_t place[3][16]) {
    return _mm_or_si128(
        _mm_or_si128(_mm_shuffle_epi8(from[0], load16(place[0])), _mm_shuffle_epi8(from[1], load16(place[1]))),
        _mm_shuffle_epi8(from[2], load16(place[2])));
}

/* 8 pixels' samples, each in 16 bits. */
static inline void load_pixels(__m128i wide[3], const uint8_t *pixels) {
    __m128i first = load16(pixels);
    wide[0] = _mm_cvtepu8_epi16(first);
    wide[1] = _mm_cvtepu8_epi16(_mm_srli_si128(first, 8));
    wide[2] = _mm_cvtepu8_epi16(load8(pixels + 16));
}

static inline void save_pixels(uint8_t *pixels, const __m128i wide[3]) {
    _mm_storeu_si128((__m128i *)pixels, _mm_packus_epi16(wide[0], wide[1]));
    _mm_storel_epi64((__m128i *)(pixels + 16), _mm_packus_epi16(wide[2], wide[2]));
}

static void difference(float out[3][64], const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride) {
    for (int y = 0; y < 8; y++, a += a_stride, b += b_stride) {
        __m128i p[3], q[3];
        load_pixels(p, a);
        load_pixels(q, b);
        for (int i = 0; i < 3; i++) p[i] = _mm_sub_epi16(p[i], q[i]);
        for (int c = 0; c < 3; c++) {
            __m128i words = pick(p, parted[c]);
            _mm_storeu_ps(out[c] + y * 8, _mm_cvtepi32_ps(_mm_cvtepi16_epi32(words)));
            _mm_storeu_ps(out[c] + y * 8 + 4, _mm_cvtepi32_ps(_mm_cvtepi16_epi32(_mm_srli_si128(words, 8))));
        }
    }
}

static void add(uint8_t *pixels, ptrdiff_t stride, const float sample[3][64]) {
    for (int y = 0; y < 8; y++, pixels += stride) {
        __m128i channel[3], wide[3];
        for (int c = 0; c < 3; c++) {
            const float *from = sample[c] + y * 8;
            channel[c] = _mm_packs_epi32(truncated(_mm_loadu_ps(from)), truncated(_mm_loadu_ps(from + 4)));
        }
        load_pixels(wide, pixels);
        for (int i = 0; i < 3; i++) wide[i] = _mm_adds_epi16(wide[i], pick(channel, woven[i]));
        save_pixels(pixels, wide);
    }
}

/* ---------------------------------------------------------------- transform */

static inline __m128 times(float factor, __m128 v) {
    return _mm_mul_ps(_mm_set1_ps(factor), v);
}

/* Four columns; the sums are the reference's, from left to right. */
static inline void forward_columns(__m128 r[8]) {
    __m128 s0 = _mm_add_ps(r[0], r[7]), d0 = _mm_sub_ps(r[0], r[7]);
    __m128 s1 = _mm_add_ps(r[1], r[6]), d1 = _mm_sub_ps(r[1], r[6]);
    __m128 s2 = _mm_add_ps(r[2], r[5]), d2 = _mm_sub_ps(r[2], r[5]);
    __m128 s3 = _mm_add_ps(r[3], r[4]), d3 = _mm_sub_ps(r[3], r[4]);
    __m128 e0 = _mm_add_ps(s0, s3), e1 = _mm_add_ps(s1, s2), o0 = _mm_sub_ps(s0, s3), o1 = _mm_sub_ps(s1, s2);
#define SUM(op1, op2, op3, a, b, c, d) op3(op2(op1(times(a, d0), times(b, d1)), times(c, d2)), times(d, d3))
    r[0] = times(DFY_C4, _mm_add_ps(e0, e1));
    r[1] = SUM(_mm_add_ps, _mm_add_ps, _mm_add_ps, DFY_C1, DFY_C3, DFY_C5, DFY_C7);
    r[2] = _mm_add_ps(times(DFY_C2, o0), times(DFY_C6, o1));
    r[3] = SUM(_mm_sub_ps, _mm_sub_ps, _mm_sub_ps, DFY_C3, DFY_C7, DFY_C1, DFY_C5);
    r[4] = times(DFY_C4, _mm_sub_ps(e0, e1));
    r[5] = SUM(_mm_sub_ps, _mm_add_ps, _mm_add_ps, DFY_C5, DFY_C1, DFY_C7, DFY_C3);
    r[6] = _mm_sub_ps(times(DFY_C6, o0), times(DFY_C2, o1));
    r[7] = SUM(_mm_sub_ps, _mm_add_ps, _mm_sub_ps, DFY_C7, DFY_C5, DFY_C3, DFY_C1);
#undef SUM
}

static inline void inverse_columns(__m128 r[8]) {
    __m128 a = times(DFY_C4, _mm_add_ps(r[0], r[4])), b = times(DFY_C4, _mm_sub_ps(r[0], r[4]));
    __m128 c = _mm_add_ps(times(DFY_C2, r[2]), times(DFY_C6, r[6]));
    __m128 d = _mm_sub_ps(times(DFY_C6, r[2]), times(DFY_C2, r[6]));
    __m128 e0 = _mm_add_ps(a, c), e3 = _mm_sub_ps(a, c), e1 = _mm_add_ps(b, d), e2 = _mm_sub_ps(b, d);
    __m128 x1 = r[1], x3 = r[3], x5 = r[5], x7 = r[7];
#define SUM(op1, op2, op3, f, g, h, k) op3(op2(op1(times(f, x1), times(g, x3)), times(h, x5)), times(k, x7))
    __m128 o0 = SUM(_mm_add_ps, _mm_add_ps, _mm_add_ps, DFY_C1, DFY_C3, DFY_C5, DFY_C7);
    __m128 o1 = SUM(_mm_sub_ps, _mm_sub_ps, _mm_sub_ps, DFY_C3, DFY_C7, DFY_C1, DFY_C5);
    __m128 o2 = SUM(_mm_sub_ps, _mm_add_ps, _mm_add_ps, DFY_C5, DFY_C1, DFY_C7, DFY_C3);
    __m128 o3 = SUM(_mm_sub_ps, _mm_add_ps, _mm_sub_ps, DFY_C7, DFY_C5, DFY_C3, DFY_C1);
#undef SUM
    r[0] = _mm_add_ps(e0, o0);
    r[1] = _mm_add_ps(e1, o1);
    r[2] = _mm_add_ps(e2, o2);
    r[3] = _mm_add_ps(e3, o3);
    r[4] = _mm_sub_ps(e3, o3);
    r[5] = _mm_sub_ps(e2, o2);
    r[6] = _mm_sub_ps(e1, o1);
    r[7] = _mm_sub_ps(e0, o0);
}

/* 8x8 as two halves of four columns: [half][row] becomes its transpose. */
static inline void transpose(__m128 v[2][8]) {
    for (int half = 0; half < 2; half++)
        for (int row = 0; row < 8; row += 4)
            _MM_TRANSPOSE4_PS(v[half][row], v[half][row + 1], v[half][row + 2], v[half][row + 3]);
    for (int row = 0; row < 4; row++) {
        __m128 kept = v[0][row + 4];
        v[0][row + 4] = v[1][row];
        v[1][row] = kept;
    }
}

static inline void load_block(__m128 v[2][8], const float in[64]) {
    for (int row = 0; row < 8; row++)
        v[0][row] = _mm_loadu_ps(in + row * 8), v[1][row] = _mm_loadu_ps(in + row * 8 + 4);
}

static inline void save_block(float out[64], __m128 v[2][8]) {
    for (int row = 0; row < 8; row++)
        _mm_storeu_ps(out + row * 8, v[0][row]), _mm_storeu_ps(out + row * 8 + 4, v[1][row]);
}

static void forward(float out[64], const float in[64]) {
    __m128 v[2][8];
    load_block(v, in);
    for (int pass = 0; pass < 2; pass++) {
        forward_columns(v[0]);
        forward_columns(v[1]);
        transpose(v);
    }
    save_block(out, v);
}

static void inverse(float out[64], const float in[64]) {
    __m128 v[2][8];
    load_block(v, in);
    for (int pass = 0; pass < 2; pass++) {
        inverse_columns(v[0]);
        inverse_columns(v[1]);
        transpose(v);
    }
    save_block(out, v);
}

/* ---------------------------------------------------------------- levels */

static inline __m128 weighed(const float w[3], __m128 a, __m128 b, __m128 c) {
    return _mm_add_ps(_mm_add_ps(times(w[0], a), times(w[1], b)), times(w[2], c));
}

static int candidates(uint8_t at[64], const float coefficient[3][64], const DfyLevelCosts *costs) {
    const __m128 least = _mm_set1_ps(costs->lambda * (DFY_RUN_BITS + DFY_COEFFICIENT_BITS));
    const float scale[3] = {1 / costs->weight[0][0], 1 / costs->weight[1][1], 1 / costs->weight[2][2]};
    int count = 0;
    for (int i = 0; i < 64; i += 4) {
        __m128 gain = _mm_setzero_ps();
        for (int c = 0; c < 3; c++) {
            __m128 pull = weighed(costs->weight[c], _mm_loadu_ps(coefficient[0] + i), _mm_loadu_ps(coefficient[1] + i),
                                  _mm_loadu_ps(coefficient[2] + i));
            gain = _mm_max_ps(_mm_mul_ps(_mm_mul_ps(pull, pull), _mm_set1_ps(scale[c])), gain);
        }
        int mask = _mm_movemask_ps(_mm_cmpgt_ps(gain, least));
        for (int k = 0; k < 4 && mask; k++, mask >>= 1)
            if (mask & 1) at[count++] = (uint8_t)(i + k);
    }
    return count;
}

/* Bits of levels, which as floats hold their number of doublings in the exponent. */
static inline __m128 level_bits(__m128i level) {
    __m128i exponent = _mm_srli_epi32(_mm_castps_si128(_mm_cvtepi32_ps(_mm_abs_epi32(level))), 23);
    __m128 doublings = _mm_cvtepi32_ps(_mm_sub_epi32(exponent, _mm_set1_epi32(127)));
    __m128 bits = _mm_add_ps(_mm_set1_ps(DFY_COEFFICIENT_BITS), times(DFY_DOUBLING_BITS, doublings));
    return _mm_andnot_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(level, _mm_setzero_si128())), bits);
}

/* A run's bits where a level is not zero and alone. */
static inline __m128 run_bits(__m128i level, __m128 alone) {
    __m128 zero = _mm_castsi128_ps(_mm_cmpeq_epi32(level, _mm_setzero_si128()));
    return _mm_andnot_ps(zero, _mm_and_ps(alone, _mm_set1_ps(DFY_RUN_BITS)));
}

static inline __m128i nearest(__m128 value) {
    __m128 sign = _mm_and_ps(value, _mm_set1_ps(-0.0f));
    return truncated(_mm_add_ps(value, _mm_or_ps(sign, _mm_set1_ps(0.5f))));
}

/* One channel of four coefficients. */
typedef struct Channel {
    __m128i level;
    __m128 error, step;
} Channel;

/* What changing the level saves. */
static inline __m128 saving(const Channel *channel, __m128i tried, __m128 pull, float weight, __m128 alone, __m128 now,
                            float lambda) {
    __m128 change = _mm_mul_ps(_mm_cvtepi32_ps(_mm_sub_epi32(tried, channel->level)), channel->step);
    __m128 gain = _mm_mul_ps(times(2, change), pull), loss = times(weight, _mm_mul_ps(change, change));
    __m128 bits = _mm_sub_ps(_mm_add_ps(level_bits(tried), run_bits(tried, alone)), now);
    return _mm_sub_ps(_mm_sub_ps(gain, loss), times(lambda, bits));
}

static inline __m128i chosen(__m128i otherwise, __m128i value, __m128 mask) {
    /* Not _mm_blendv_epi8, of which GCC 12 makes nothing but `otherwise` where char is unsigned. */
    const __m128i set = _mm_castps_si128(mask);
    return _mm_or_si128(_mm_and_si128(set, value), _mm_andnot_si128(set, otherwise));
}

/* The best new level of a channel; returns what it saves. */
static inline __m128 best_move(const Channel *channel, __m128 pull, float weight, __m128 alone, float lambda,
                               __m128i *moved) {
    const __m128i zero = _mm_setzero_si128(), one = _mm_set1_epi32(1);
    __m128 now = _mm_add_ps(level_bits(channel->level), run_bits(channel->level, alone)), best = _mm_setzero_ps();
    __m128i ideal = _mm_add_epi32(channel->level, nearest(_mm_div_ps(pull, times(weight, channel->step))));
    __m128i positive = _mm_cmpgt_epi32(ideal, zero); /* -1 where it is */
    __m128i tries[3] = {ideal, _mm_add_epi32(ideal, _mm_or_si128(positive, _mm_andnot_si128(positive, one))), zero};
    *moved = channel->level;
    for (int i = 0; i < 3; i++) {
        __m128 saved = saving(channel, tries[i], pull, weight, alone, now, lambda);
        __m128 better = _mm_cmpgt_ps(saved, best);
        best = _mm_blendv_ps(best, saved, better);
        *moved = chosen(*moved, tries[i], better);
    }
    return best;
}

/* Makes the best single change of each coefficient; adds what it saves. Returns whether there was any. */
static inline int make_move(Channel channel[3], __m128 *total, const DfyLevelCosts *costs) {
    __m128i empty[3], moved[3];
    __m128 best = _mm_setzero_ps(), taken[3];
    for (int c = 0; c < 3; c++) empty[c] = _mm_cmpeq_epi32(channel[c].level, _mm_setzero_si128());
    for (int c = 0; c < 3; c++) {
        const float *w = costs->weight[c];
        __m128 alone = _mm_castsi128_ps(_mm_and_si128(empty[(c + 1) % 3], empty[(c + 2) % 3]));
        __m128 saved = best_move(&channel[c], weighed(w, channel[0].error, channel[1].error, channel[2].error), w[c],
                                 alone, costs->lambda, &moved[c]);
        taken[c] = _mm_cmpgt_ps(saved, best);
        best = _mm_max_ps(saved, best);
        for (int before = 0; before < c; before++) taken[before] = _mm_andnot_ps(taken[c], taken[before]);
    }
    for (int c = 0; c < 3; c++) {
        __m128i next = chosen(channel[c].level, moved[c], taken[c]);
        __m128 change = _mm_cvtepi32_ps(_mm_sub_epi32(next, channel[c].level));
        channel[c].error = _mm_sub_ps(channel[c].error, _mm_mul_ps(change, channel[c].step));
        channel[c].level = next;
    }
    *total = _mm_add_ps(*total, best);
    return _mm_movemask_ps(_mm_cmpgt_ps(best, _mm_setzero_ps()));
}

static void choose(int32_t level[3][64], float saved[64], const float coefficient[3][64], const float step[3][64],
                   int count, const DfyLevelCosts *costs) {
    for (int i = 0; i < count; i += 4) {
        Channel channel[3];
        __m128 total = _mm_setzero_ps();
        for (int c = 0; c < 3; c++)
            channel[c] = (Channel){_mm_setzero_si128(), _mm_loadu_ps(coefficient[c] + i), _mm_loadu_ps(step[c] + i)};
        for (int move = 0; move < DFY_MOST_MOVES && make_move(channel, &total, costs); move++) {
        }
        for (int c = 0; c < 3; c++) _mm_storeu_si128((__m128i *)(level[c] + i), channel[c].level);
        _mm_storeu_ps(saved + i, total);
    }
}

/* ---------------------------------------------------------------- colour */

/* Products of pairs, added up: of 8 pairs, as 8 samples of 16 bits. */
static inline __m128i sums(__m128i a, __m128i b, __m128i factors, __m128i low, __m128i high) {
    __m128i first = _mm_add_epi32(_mm_madd_epi16(_mm_unpacklo_epi16(a, b), factors), low);
    __m128i second = _mm_add_epi32(_mm_madd_epi16(_mm_unpackhi_epi16(a, b), factors), high);
    return _mm_packs_epi32(_mm_srai_epi32(first, DFY_COLOUR_FRACTION), _mm_srai_epi32(second, DFY_COLOUR_FRACTION));
}

static inline __m128i pair(int first, int second) {
    return _mm_set1_epi32((int)((uint32_t)first & 0xFFFF) | (int)((uint32_t)second << 16));
}

/* 4 chroma samples, each twice, without their offset. */
static inline __m128i chroma(const uint8_t *samples) {
    int four;
    memcpy(&four, samples, 4);
    __m128i bytes = _mm_cvtsi32_si128(four);
    return _mm_sub_epi16(_mm_cvtepu8_epi16(_mm_unpacklo_epi8(bytes, bytes)), _mm_set1_epi16(128));
}

static void row_to_rgb(uint8_t *rgb, const uint8_t *y, const uint8_t *u, const uint8_t *v, int count,
                       const DfyColour *colour) {
    const __m128i red = pair(colour->y_scale, colour->r_from_v), blue = pair(colour->y_scale, colour->b_from_u);
    const __m128i green = pair(colour->y_scale, colour->g_from_u), more = pair(colour->g_from_v, DFY_COLOUR_HALF);
    const __m128i half = _mm_set1_epi32(DFY_COLOUR_HALF), one = _mm_set1_epi16(1);
    const __m128i offset = _mm_set1_epi16(colour->y_offset);
    int x = 0;
    for (; x + 8 <= count; x += 8, rgb += 24) {
        __m128i luma = _mm_sub_epi16(_mm_cvtepu8_epi16(load8(y + x)), offset);
        __m128i cb = chroma(u + x / 2), cr = chroma(v + x / 2), channel[3], wide[3];
        __m128i low = _mm_madd_epi16(_mm_unpacklo_epi16(cr, one), more);
        __m128i high = _mm_madd_epi16(_mm_unpackhi_epi16(cr, one), more);
        channel[0] = sums(luma, cr, red, half, half);
        channel[1] = sums(luma, cb, green, low, high);
        channel[2] = sums(luma, cb, blue, half, half);
        for (int i = 0; i < 3; i++) wide[i] = pick(channel, woven[i]);
        save_pixels(rgb, wide);
    }
    if (x < count) dfy_rgb_kernels_c()->row_to_rgb(rgb, y + x, u + x / 2, v + x / 2, count - x, colour);
}

void dfy_rgb_kernels_add_sse41(DfyRgbKernels *kernels) {
    *kernels = (DfyRgbKernels){difference, add, forward, inverse, candidates, choose, row_to_rgb};
}
