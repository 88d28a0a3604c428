/*
 * Trellis-coded quantisation: two quantisers, of even and of odd multiples of the step, and a machine of 128 states
 * that picks one by the parities of the numbers before. The decoder only follows the machine; the encoder looks for
 * the best way through it, so that points lie as densely as with half the step at a rate near the whole step's
 * (Marcellin and Fischer, "Trellis coded quantization", 1990; used so in VVC). More states leave a smaller
 * error, each doubling less so (8: 1.09 dB, 128: 1.3 dB of at most 1.53); the decoder does not mind.
 *
 * Plain numbers are any multiples: number c means 2c in quantiser 0 and 2c + 1 in quantiser 1. Centred ones, which are
 * mostly 0, have 0 in both quantisers: c means 2c, or 2c - sign(c) in quantiser 1.
 */
#ifndef DFY_SPLAT_TRELLIS_H
#define DFY_SPLAT_TRELLIS_H

#include <stddef.h>
#include <stdint.h>

enum {
    DFY_TRELLIS_BITS = 7,
    DFY_TRELLIS_STATES = 1 << DFY_TRELLIS_BITS,
    /* Ungerboeck's parity polynomials for so many states, octal 235 and 126, without their lowest bit. */
    DFY_TRELLIS_BY_QUANTISER = 0235 >> 1,
    DFY_TRELLIS_BY_PARITY = 0126 >> 1,
    DFY_TRELLIS_MOST = 72 /* numbers in a row */
};

/* The quantiser of a state is state & 1. */
static inline int dfy_trellis_next(int state, int32_t coded) {
    return state >> 1 ^ (state & 1) * DFY_TRELLIS_BY_QUANTISER ^ (coded & 1) * DFY_TRELLIS_BY_PARITY;
}

/* Two states lead to each, one with an even number and one with an odd; both have this quantiser. */
static inline int dfy_trellis_quantiser_before(int state) {
    return state >> (DFY_TRELLIS_BITS - 1);
}
static inline int dfy_trellis_before(int state, int parity) {
    int quantiser = dfy_trellis_quantiser_before(state);
    return 2 * ((state ^ quantiser * DFY_TRELLIS_BY_QUANTISER) ^ parity * DFY_TRELLIS_BY_PARITY) + quantiser;
}

/* The multiple of the step that centred number `coded` means, and back. */
static inline int32_t dfy_trellis_value(int state, int32_t coded) {
    return 2 * coded - (state & 1 ? (coded > 0) - (coded < 0) : 0);
}
static inline int32_t dfy_trellis_coded(int state, int32_t value) {
    return (value + (state & 1 ? (value > 0) - (value < 0) : 0)) / 2;
}

typedef struct DfyTrellis {
    const float *parts; /* rows x n values */
    const double *norm; /* weight of each column's squared error; NULL: 1 */
    size_t rows;
    int n, centred;
    int by_column;         /* parts and values are column by column, and so goes the trellis; else row by row */
    const int32_t *limits; /* plain numbers: column k's are in 0..limits[k]-1; NULL: any */
    size_t learn_rows;     /* centred: what numbers cost is learnt from about so many rows; 0: those quantised */
    double wanted;         /* what the mean of squared errors should be, and no larger; 0: as the step makes it */
    int greedy;            /* each number is chosen by itself, without the trellis: faster, more bytes */
    double usual_step;     /* a search begins with, 0: none is known */
    float bit_worth; /* in squared steps: larger gives up more error for fewer bits, which a finer step makes good */
} DfyTrellis;

/*
 * Quantises every stride-th row; values gets their multiples of the step as if there were no others, and may be NULL.
 * Returns the mean of weighted squared errors, or a negative number when there is no memory.
 */
double dfy_trellis_quantise(int32_t *values, const DfyTrellis *trellis, double step, size_t stride);

/*
 * The mean that rounding to even multiples leaves, the small ones to 0 where numbers are centred: it grows with the
 * step much as the trellis' own does, at a small part of the time.
 */
double dfy_trellis_foresee(const DfyTrellis *trellis, double step, size_t stride);

/* A bit a state (lowest first): the cheaper way there is the even number's. */
typedef struct DfyTrellisEven {
    uint32_t of[DFY_TRELLIS_STATES / 32];
} DfyTrellisEven;

enum {
    DFY_TRELLIS_PARTS = 10,    /* of a squared step, in which costs are counted: finer ones save no bytes */
    DFY_TRELLIS_DEAREST = 156, /* what a choice costs more than the cheapest one at most, in those parts */
    DFY_TRELLIS_LOWERED = 8,   /* numbers after which costs are lowered */
    DFY_TRELLIS_RUN = 256,     /* numbers of a run; only the last has fewer */
    DFY_TRELLIS_RUNS = 3       /* ways to do it */
};

static inline float dfy_trellis_lesser(float a, float b) {
    return a < b ? a : b;
}

/* What four choices, of quantiser 0 even (the lowest byte) and odd, then of quantiser 1, cost more than the cheapest.
 */
static inline uint32_t dfy_trellis_in_bytes(const float cost[2][2]) {
    float least =
        dfy_trellis_lesser(dfy_trellis_lesser(cost[0][0], cost[0][1]), dfy_trellis_lesser(cost[1][0], cost[1][1]));
    uint32_t more = 0;
    for (int i = 0; i < 4; i++) {
        float part = dfy_trellis_lesser((cost[i / 2][i % 2] - least) * DFY_TRELLIS_PARTS + 0.5f, DFY_TRELLIS_DEAREST);
        more |= (uint32_t)(int32_t)part << 8 * i;
    }
    return more;
}

/*
 * Sums of squared errors (and worth of bits) so far of the cheapest way to each state, in DFY_TRELLIS_PARTS, 255 at
 * most, which ways that are never taken have: at first those to all states but one.
 */
typedef struct DfyTrellisPaths {
    uint8_t cost[DFY_TRELLIS_STATES];
    int first; /* no number is behind these costs */
} DfyTrellisPaths;

/* Every way begins in state 0. */
void dfy_trellis_begin(DfyTrellisPaths *paths);
/* The cheapest state. */
int dfy_trellis_end(const DfyTrellisPaths *paths);

/* From here on, all ways begin where the cheapest one ends. */
void dfy_trellis_settle(DfyTrellisPaths *paths);

/*
 * So many numbers on; more: see dfy_trellis_in_bytes. The least cost is taken from all after every 8 numbers, so that
 * sums stay in range.
 */
void dfy_trellis_run(DfyTrellisPaths *paths, DfyTrellisEven *even, const uint32_t *more, size_t count);
/* Back over the numbers before a state: way[number] becomes 2 x quantiser + parity. Returns the state they began in. */
int dfy_trellis_run_back(uint8_t *way, const DfyTrellisEven *even, size_t count, int state);

/* All that this processor has, the best first and the reference last; they do the same. Returns how many. */
typedef void (*DfyTrellisRun)(DfyTrellisPaths *paths, DfyTrellisEven *even, const uint32_t *more, size_t count);
int dfy_trellis_runs(DfyTrellisRun runs[DFY_TRELLIS_RUNS]);

#endif
