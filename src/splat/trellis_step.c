/* The trellis, one number on: the inner loop of quantisation, with SSE (which Emscripten turns into WebAssembly's). */
#include <string.h>

#include "splat/trellis.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define DFY_WITH_AVX2 /* where the processor has it */
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

enum { STATES = DFY_TRELLIS_STATES, HALF = STATES / 2 };

static inline int16_t add_short(int16_t a, int32_t b) {
    int32_t sum = a + b;
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

void dfy_trellis_short_step_c(DfyTrellisShort *costs, DfyTrellisOdd *odd, const int16_t more[2][2]) {
    DfyTrellisShort last = *costs;
    memset(odd, 0, sizeof *odd);
    for (int state = 0; state < STATES; state++) {
        const int16_t *by_parity = more[dfy_trellis_quantiser_before(state)];
        int16_t even_way = add_short(last.of[dfy_trellis_before(state, 0)], by_parity[0]);
        int16_t odd_way = add_short(last.of[dfy_trellis_before(state, 1)], by_parity[1]);
        odd->of[state >> 6] |= (uint64_t)(odd_way < even_way) << (state & 63);
        costs->of[state] = odd_way < even_way ? odd_way : even_way;
    }
}

void dfy_trellis_short_lower(DfyTrellisShort *costs) {
#ifdef __SSE2__
    __m128i first = _mm_set1_epi16(costs->of[0]);
    for (int i = 0; i < STATES; i += 8) {
        __m128i *of = (__m128i *)(costs->of + i);
        _mm_storeu_si128(of, _mm_subs_epi16(_mm_loadu_si128(of), first));
    }
#else
    DfyTrellisShort lowered;
    for (int state = 0; state < STATES; state++) lowered.of[state] = add_short(costs->of[state], -costs->of[0]);
    *costs = lowered;
#endif
}

#ifdef __SSE2__
enum {
    SWAP_QUANTISER = DFY_TRELLIS_BY_QUANTISER & (HALF - 1), /* what state numbers are combined with: lanes by their */
    SWAP_PARITY = DFY_TRELLIS_BY_PARITY & (HALF - 1)        /* low two bits, vectors by the others */
};

enum {
    SHORTS = HALF / 8, /* vectors of 16-bit costs; lanes are swapped by the low three bits of state numbers */
    LANES_BY_QUANTISER = SWAP_QUANTISER & 7,
    LANES_BY_PARITY = SWAP_PARITY & 7
};
_Static_assert(LANES_BY_QUANTISER == 6 && LANES_BY_PARITY == 3, "the shuffles below are for this machine");

static inline void split_short(__m128i half[2][SHORTS], const int16_t *of) {
    for (int i = 0; i < SHORTS; i++) {
        __m128i a = _mm_loadu_si128((const __m128i *)(of + 16 * i));
        __m128i b = _mm_loadu_si128((const __m128i *)(of + 16 * i + 8));
        half[0][i] = _mm_packs_epi32(_mm_srai_epi32(_mm_slli_epi32(a, 16), 16), //
                                     _mm_srai_epi32(_mm_slli_epi32(b, 16), 16));
        half[1][i ^ SWAP_QUANTISER >> 3] =
            _mm_shuffle_epi32(_mm_packs_epi32(_mm_srai_epi32(a, 16), _mm_srai_epi32(b, 16)), _MM_SHUFFLE(0, 1, 2, 3));
    }
}

static inline uint64_t step_half_short(int16_t *next, const __m128i *half, const int16_t more[2]) {
    __m128i even = _mm_set1_epi16(more[0]), odd = _mm_set1_epi16(more[1]), is_odd[SHORTS];
    uint64_t bits = 0;
    for (int i = 0; i < SHORTS; i++) {
        __m128i other = _mm_shufflelo_epi16(half[i ^ SWAP_PARITY >> 3], _MM_SHUFFLE(0, 1, 2, 3));
        __m128i even_way = _mm_adds_epi16(half[i], even);
        __m128i odd_way = _mm_adds_epi16(_mm_shufflehi_epi16(other, _MM_SHUFFLE(0, 1, 2, 3)), odd);
        is_odd[i] = _mm_cmpgt_epi16(even_way, odd_way);
        _mm_storeu_si128((__m128i *)(next + 8 * i), _mm_min_epi16(even_way, odd_way));
    }
    for (int i = 0; i < SHORTS; i += 2)
        bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(is_odd[i], is_odd[i + 1])) << (8 * i);
    return bits;
}

#ifdef DFY_WITH_AVX2
/*
 * The same with vectors of 16. Half of states 2i + q, q being the quantiser, in the order of the states they lead to by
 * even numbers: lane i, or i ^ 14 for the second quantiser, whose groups of four lanes are in reverse, with pairs
 * swapped.
 */
#define AVX2 __attribute__((target("avx2")))

AVX2 static inline void split_wide(__m256i half[2][HALF / 16], const int16_t *of) {
    const __m256i apart = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 10, 11, 14, 15, 2, 3, 6, 7, /* evens, odds ^ 2 */
                                           0, 1, 4, 5, 8, 9, 12, 13, 10, 11, 14, 15, 2, 3, 6, 7);
    for (int i = 0; i < HALF / 16; i++) {
        __m256i a = _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(of + 32 * i)), apart);
        __m256i b = _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)(of + 32 * i + 16)), apart);
        half[0][i] = _mm256_permute4x64_epi64(_mm256_unpacklo_epi64(a, b), _MM_SHUFFLE(3, 1, 2, 0));
        half[1][i] = _mm256_permute4x64_epi64(_mm256_unpackhi_epi64(a, b), _MM_SHUFFLE(0, 2, 1, 3));
    }
}
_Static_assert(SWAP_QUANTISER == 14 && SWAP_PARITY == 43, "the shuffles above and below are for this machine");

AVX2 static inline uint64_t step_half_wide(int16_t *next, const __m256i *half, const int16_t more[2]) {
    const __m256i reverse = _mm256_setr_epi8(6, 7, 4, 5, 2, 3, 0, 1, 14, 15, 12, 13, 10, 11, 8, 9, /* lanes ^ 3 */
                                             6, 7, 4, 5, 2, 3, 0, 1, 14, 15, 12, 13, 10, 11, 8, 9);
    __m256i even = _mm256_set1_epi16(more[0]), odd = _mm256_set1_epi16(more[1]), is_odd[HALF / 16];
    for (int i = 0; i < HALF / 16; i++) {
        __m256i other = _mm256_permute4x64_epi64(half[i ^ SWAP_PARITY >> 4], _MM_SHUFFLE(1, 0, 3, 2));
        __m256i even_way = _mm256_adds_epi16(half[i], even);
        __m256i odd_way = _mm256_adds_epi16(_mm256_shuffle_epi8(other, reverse), odd);
        is_odd[i] = _mm256_cmpgt_epi16(even_way, odd_way);
        _mm256_storeu_si256((__m256i *)(next + 16 * i), _mm256_min_epi16(even_way, odd_way));
    }
    uint64_t bits = 0;
    for (int i = 0; i < HALF / 16; i += 2) {
        __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(is_odd[i], is_odd[i + 1]), _MM_SHUFFLE(3, 1, 2, 0));
        bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(both) << (16 * i);
    }
    return bits;
}

AVX2 static void short_step_wide(DfyTrellisShort *costs, DfyTrellisOdd *odd, const int16_t more[2][2]) {
    __m256i half[2][HALF / 16];
    split_wide(half, costs->of);
    odd->of[0] = step_half_wide(costs->of, half[0], more[0]);
    odd->of[1] = step_half_wide(costs->of + HALF, half[1], more[1]);
}
#endif

void dfy_trellis_short_step(DfyTrellisShort *costs, DfyTrellisOdd *odd, const int16_t more[2][2]) {
#ifdef DFY_WITH_AVX2
    if (__builtin_cpu_supports("avx2")) {
        short_step_wide(costs, odd, more);
        return;
    }
#endif
    __m128i half[2][SHORTS];
    split_short(half, costs->of);
    odd->of[0] = step_half_short(costs->of, half[0], more[0]);
    odd->of[1] = step_half_short(costs->of + HALF, half[1], more[1]);
}
#else
void dfy_trellis_short_step(DfyTrellisShort *costs, DfyTrellisOdd *odd, const int16_t more[2][2]) {
    dfy_trellis_short_step_c(costs, odd, more);
}
#endif

#ifndef __SSE2__
static inline float lesser(float a, float b) {
    return a < b ? a : b;
}
#endif

/* What the four choices cost more than the cheapest of them. */
static inline void in_short(int16_t more[2][2], const float cost[2][2]) {
#ifdef __SSE2__
    __m128 costs = _mm_loadu_ps(cost[0]);
    __m128 least = _mm_min_ps(costs, _mm_shuffle_ps(costs, costs, _MM_SHUFFLE(2, 3, 0, 1)));
    least = _mm_min_ps(least, _mm_shuffle_ps(least, least, _MM_SHUFFLE(1, 0, 3, 2)));
    costs = _mm_add_ps(_mm_mul_ps(_mm_sub_ps(costs, least), _mm_set1_ps(256)), _mm_set1_ps(0.5f));
    __m128i whole = _mm_cvttps_epi32(_mm_min_ps(costs, _mm_set1_ps(DFY_TRELLIS_DEAREST)));
    _mm_storel_epi64((__m128i *)more, _mm_packs_epi32(whole, whole));
#else
    float least = lesser(lesser(cost[0][0], cost[0][1]), lesser(cost[1][0], cost[1][1]));
    for (int i = 0; i < 4; i++)
        more[i / 2][i % 2] = (int16_t)lesser((cost[i / 2][i % 2] - least) * 256 + 0.5f, DFY_TRELLIS_DEAREST);
#endif
}

void dfy_trellis_cost_step(DfyTrellisShort *costs, DfyTrellisOdd *odd, const float cost[2][2]) {
    int16_t more[2][2];
    in_short(more, cost);
    dfy_trellis_short_step(costs, odd, (const int16_t(*)[2])more);
}
