/*
 * The trellis, number after number: the inner loop of quantisation, in plain C and with vectors.
 *
 * State s = 2 j + q goes on to j, with bits flipped that the quantiser q and the number's parity choose. So those of
 * quantiser 0 lead to the lower half of the states and those of quantiser 1 to the upper half, and to state t the way
 * with an even number comes from where t's low bits are j, or j ^ 14 in the upper half, the one with an odd number from
 * where they are that ^ 43. With vectors, flipping the low four bits is a shuffle of bytes, flipping bit 5 is another
 * vector, and bit 4 is never flipped.
 */
#include <string.h>

#include "splat/quant/trellis.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define DFY_WITH_AVX2 /* where the processor has it */
#define WITH_SSSE3 __attribute__((target("ssse3")))
#include <immintrin.h>
#elif defined(__SSSE3__) /* Emscripten turns it into WebAssembly's */
#define WITH_SSSE3
#include <tmmintrin.h>
#endif

enum { STATES = DFY_TRELLIS_STATES };

void dfy_trellis_begin(DfyTrellisPaths *paths) {
    for (int state = 0; state < STATES; state++) paths->cost[state] = state ? UINT8_MAX : 0;
    paths->first = 1;
}

int dfy_trellis_end(const DfyTrellisPaths *paths) {
    int end = 0;
    for (int state = 1; state < STATES; state++)
        if (paths->cost[state] < paths->cost[end]) end = state;
    return end;
}

void dfy_trellis_settle(DfyTrellisPaths *paths) {
    int end = dfy_trellis_end(paths);
    paths->first = 1;
    for (int state = 0; state < STATES; state++) paths->cost[state] = state == end ? 0 : UINT8_MAX;
}

int dfy_trellis_run_back(uint8_t *way, const DfyTrellisEven *even, size_t count, int state) {
    for (size_t i = count; i-- > 0;) {
        int parity = (int)(~even[i].of[state >> 5] >> (state & 31) & 1);
        way[i] = (uint8_t)(2 * dfy_trellis_quantiser_before(state) + parity);
        state = dfy_trellis_before(state, 0) ^ (-parity & 2 * DFY_TRELLIS_BY_PARITY);
    }
    return state;
}

/* Whether the least cost is taken from all behind number i of a run. */
static inline int is_lowered(size_t i) {
    return i % DFY_TRELLIS_LOWERED == DFY_TRELLIS_LOWERED - 1;
}

static inline uint8_t more_of(uint32_t more, int quantiser, int parity) {
    return (uint8_t)(more >> 8 * (2 * quantiser + parity));
}

/* ---------------------------------------------------------------- the reference */

/*
 * The first numbers behind the state where all ways begin, in sums that are exact: only with the seventh number they
 * have come to all states, and none from elsewhere may be taken for one. Returns how many numbers.
 */
static size_t leave_state(DfyTrellisPaths *paths, DfyTrellisEven *even, const uint32_t *more, size_t count) {
    enum { NO_WAY = 1 << 20 };
    int32_t sums[STATES], last[STATES], least = NO_WAY;
    size_t some = count < DFY_TRELLIS_BITS ? count : DFY_TRELLIS_BITS;
    for (int state = 0; state < STATES; state++) sums[state] = paths->cost[state] ? NO_WAY : 0;
    for (size_t i = 0; i < some; i++) {
        memcpy(last, sums, sizeof last);
        memset(&even[i], 0, sizeof even[i]);
        for (int state = 0; state < STATES; state++) {
            int quantiser = dfy_trellis_quantiser_before(state);
            int32_t even_way = last[dfy_trellis_before(state, 0)] + more_of(more[i], quantiser, 0);
            int32_t odd_way = last[dfy_trellis_before(state, 1)] + more_of(more[i], quantiser, 1);
            even[i].of[state >> 5] |= (uint32_t)(even_way <= odd_way) << (state & 31);
            sums[state] = odd_way < even_way ? odd_way : even_way;
        }
    }
    for (int state = 0; state < STATES; state++) least = sums[state] < least ? sums[state] : least;
    for (int state = 0; state < STATES; state++)
        paths->cost[state] = (uint8_t)(sums[state] - least < UINT8_MAX ? sums[state] - least : UINT8_MAX);
    paths->first = 0;
    return some;
}

static inline uint8_t add_bytes(int a, int b) {
    return (uint8_t)(a + b > UINT8_MAX ? UINT8_MAX : a + b);
}

static void run_c(DfyTrellisPaths *paths, DfyTrellisEven *even, const uint32_t *more, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint8_t last[STATES], least = UINT8_MAX;
        memcpy(last, paths->cost, sizeof last);
        memset(&even[i], 0, sizeof even[i]);
        for (int state = 0; state < STATES; state++) {
            int quantiser = dfy_trellis_quantiser_before(state);
            uint8_t even_way = add_bytes(last[dfy_trellis_before(state, 0)], more_of(more[i], quantiser, 0));
            uint8_t odd_way = add_bytes(last[dfy_trellis_before(state, 1)], more_of(more[i], quantiser, 1));
            even[i].of[state >> 5] |= (uint32_t)(even_way <= odd_way) << (state & 31);
            paths->cost[state] = odd_way < even_way ? odd_way : even_way;
            if (paths->cost[state] < least) least = paths->cost[state];
        }
        if (!is_lowered(i)) continue;
        for (int state = 0; state < STATES; state++) paths->cost[state] = (uint8_t)(paths->cost[state] - least);
    }
}

/* ---------------------------------------------------------------- vectors */

#ifdef WITH_SSSE3 /* Such processors have the lowest byte first. */
/* Bits of j by which the state before differs: of the upper half's even way, and of both halves' odd one. */
enum { UPPER = DFY_TRELLIS_BY_QUANTISER & 63, ODD = DFY_TRELLIS_BY_PARITY, ANY = UPPER | ODD };
_Static_assert(!(ANY & 16), "no way leads to another half of 32 states but the halves are whole");
_Static_assert((UPPER & 32) == 0 && (ODD & 32) != 0, "only the odd ways' halves change places");

#define FLIPPED(bits)                                                                                                  \
    _mm_setr_epi8(0 ^ (bits), 1 ^ (bits), 2 ^ (bits), 3 ^ (bits), 4 ^ (bits), 5 ^ (bits), 6 ^ (bits), 7 ^ (bits),      \
                  8 ^ (bits), 9 ^ (bits), 10 ^ (bits), 11 ^ (bits), 12 ^ (bits), 13 ^ (bits), 14 ^ (bits),             \
                  15 ^ (bits))
/* Eight even bytes, then eight odd ones. */
#define APART _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15)

/* The least of 16 bytes, in all of them. */
WITH_SSSE3 static inline __m128i least_of(__m128i bytes) {
    bytes = _mm_min_epu8(bytes, _mm_shuffle_epi32(bytes, _MM_SHUFFLE(1, 0, 3, 2)));
    bytes = _mm_min_epu8(bytes, _mm_shuffle_epi32(bytes, _MM_SHUFFLE(2, 3, 0, 1)));
    bytes = _mm_min_epu8(bytes, _mm_or_si128(_mm_srli_epi32(bytes, 16), _mm_slli_epi32(bytes, 16)));
    return _mm_min_epu8(bytes, _mm_or_si128(_mm_srli_epi16(bytes, 8), _mm_slli_epi16(bytes, 8)));
}

enum { NARROW = STATES / 16 };

WITH_SSSE3 static void run_narrow(DfyTrellisPaths *paths, DfyTrellisEven *even, const uint32_t *more, size_t count) {
    const __m128i flips[4] = {FLIPPED(0), FLIPPED(ODD & 15), FLIPPED(UPPER & 15), FLIPPED((UPPER ^ ODD) & 15)};
    __m128i cost[NARROW], apart[NARROW], before[NARROW]; /* before: states of quantiser 0, then of quantiser 1 */
    for (int v = 0; v < NARROW; v++) cost[v] = _mm_loadu_si128((const __m128i *)paths->cost + v);
    for (size_t i = 0; i < count; i++) {
        __m128i each[4];
        uint32_t is_even[NARROW];
        for (int k = 0; k < 4; k++) each[k] = _mm_set1_epi8((char)((const uint8_t *)&more[i])[k]);
        for (int v = 0; v < NARROW; v++) apart[v] = _mm_shuffle_epi8(cost[v], APART);
        for (int v = 0; v < NARROW / 2; v++) {
            before[v] = _mm_unpacklo_epi64(apart[2 * v], apart[2 * v + 1]);
            before[v + NARROW / 2] = _mm_unpackhi_epi64(apart[2 * v], apart[2 * v + 1]);
        }
        for (int v = 0; v < NARROW; v++) {
            int k = v / (NARROW / 2) * 2;
            __m128i even_way = _mm_adds_epu8(_mm_shuffle_epi8(before[v], flips[k]), each[k]);
            __m128i odd_way = _mm_adds_epu8(_mm_shuffle_epi8(before[v ^ ODD >> 4], flips[k + 1]), each[k + 1]);
            cost[v] = _mm_min_epu8(even_way, odd_way);
            is_even[v] = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(cost[v], even_way));
        }
        for (int v = 0; v < NARROW; v += 2) even[i].of[v / 2] = is_even[v + 1] << 16 | is_even[v];
        if (!is_lowered(i)) continue;
        __m128i least = cost[0];
        for (int v = 1; v < NARROW; v++) least = _mm_min_epu8(least, cost[v]);
        least = least_of(least);
        for (int v = 0; v < NARROW; v++) cost[v] = _mm_sub_epi8(cost[v], least);
    }
    for (int v = 0; v < NARROW; v++) _mm_storeu_si128((__m128i *)paths->cost + v, cost[v]);
}
#endif

#ifdef DFY_WITH_AVX2
#define AVX2 __attribute__((target("avx2")))

enum { WIDE = STATES / 32 };

AVX2 static inline void lower_wide(__m256i cost[WIDE]) {
    __m256i pair = _mm256_min_epu8(_mm256_min_epu8(cost[0], cost[1]), _mm256_min_epu8(cost[2], cost[3]));
    __m128i half = _mm_min_epu8(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
    __m256i least = _mm256_broadcastsi128_si256(least_of(half));
    for (int v = 0; v < WIDE; v++) cost[v] = _mm256_sub_epi8(cost[v], least);
}

AVX2 static inline __m256i flipped(__m256i bytes, __m128i flips) {
    return _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(flips));
}

/* The better ways to 32 states; returns a bit for each whose way is the even one. */
AVX2 static inline uint32_t choose_ways(__m256i *cost, __m256i even, __m256i odd, const uint8_t more[2]) {
    __m256i even_way = _mm256_adds_epu8(even, _mm256_set1_epi8((char)more[0]));
    *cost = _mm256_min_epu8(even_way, _mm256_adds_epu8(odd, _mm256_set1_epi8((char)more[1])));
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(*cost, even_way));
}

AVX2 static void run_wide(DfyTrellisPaths *paths, DfyTrellisEven *even, const uint32_t *more, size_t count) {
    __m256i cost[WIDE], lower[2], upper[2]; /* lower, upper: states before, of either quantiser */
    for (int v = 0; v < WIDE; v++) cost[v] = _mm256_loadu_si256((const __m256i *)paths->cost + v);
    for (size_t i = 0; i < count; i++) {
        for (int v = 0; v < WIDE; v++) cost[v] = flipped(cost[v], APART);
        for (int v = 0; v < 2; v++) {
            __m256i first = _mm256_permute2x128_si256(cost[2 * v], cost[2 * v + 1], 0x20);
            __m256i last = _mm256_permute2x128_si256(cost[2 * v], cost[2 * v + 1], 0x31);
            lower[v] = _mm256_unpacklo_epi64(first, last);
            upper[v] = _mm256_unpackhi_epi64(first, last);
        }
        const uint8_t *of_number = (const uint8_t *)&more[i];
        for (int v = 0; v < 2; v++) {
            even[i].of[v] = choose_ways(&cost[v], lower[v], flipped(lower[v ^ 1], FLIPPED(ODD & 15)), of_number);
            even[i].of[v + 2] = choose_ways(&cost[v + 2], flipped(upper[v], FLIPPED(UPPER & 15)),
                                            flipped(upper[v ^ 1], FLIPPED((UPPER ^ ODD) & 15)), of_number + 2);
        }
        if (is_lowered(i)) lower_wide(cost);
    }
    for (int v = 0; v < WIDE; v++) _mm256_storeu_si256((__m256i *)paths->cost + v, cost[v]);
}
#endif

int dfy_trellis_runs(DfyTrellisRun runs[DFY_TRELLIS_RUNS]) {
    int count = 0;
#ifdef DFY_WITH_AVX2
    if (__builtin_cpu_supports("avx2")) runs[count++] = run_wide;
    if (__builtin_cpu_supports("ssse3")) runs[count++] = run_narrow;
#elif defined(WITH_SSSE3)
    runs[count++] = run_narrow;
#endif
    runs[count++] = run_c;
    return count;
}

void dfy_trellis_run(DfyTrellisPaths *paths, DfyTrellisEven *even, const uint32_t *more, size_t count) {
    DfyTrellisRun runs[DFY_TRELLIS_RUNS];
    dfy_trellis_runs(runs);
    size_t first = paths->first ? leave_state(paths, even, more, count) : 0;
    runs[0](paths, even + first, more + first, count - first);
}
