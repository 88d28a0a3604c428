/* The trellis, one number on: the inner loop of quantisation, with SSE (which Emscripten turns into WebAssembly's). */
#include <string.h>

#include "splat/trellis.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { STATES = DFY_TRELLIS_STATES, HALF = STATES / 2 };

void dfy_trellis_merge_c(DfyTrellisCosts *costs, DfyTrellisOdd *odd, const DfyTrellisCosts *even_ways,
                         const DfyTrellisCosts *odd_ways) {
    memset(odd, 0, sizeof *odd);
    for (int state = 0; state < STATES; state++) {
        float even_way = even_ways->of[dfy_trellis_before(state, 0)];
        float odd_way = odd_ways->of[dfy_trellis_before(state, 1)];
        odd->of[state >> 6] |= (uint64_t)(odd_way < even_way) << (state & 63);
        costs->of[state] = odd_way < even_way ? odd_way : even_way;
    }
}

void dfy_trellis_step_c(DfyTrellisCosts *costs, DfyTrellisOdd *odd, const float more[2][2]) {
    DfyTrellisCosts even_ways, odd_ways;
    for (int state = 0; state < STATES; state++) {
        even_ways.of[state] = costs->of[state] + more[state & 1][0];
        odd_ways.of[state] = costs->of[state] + more[state & 1][1];
    }
    dfy_trellis_merge_c(costs, odd, &even_ways, &odd_ways);
}

void dfy_trellis_lower(DfyTrellisCosts *costs) {
    DfyTrellisCosts lowered; /* apart, as Emscripten 3.1.6 makes a loop in place wrong */
    for (int state = 0; state < STATES; state++) lowered.of[state] = costs->of[state] - costs->of[0];
    *costs = lowered;
}

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
    DfyTrellisShort lowered;
    for (int state = 0; state < STATES; state++) lowered.of[state] = add_short(costs->of[state], -costs->of[0]);
    *costs = lowered;
}

#ifdef __SSE2__
enum {
    VECTORS = HALF / 4,
    SWAP_QUANTISER = DFY_TRELLIS_BY_QUANTISER & (HALF - 1), /* what state numbers are combined with: lanes by their */
    SWAP_PARITY = DFY_TRELLIS_BY_PARITY & (HALF - 1)        /* low two bits, vectors by the others */
};

/* v with lane i at i ^ swap. */
static inline __m128 swap_lanes(__m128 v, int swap) {
    switch (swap & 3) {
    case 1: return _mm_shuffle_ps(v, v, _MM_SHUFFLE(2, 3, 0, 1));
    case 2: return _mm_shuffle_ps(v, v, _MM_SHUFFLE(1, 0, 3, 2));
    case 3: return _mm_shuffle_ps(v, v, _MM_SHUFFLE(0, 1, 2, 3));
    default: return v;
    }
}

/* The costs of the states of each quantiser, in the order of the states that even numbers lead to. */
static inline void split(__m128 half[2][VECTORS], const float *of) {
    for (int i = 0; i < VECTORS; i++) {
        __m128 a = _mm_loadu_ps(of + 8 * i), b = _mm_loadu_ps(of + 8 * i + 4);
        half[0][i] = _mm_shuffle_ps(a, b, _MM_SHUFFLE(2, 0, 2, 0));
        half[1][i ^ SWAP_QUANTISER >> 2] = swap_lanes(_mm_shuffle_ps(a, b, _MM_SHUFFLE(3, 1, 3, 1)), SWAP_QUANTISER);
    }
}

/* The states that one quantiser's lead to. */
static inline uint64_t step_half(float *next, const __m128 *even_half, const __m128 *odd_half, const float more[2]) {
    __m128 even = _mm_set1_ps(more[0]), odd = _mm_set1_ps(more[1]);
    uint64_t bits = 0;
    for (int i = 0; i < VECTORS; i++) {
        __m128 even_way = _mm_add_ps(even_half[i], even);
        __m128 odd_way = _mm_add_ps(swap_lanes(odd_half[i ^ SWAP_PARITY >> 2], SWAP_PARITY), odd);
        bits |= (uint64_t)_mm_movemask_ps(_mm_cmplt_ps(odd_way, even_way)) << (4 * i);
        _mm_storeu_ps(next + 4 * i, _mm_min_ps(odd_way, even_way));
    }
    return bits;
}

void dfy_trellis_step(DfyTrellisCosts *costs, DfyTrellisOdd *odd, const float more[2][2]) {
    __m128 half[2][VECTORS];
    split(half, costs->of);
    odd->of[0] = step_half(costs->of, half[0], half[0], more[0]);
    odd->of[1] = step_half(costs->of + HALF, half[1], half[1], more[1]);
}

void dfy_trellis_merge(DfyTrellisCosts *costs, DfyTrellisOdd *odd, const DfyTrellisCosts *even_ways,
                       const DfyTrellisCosts *odd_ways) {
    static const float nothing[2] = {0, 0};
    __m128 even[2][VECTORS], other[2][VECTORS];
    split(even, even_ways->of);
    split(other, odd_ways->of);
    odd->of[0] = step_half(costs->of, even[0], other[0], nothing);
    odd->of[1] = step_half(costs->of + HALF, even[1], other[1], nothing);
}

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

void dfy_trellis_short_step(DfyTrellisShort *costs, DfyTrellisOdd *odd, const int16_t more[2][2]) {
    __m128i half[2][SHORTS];
    split_short(half, costs->of);
    odd->of[0] = step_half_short(costs->of, half[0], more[0]);
    odd->of[1] = step_half_short(costs->of + HALF, half[1], more[1]);
}
#else
void dfy_trellis_short_step(DfyTrellisShort *costs, DfyTrellisOdd *odd, const int16_t more[2][2]) {
    dfy_trellis_short_step_c(costs, odd, more);
}

void dfy_trellis_step(DfyTrellisCosts *costs, DfyTrellisOdd *odd, const float more[2][2]) {
    dfy_trellis_step_c(costs, odd, more);
}

void dfy_trellis_merge(DfyTrellisCosts *costs, DfyTrellisOdd *odd, const DfyTrellisCosts *even_ways,
                       const DfyTrellisCosts *odd_ways) {
    dfy_trellis_merge_c(costs, odd, even_ways, odd_ways);
}
#endif
