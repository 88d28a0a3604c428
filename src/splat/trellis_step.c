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
    for (int seat = 0; seat < STATES; seat++) paths->cost[seat] = seat ? INT16_MAX : 0;
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
    for (int seat = 0; seat < STATES; seat++) paths->cost[seat] = seat == end ? 0 : INT16_MAX;
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

static inline int next_phase(int phase) {
    return phase + 1 < CYCLE ? phase + 1 : 0;
}

/* ---------------------------------------------------------------- the reference */

static inline float lesser(float a, float b) {
    return a < b ? a : b;
}

/* What the four choices cost more than the cheapest of them. */
static void in_short_c(int16_t more[2][2], const float cost[2][2]) {
    float least = lesser(lesser(cost[0][0], cost[0][1]), lesser(cost[1][0], cost[1][1]));
    for (int i = 0; i < 4; i++)
        more[i / 2][i % 2] = (int16_t)lesser((cost[i / 2][i % 2] - least) * 256 + 0.5f, DFY_TRELLIS_DEAREST);
}

static inline int16_t add_short(int16_t a, int32_t b) {
    int32_t sum = a + b;
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

void dfy_trellis_run_c(DfyTrellisPaths *paths, DfyTrellisOdd *odd, const float (*cost)[2][2], size_t count) {
    for (size_t i = 0; i < count; i++, paths->phase = next_phase(paths->phase)) {
        int16_t more[2][2], last[STATES];
        int partner = paths->partner[paths->phase], quantiser = paths->quantiser[paths->phase];
        in_short_c(more, cost[i]);
        memcpy(last, paths->cost, sizeof last);
        memset(&odd[i], 0, sizeof odd[i]);
        for (int seat = 0; seat < STATES; seat++) {
            const int16_t *by_parity = more[odd_sum((uint32_t)(seat & quantiser))];
            int16_t even_way = add_short(last[seat], by_parity[0]);
            int16_t odd_way = add_short(last[seat ^ partner], by_parity[1]);
            odd[i].of[seat >> 6] |= (uint64_t)(odd_way < even_way) << (seat & 63);
            paths->cost[seat] = odd_way < even_way ? odd_way : even_way;
        }
        if (i % DFY_TRELLIS_LOWERED) continue;
        int16_t first = paths->cost[0];
        for (int seat = 0; seat < STATES; seat++) paths->cost[seat] = add_short(paths->cost[seat], -first);
    }
}

/* ---------------------------------------------------------------- vectors */

#ifdef WITH_SSSE3
/*
 * A vector holds 8 seats or 16. Seats that differ in their low bits are partners by a shuffle of bytes, which swaps
 * pairs of them, and the others by where they are loaded from.
 */
#define PAIR(lane) 2 * (lane), 2 * (lane) + 1
#define PARTNERS(bits)                                                                                                 \
    {                                                                                                                  \
        PAIR(0 ^ bits), PAIR(1 ^ bits), PAIR(2 ^ bits), PAIR(3 ^ bits), PAIR(4 ^ bits), PAIR(5 ^ bits),                \
            PAIR(6 ^ bits), PAIR(7 ^ bits)                                                                             \
    }
static const _Alignas(16) int8_t partners[8][16] = {PARTNERS(0), PARTNERS(1), PARTNERS(2), PARTNERS(3),
                                                    PARTNERS(4), PARTNERS(5), PARTNERS(6), PARTNERS(7)};

/* From what four choices cost, to seats: those of the first quantiser or the second, the cost of their even number. */
#define SUM_OF(seat, bits) (0x96 >> ((seat) & (bits)) & 1)
#define EVEN(seat, bits) 4 * SUM_OF(seat, bits), 4 * SUM_OF(seat, bits) + 1
#define EVENS(bits)                                                                                                    \
    {                                                                                                                  \
        EVEN(0, bits), EVEN(1, bits), EVEN(2, bits), EVEN(3, bits), EVEN(4, bits), EVEN(5, bits), EVEN(6, bits),       \
            EVEN(7, bits)                                                                                              \
    }
static const _Alignas(16) int8_t evens[8][16] = {EVENS(0), EVENS(1), EVENS(2), EVENS(3),
                                                 EVENS(4), EVENS(5), EVENS(6), EVENS(7)};
enum { OTHER_QUANTISER = 4, ODD_NUMBER = 2 }; /* what of those shuffles' bytes differs */

WITH_SSSE3 static inline void in_short(int16_t more[4], const float cost[2][2]) {
    __m128 costs = _mm_loadu_ps(cost[0]);
    __m128 least = _mm_min_ps(costs, _mm_shuffle_ps(costs, costs, _MM_SHUFFLE(2, 3, 0, 1)));
    least = _mm_min_ps(least, _mm_shuffle_ps(least, least, _MM_SHUFFLE(1, 0, 3, 2)));
    costs = _mm_add_ps(_mm_mul_ps(_mm_sub_ps(costs, least), _mm_set1_ps(256)), _mm_set1_ps(0.5f));
    __m128i whole = _mm_cvttps_epi32(_mm_min_ps(costs, _mm_set1_ps(DFY_TRELLIS_DEAREST)));
    _mm_storel_epi64((__m128i *)more, _mm_packs_epi32(whole, whole));
}

/* What goes on from some seats with even numbers and with odd ones: the cheaper way, and whether it is the odd one. */
typedef struct Narrow {
    __m128i cost, odd;
} Narrow;

WITH_SSSE3 static inline Narrow go_on(const int16_t *last, int seat, int partner, __m128i swap, const __m128i more[2]) {
    __m128i own = _mm_loadu_si128((const __m128i *)(last + seat));
    __m128i other = _mm_loadu_si128((const __m128i *)(last + (seat ^ (partner & ~7))));
    __m128i even_way = _mm_adds_epi16(own, more[0]), odd_way = _mm_adds_epi16(_mm_shuffle_epi8(other, swap), more[1]);
    return (Narrow){_mm_min_epi16(even_way, odd_way), _mm_cmpgt_epi16(even_way, odd_way)};
}

WITH_SSSE3 static void run_narrow(DfyTrellisPaths *paths, DfyTrellisOdd *odd, const float (*cost)[2][2], size_t count) {
    int16_t costs[2][STATES];
    memcpy(costs[0], paths->cost, sizeof costs[0]);
    for (size_t i = 0; i < count; i++, paths->phase = next_phase(paths->phase)) {
        int partner = paths->partner[paths->phase], quantiser = paths->quantiser[paths->phase];
        int16_t of_number[4], *last = costs[i & 1], *next = costs[~i & 1];
        in_short(of_number, cost[i]);
        __m128i choices = _mm_loadl_epi64((const __m128i *)of_number), more[2][2];
        __m128i even = _mm_loadu_si128((const __m128i *)evens[quantiser & 7]);
        __m128i swap = _mm_loadu_si128((const __m128i *)partners[partner & 7]), first = _mm_setzero_si128();
        for (int k = 0; k < 4; k++)
            more[k >> 1][k & 1] = _mm_shuffle_epi8(
                choices, _mm_xor_si128(even, _mm_set1_epi8((char)((k >> 1) * OTHER_QUANTISER + (k & 1) * ODD_NUMBER))));
        for (int word = 0; word < 2; word++) {
            uint64_t bits = 0;
            for (int part = 0; part < 64; part += 16) {
                int seat = word * 64 + part;
                Narrow a = go_on(last, seat, partner, swap, more[odd_sum((uint32_t)(seat & quantiser))]);
                Narrow b = go_on(last, seat + 8, partner, swap, more[odd_sum((uint32_t)((seat + 8) & quantiser))]);
                if (!seat && i % DFY_TRELLIS_LOWERED == 0)
                    first = _mm_set1_epi16((int16_t)_mm_extract_epi16(a.cost, 0));
                _mm_storeu_si128((__m128i *)(next + seat), _mm_subs_epi16(a.cost, first));
                _mm_storeu_si128((__m128i *)(next + seat + 8), _mm_subs_epi16(b.cost, first));
                bits |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a.odd, b.odd)) << part;
            }
            odd[i].of[word] = bits;
        }
    }
    memcpy(paths->cost, costs[count & 1], sizeof costs[0]);
}
#endif

#ifdef DFY_WITH_AVX2
#define AVX2 __attribute__((target("avx2")))

/*
 * The same with vectors of two blocks of 8 seats. The second block is that 16 seats on, so that bits come out in order:
 * block b of the seats is at place b with the lowest two bits swapped.
 */
enum { VECTORS = STATES / 16 };

static inline int place_of_block(int block) {
    return (block & 12) | (block & 1) << 1 | (block >> 1 & 1);
}

static void copy_blocks(int16_t *to, const int16_t *from) {
    for (int block = 0; block < STATES / 8; block++) memcpy(to + place_of_block(block) * 8, from + block * 8, 16);
}

/* What even numbers and odd ones cost in a vector's seats: in [0], or in [1] where the sum of its bits below is odd. */
typedef struct Wide {
    __m256i more[2][2];
} Wide;

AVX2 static inline void spread_wide(Wide *w, const int16_t of_number[4], int quantiser) {
    static const _Alignas(32) uint8_t of_halves[2][32] = {{0},
                                                          {[16] = 4,
                                                           [17] = 4,
                                                           [18] = 4,
                                                           [19] = 4,
                                                           [20] = 4,
                                                           [21] = 4,
                                                           [22] = 4,
                                                           [23] = 4,
                                                           [24] = 4,
                                                           [25] = 4,
                                                           [26] = 4,
                                                           [27] = 4,
                                                           [28] = 4,
                                                           [29] = 4,
                                                           [30] = 4,
                                                           [31] = 4}};
    long long choices;
    memcpy(&choices, of_number, sizeof choices);
    __m256i number = _mm256_set1_epi64x(choices);
    __m256i even = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)evens[quantiser & 7]));
    even = _mm256_xor_si256(even, _mm256_load_si256((const __m256i *)of_halves[quantiser >> 4 & 1]));
    for (int q = 0; q < 2; q++)
        for (int odd = 0; odd < 2; odd++) {
            __m256i differs = _mm256_set1_epi8((char)(q * OTHER_QUANTISER + odd * ODD_NUMBER));
            w->more[q][odd] = _mm256_shuffle_epi8(number, _mm256_xor_si256(even, differs));
        }
}

AVX2 static inline void step_wide(int16_t *next, DfyTrellisOdd *odd, const int16_t *last, const Wide *w, int partner,
                                  int quantiser, int lower) {
    const __m256i swap = _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)partners[partner & 7]));
    const int away = place_of_block(partner >> 3) * 8, by_block = quantiser >> 3;
    const int sums = (by_block & 1 ? 0xAA : 0) ^ (by_block & 4 ? 0xCC : 0) ^ (by_block & 8 ? 0xF0 : 0);
    __m256i is_odd[VECTORS], first = _mm256_setzero_si256();
    for (int v = 0; v < VECTORS; v++) {
        const __m256i *more = w->more[sums >> v & 1];
        __m256i own = _mm256_load_si256((const __m256i *)last + v);
        __m256i other = _mm256_castsi128_si256(_mm_load_si128((const __m128i *)(last + (v * 16 ^ away))));
        other = _mm256_inserti128_si256(other, _mm_load_si128((const __m128i *)(last + ((v * 16 + 8) ^ away))), 1);
        __m256i even_way = _mm256_adds_epi16(own, more[0]);
        __m256i odd_way = _mm256_adds_epi16(_mm256_shuffle_epi8(other, swap), more[1]);
        __m256i least = _mm256_min_epi16(even_way, odd_way);
        is_odd[v] = _mm256_cmpgt_epi16(even_way, odd_way);
        if (lower && !v) first = _mm256_broadcastw_epi16(_mm256_castsi256_si128(least));
        _mm256_store_si256((__m256i *)next + v, lower ? _mm256_subs_epi16(least, first) : least);
    }
    for (int word = 0; word < 2; word++) {
        const __m256i *o = is_odd + word * 4;
        uint32_t low = (uint32_t)_mm256_movemask_epi8(_mm256_packs_epi16(o[0], o[1]));
        odd->of[word] = (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_packs_epi16(o[2], o[3])) << 32 | low;
    }
}

AVX2 static void run_wide(DfyTrellisPaths *paths, DfyTrellisOdd *odd, const float (*cost)[2][2], size_t count) {
    _Alignas(32) int16_t costs[2][STATES];
    int16_t of_number[DFY_TRELLIS_RUN][4];
    int phase = paths->phase;
    for (size_t i = 0; i < count; i++) in_short(of_number[i], cost[i]);
    copy_blocks(costs[0], paths->cost);
    for (size_t i = 0; i < count; i++, phase = next_phase(phase)) {
        int partner = paths->partner[phase], quantiser = paths->quantiser[phase];
        Wide w;
        spread_wide(&w, of_number[i], quantiser);
        if (i % DFY_TRELLIS_LOWERED)
            step_wide(costs[~i & 1], &odd[i], costs[i & 1], &w, partner, quantiser, 0);
        else
            step_wide(costs[~i & 1], &odd[i], costs[i & 1], &w, partner, quantiser, 1);
    }
    copy_blocks(paths->cost, costs[count & 1]);
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
    runs[0](paths, odd, cost, count);
}
