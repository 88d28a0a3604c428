/*
 * The trellis, number after number: the inner loop of quantisation, in plain C and with vectors.
 *
 * The machine is linear over the bits of its state, s -> E s with an even number and E s ^ 43 = E (s ^ 86) with an odd
 * one. So no cost has to move: each has a seat, whose state after n numbers is E^n seat. A way that goes on with an
 * even number stays in its seat, and with an odd one it goes to the seat ^ E^-n 86. These partners come in a cycle of
 * 127 numbers, as do the sums of the seat's bits that are its quantiser.
 */
#include <string.h>

#include "splat/trellis.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define DFY_WITH_AVX2 /* where the processor has it */
#define WITH_SSSE3 __attribute__((target("ssse3")))
#include <immintrin.h>
#elif defined(__SSSE3__) /* Emscripten turns it into WebAssembly's */
#define WITH_SSSE3
#include <tmmintrin.h>
#endif

enum { STATES = DFY_TRELLIS_STATES, CYCLE = DFY_TRELLIS_CYCLE };

/* Whether the sum of the bits is odd. */
static inline int odd_sum(uint32_t bits) {
    bits ^= bits >> 4;
    return 0x6996 >> (bits & 15) & 1;
}

void dfy_trellis_begin(DfyTrellisPaths *paths) {
    uint8_t *partner = paths->partner, *quantiser = paths->quantiser;
    for (int seat = 0; seat < STATES; seat++) paths->cost[seat] = seat ? UINT8_MAX : 0;
    paths->first = 1;
    paths->phase = 0;
    partner[0] = 2 * DFY_TRELLIS_BY_PARITY;
    quantiser[0] = 1;
    for (int n = 1; n < CYCLE; n++) {
        partner[n] = (uint8_t)dfy_trellis_before(partner[n - 1], 0);
        quantiser[n] =
            (uint8_t)((quantiser[n - 1] << 1 & (STATES - 1)) | odd_sum(quantiser[n - 1] & DFY_TRELLIS_BY_QUANTISER));
    }
}

static int state_of_seat(int seat, int phase) {
    for (int n = 0; n < phase; n++) seat = dfy_trellis_next(seat, 0);
    return seat;
}

int dfy_trellis_end(const DfyTrellisPaths *paths) {
    int end = 0, end_state = 0;
    for (int seat = 1; seat < STATES; seat++) {
        if (paths->cost[seat] > paths->cost[end]) continue;
        int state = state_of_seat(seat, paths->phase);
        if (paths->cost[seat] == paths->cost[end] && state > end_state) continue;
        end = seat;
        end_state = state;
    }
    return end;
}

void dfy_trellis_settle(DfyTrellisPaths *paths) {
    int end = dfy_trellis_end(paths);
    paths->first = 1;
    for (int seat = 0; seat < STATES; seat++) paths->cost[seat] = seat == end ? 0 : UINT8_MAX;
}

int dfy_trellis_run_back(uint8_t *way, const DfyTrellisPaths *paths, const DfyTrellisOdd *odd, size_t at, size_t count,
                         int seat) {
    size_t phase = (at + count) % CYCLE;
    for (size_t i = count; i-- > 0;) {
        phase = (phase ? phase : CYCLE) - 1;
        int parity = (int)(odd[i].of[seat >> 6] >> (seat & 63) & 1);
        way[i] = (uint8_t)(2 * odd_sum((uint32_t)seat & paths->quantiser[phase]) + parity);
        seat ^= paths->partner[phase] & -parity;
    }
    return seat;
}

/* Whether the least cost is taken from all behind number i of a run. */
static inline int is_lowered(size_t i) {
    return i % DFY_TRELLIS_LOWERED == DFY_TRELLIS_LOWERED - 1;
}

static inline int next_phase(int phase) {
    return phase + 1 < CYCLE ? phase + 1 : 0;
}

/* A number's choices in one: bytes are quantiser 0 even and odd, then quantiser 1. */
static inline uint32_t choices_of(const uint8_t more[4]) {
    return (uint32_t)more[0] | (uint32_t)more[1] << 8 | (uint32_t)more[2] << 16 | (uint32_t)more[3] << 24;
}

/* Whether even numbers of both quantisers cost about the same, and odd ones too much. */
static inline int only_even(uint32_t choices) {
    return (choices & 255) <= DFY_TRELLIS_ALIKE && (choices >> 16 & 255) <= DFY_TRELLIS_ALIKE &&
           (choices >> 8 & 255) >= DFY_TRELLIS_HOPELESS && choices >> 24 >= DFY_TRELLIS_HOPELESS;
}

#define ODD_NEVER 0xFF00FF00u

/* Where only even numbers come into question, all ways go on in their seats at no cost; 0: but costs are lowered. */
static inline int leave_costs(DfyTrellisOdd *odd, size_t i) {
    if (is_lowered(i)) return 0;
    memset(odd, 0, sizeof *odd);
    return 1;
}

/* ---------------------------------------------------------------- the reference */

static inline float lesser(float a, float b) {
    return a < b ? a : b;
}

/* What the four choices cost more than the cheapest of them. */
static void in_bytes_c(uint8_t more[4], const float cost[2][2]) {
    float least = lesser(lesser(cost[0][0], cost[0][1]), lesser(cost[1][0], cost[1][1]));
    for (int i = 0; i < 4; i++)
        more[i] = (uint8_t)lesser((cost[i / 2][i % 2] - least) * DFY_TRELLIS_PARTS + 0.5f, DFY_TRELLIS_DEAREST);
}

/*
 * The first numbers behind the seat where all ways begin, in sums that are exact: only with the seventh number they
 * have come to all seats, and none from elsewhere may be taken for one. Returns how many numbers.
 */
static size_t leave_seat(DfyTrellisPaths *paths, DfyTrellisOdd *odd, const float (*cost)[2][2], size_t count) {
    enum { NO_WAY = 1 << 20 };
    int32_t sums[STATES], last[STATES], least = NO_WAY;
    size_t some = count < DFY_TRELLIS_BITS ? count : DFY_TRELLIS_BITS;
    for (int seat = 0; seat < STATES; seat++) sums[seat] = paths->cost[seat] ? NO_WAY : 0;
    for (size_t i = 0; i < some; i++, paths->phase = next_phase(paths->phase)) {
        uint8_t more[4];
        int partner = paths->partner[paths->phase], quantiser = paths->quantiser[paths->phase];
        in_bytes_c(more, cost[i]);
        memcpy(last, sums, sizeof last);
        memset(&odd[i], 0, sizeof odd[i]);
        for (int seat = 0; seat < STATES; seat++) {
            const uint8_t *by_parity = more + 2 * odd_sum((uint32_t)(seat & quantiser));
            int32_t even_way = last[seat] + by_parity[0], odd_way = last[seat ^ partner] + by_parity[1];
            odd[i].of[seat >> 6] |= (uint64_t)(odd_way < even_way) << (seat & 63);
            sums[seat] = odd_way < even_way ? odd_way : even_way;
        }
    }
    for (int seat = 0; seat < STATES; seat++) least = sums[seat] < least ? sums[seat] : least;
    for (int seat = 0; seat < STATES; seat++)
        paths->cost[seat] = (uint8_t)(sums[seat] - least < UINT8_MAX ? sums[seat] - least : UINT8_MAX);
    paths->first = 0;
    return some;
}

static inline uint8_t add_bytes(int a, int b) {
    return (uint8_t)(a + b > UINT8_MAX ? UINT8_MAX : a + b);
}

void dfy_trellis_run_c(DfyTrellisPaths *paths, DfyTrellisOdd *odd, const float (*cost)[2][2], size_t count) {
    for (size_t i = 0; i < count; i++, paths->phase = next_phase(paths->phase)) {
        uint8_t more[4], last[STATES], least = UINT8_MAX;
        int partner = paths->partner[paths->phase], quantiser = paths->quantiser[paths->phase];
        in_bytes_c(more, cost[i]);
        if (only_even(choices_of(more))) { /* others leave all costs as they are */
            more[0] = more[2] = 0;
            more[1] = more[3] = UINT8_MAX;
        }
        memcpy(last, paths->cost, sizeof last);
        memset(&odd[i], 0, sizeof odd[i]);
        for (int seat = 0; seat < STATES; seat++) {
            const uint8_t *by_parity = more + 2 * odd_sum((uint32_t)(seat & quantiser));
            uint8_t even_way = add_bytes(last[seat], by_parity[0]);
            uint8_t odd_way = add_bytes(last[seat ^ partner], by_parity[1]);
            odd[i].of[seat >> 6] |= (uint64_t)(odd_way < even_way) << (seat & 63);
            paths->cost[seat] = odd_way < even_way ? odd_way : even_way;
            if (paths->cost[seat] < least) least = paths->cost[seat];
        }
        if (!is_lowered(i)) continue;
        for (int seat = 0; seat < STATES; seat++) paths->cost[seat] = (uint8_t)(paths->cost[seat] - least);
    }
}

/* ---------------------------------------------------------------- vectors */

#ifdef WITH_SSSE3
/*
 * A vector holds 16 seats or 32. Seats that differ in their low four bits are partners by a shuffle of bytes, and the
 * others by where they are loaded from.
 */
#define OF_16(f, bits)                                                                                                 \
    {                                                                                                                  \
        f(0, bits), f(1, bits), f(2, bits), f(3, bits), f(4, bits), f(5, bits), f(6, bits), f(7, bits), f(8, bits),    \
            f(9, bits), f(10, bits), f(11, bits), f(12, bits), f(13, bits), f(14, bits), f(15, bits)                   \
    }
#define FOR_16(f)                                                                                                      \
    {                                                                                                                  \
        OF_16(f, 0), OF_16(f, 1), OF_16(f, 2), OF_16(f, 3), OF_16(f, 4), OF_16(f, 5), OF_16(f, 6), OF_16(f, 7),        \
            OF_16(f, 8), OF_16(f, 9), OF_16(f, 10), OF_16(f, 11), OF_16(f, 12), OF_16(f, 13), OF_16(f, 14),            \
            OF_16(f, 15)                                                                                               \
    }
#define PARTNER(seat, bits) (seat) ^ (bits)
static const _Alignas(16) int8_t partners[16][16] = FOR_16(PARTNER);

/* From what four choices cost, to seats: those of the first quantiser or the second, the cost of their even number. */
#define SUM_OF_4(bits) (0x6996 >> (bits)&1)
#define EVEN(seat, bits) 2 * SUM_OF_4((seat) & (bits))
static const _Alignas(16) int8_t evens[16][16] = FOR_16(EVEN);
enum { OTHER_QUANTISER = 2, ODD_NUMBER = 1 }; /* what of those shuffles' bytes differs */

/* What the choices of a run's numbers cost in bytes, four a number. */
WITH_SSSE3 static inline void in_bytes(uint8_t (*more)[4], const float (*cost)[2][2], size_t count) {
    for (size_t i = 0; i < count; i += 4) {
        __m128i whole[4];
        for (size_t j = 0; j < 4; j++) {
            __m128 costs = _mm_loadu_ps(cost[i + j < count ? i + j : i][0]);
            __m128 least = _mm_min_ps(costs, _mm_shuffle_ps(costs, costs, _MM_SHUFFLE(2, 3, 0, 1)));
            least = _mm_min_ps(least, _mm_shuffle_ps(least, least, _MM_SHUFFLE(1, 0, 3, 2)));
            costs = _mm_mul_ps(_mm_sub_ps(costs, least), _mm_set1_ps(DFY_TRELLIS_PARTS));
            costs = _mm_min_ps(_mm_add_ps(costs, _mm_set1_ps(0.5f)), _mm_set1_ps(DFY_TRELLIS_DEAREST));
            whole[j] = _mm_cvttps_epi32(costs);
        }
        __m128i bytes = _mm_packus_epi16(_mm_packs_epi32(whole[0], whole[1]), _mm_packs_epi32(whole[2], whole[3]));
        _mm_storeu_si128((__m128i *)more[i], bytes);
    }
}

/* The least of 16 bytes, in all of them. */
WITH_SSSE3 static inline __m128i least_of(__m128i bytes) {
    bytes = _mm_min_epu8(bytes, _mm_shuffle_epi32(bytes, _MM_SHUFFLE(1, 0, 3, 2)));
    bytes = _mm_min_epu8(bytes, _mm_shuffle_epi32(bytes, _MM_SHUFFLE(2, 3, 0, 1)));
    bytes = _mm_min_epu8(bytes, _mm_or_si128(_mm_srli_epi32(bytes, 16), _mm_slli_epi32(bytes, 16)));
    return _mm_min_epu8(bytes, _mm_or_si128(_mm_srli_epi16(bytes, 8), _mm_slli_epi16(bytes, 8)));
}

enum { NARROW = STATES / 16 };

WITH_SSSE3 static void run_narrow(DfyTrellisPaths *paths, DfyTrellisOdd *odd, const float (*cost)[2][2], size_t count) {
    uint8_t costs[2][STATES], of_number[DFY_TRELLIS_RUN][4];
    int at = 0;
    in_bytes(of_number, cost, count);
    memcpy(costs[0], paths->cost, sizeof costs[0]);
    for (size_t i = 0; i < count; i++, paths->phase = next_phase(paths->phase)) {
        int partner = paths->partner[paths->phase], quantiser = paths->quantiser[paths->phase];
        uint32_t number = choices_of(of_number[i]);
        if (only_even(number)) {
            if (leave_costs(&odd[i], i)) continue;
            number = ODD_NEVER;
        }
        const uint8_t *last = costs[at];
        uint8_t *next = costs[at ^= 1];
        __m128i choices = _mm_set1_epi32((int)number), more[2][2], least = _mm_set1_epi8(-1);
        __m128i even = _mm_loadu_si128((const __m128i *)evens[quantiser & 15]);
        __m128i swap = _mm_loadu_si128((const __m128i *)partners[partner & 15]);
        uint64_t is_odd[2] = {0, 0};
        for (int k = 0; k < 4; k++)
            more[k >> 1][k & 1] = _mm_shuffle_epi8(
                choices, _mm_xor_si128(even, _mm_set1_epi8((char)((k >> 1) * OTHER_QUANTISER + (k & 1) * ODD_NUMBER))));
        for (int v = 0; v < NARROW; v++) {
            const __m128i *here = more[odd_sum((uint32_t)(v * 16 & quantiser))];
            __m128i own = _mm_loadu_si128((const __m128i *)(last + v * 16));
            __m128i other = _mm_loadu_si128((const __m128i *)(last + (v * 16 ^ (partner & ~15))));
            __m128i even_way = _mm_adds_epu8(own, here[0]);
            __m128i odd_way = _mm_adds_epu8(_mm_shuffle_epi8(other, swap), here[1]);
            __m128i cheaper = _mm_min_epu8(even_way, odd_way);
            uint32_t is_even = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(cheaper, even_way));
            _mm_storeu_si128((__m128i *)(next + v * 16), cheaper);
            least = _mm_min_epu8(least, cheaper);
            is_odd[v >> 2] |= (uint64_t)(is_even ^ 0xFFFF) << (v & 3) * 16;
        }
        memcpy(odd[i].of, is_odd, sizeof is_odd);
        if (!is_lowered(i)) continue;
        least = least_of(least);
        for (int v = 0; v < NARROW; v++) {
            __m128i *seats = (__m128i *)(next + v * 16);
            _mm_storeu_si128(seats, _mm_sub_epi8(_mm_loadu_si128(seats), least));
        }
    }
    memcpy(paths->cost, costs[at], sizeof costs[0]);
}
#endif

#ifdef DFY_WITH_AVX2
#define AVX2 __attribute__((target("avx2")))

enum { WIDE = STATES / 32 };

/* What even numbers and odd ones cost in a vector's seats: in [0], or in [1] where the sum of its bits below is odd. */
typedef struct Wide {
    __m256i more[2][2];
} Wide;

AVX2 static inline void spread_wide(Wide *w, uint32_t choices, int quantiser) {
    __m128i even = _mm_load_si128((const __m128i *)evens[quantiser & 15]);
    __m128i upper = _mm_xor_si128(even, _mm_set1_epi8((char)((quantiser >> 4 & 1) * OTHER_QUANTISER)));
    __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(even), upper, 1);
    __m256i number = _mm256_set1_epi32((int)choices);
    for (int q = 0; q < 2; q++)
        for (int odd = 0; odd < 2; odd++) {
            __m256i differs = _mm256_set1_epi8((char)(q * OTHER_QUANTISER + odd * ODD_NUMBER));
            w->more[q][odd] = _mm256_shuffle_epi8(number, _mm256_xor_si256(both, differs));
        }
}

AVX2 static inline void lower_wide(__m256i cost[WIDE]) {
    __m256i pair = _mm256_min_epu8(_mm256_min_epu8(cost[0], cost[1]), _mm256_min_epu8(cost[2], cost[3]));
    __m128i half = _mm_min_epu8(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
    __m256i least = _mm256_broadcastsi128_si256(least_of(half));
    for (int v = 0; v < WIDE; v++) cost[v] = _mm256_sub_epi8(cost[v], least);
}

AVX2 static inline void step_wide(uint8_t *next, DfyTrellisOdd *odd, const uint8_t *last, const Wide *w, int partner,
                                  int quantiser, int lower) {
    const __m256i swap = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)partners[partner & 15]));
    const int away = partner & ~15, sums = (quantiser & 32 ? 0xA : 0) ^ (quantiser & 64 ? 0xC : 0);
    __m256i cheaper[WIDE];
    uint64_t is_even[WIDE];
    for (int v = 0; v < WIDE; v++) {
        const __m256i *more = w->more[sums >> v & 1];
        __m256i own = _mm256_load_si256((const __m256i *)last + v);
        __m256i other = _mm256_castsi128_si256(_mm_load_si128((const __m128i *)(last + (v * 32 ^ away))));
        other = _mm256_inserti128_si256(other, _mm_load_si128((const __m128i *)(last + ((v * 32 + 16) ^ away))), 1);
        __m256i even_way = _mm256_adds_epu8(own, more[0]);
        __m256i odd_way = _mm256_adds_epu8(_mm256_shuffle_epi8(other, swap), more[1]);
        cheaper[v] = _mm256_min_epu8(even_way, odd_way);
        is_even[v] = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(cheaper[v], even_way));
    }
    if (lower) lower_wide(cheaper);
    for (int v = 0; v < WIDE; v++) _mm256_store_si256((__m256i *)next + v, cheaper[v]);
    for (int word = 0; word < 2; word++) odd->of[word] = ~(is_even[2 * word + 1] << 32 | is_even[2 * word]);
}

AVX2 static void run_wide(DfyTrellisPaths *paths, DfyTrellisOdd *odd, const float (*cost)[2][2], size_t count) {
    _Alignas(32) uint8_t costs[2][STATES];
    uint8_t of_number[DFY_TRELLIS_RUN][4];
    int phase = paths->phase, at = 0;
    in_bytes(of_number, cost, count);
    memcpy(costs[0], paths->cost, sizeof costs[0]);
    for (size_t i = 0; i < count; i++, phase = next_phase(phase)) {
        int partner = paths->partner[phase], quantiser = paths->quantiser[phase];
        Wide w;
        uint32_t choices = choices_of(of_number[i]);
        if (only_even(choices)) {
            if (leave_costs(&odd[i], i)) continue;
            choices = ODD_NEVER;
        }
        spread_wide(&w, choices, quantiser);
        if (is_lowered(i))
            step_wide(costs[at ^ 1], &odd[i], costs[at], &w, partner, quantiser, 1);
        else
            step_wide(costs[at ^ 1], &odd[i], costs[at], &w, partner, quantiser, 0);
        at ^= 1;
    }
    memcpy(paths->cost, costs[at], sizeof costs[0]);
    paths->phase = phase;
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
    runs[count++] = dfy_trellis_run_c;
    return count;
}

void dfy_trellis_run(DfyTrellisPaths *paths, DfyTrellisOdd *odd, const float (*cost)[2][2], size_t count) {
    DfyTrellisRun runs[DFY_TRELLIS_RUNS];
    dfy_trellis_runs(runs);
    size_t first = paths->first ? leave_seat(paths, odd, cost, count) : 0;
    runs[0](paths, odd + first, cost + first, count - first);
}
