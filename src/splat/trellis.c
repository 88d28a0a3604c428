#include "splat/trellis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LOWERED = 16,   /* numbers after which costs are lowered; by then every state can be reached */
    LEVELS = 16,    /* magnitudes with a rate of their own */
    CLASSES = 10,   /* of rows, by their energy: a busy row's numbers cost less */
    PLACES = 256,   /* plain numbers with a rate of their own, from the lowest on */
    LARGEST = 16000 /* centred number: values must fit 16 bits */
};

#define SMALL 5.0f /* steps */

/* What numbers cost, in squared steps. */
typedef struct Rates {
    float centred[DFY_TRELLIS_MOST][CLASSES][2][LEVELS];
    float plain[DFY_TRELLIS_MOST][2][PLACES];
    int32_t lowest[DFY_TRELLIS_MOST];
} Rates;

static inline float lesser(float a, float b) {
    return a < b ? a : b;
}

/* One row after the other, or every stride-th: where its numbers are. */
static inline size_t place_of(const DfyTrellis *t, size_t row, int k) {
    return t->by_column ? (size_t)k * t->rows + row : row * (size_t)t->n + (size_t)k;
}

static int class_of(float mean) {
    int c = 0;
    for (float limit = 0.35f; c < CLASSES - 1 && mean > limit; limit *= 1.4f) c++;
    return c;
}

/* Classes of rows: how large their coefficients are, in steps, on a logarithmic scale. */
static void classify(uint8_t *classes, float *sums, const DfyTrellis *t, float step) {
    float most = 64 * step, part = 1 / ((float)t->n * step);
    memset(sums, 0, t->rows * sizeof *sums);
    for (int k = 0; k < t->n; k++)
        for (size_t i = 0; i < t->rows; i++) {
            float size = fabsf(t->parts[place_of(t, i, k)]);
            sums[i] += size < most ? size : most;
        }
    for (size_t i = 0; i < t->rows; i++) classes[i] = (uint8_t)class_of(sums[i] * part);
}

/* Within 1e-3, and the same on every machine, which the C library's is not; x > 0. */
static float quick_log2(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    float whole = (float)((int32_t)(bits >> 23) - 127);
    bits = (bits & 0x7FFFFF) | 0x3F800000;
    memcpy(&x, &bits, sizeof x);
    float t = (x - 1) / (x + 1); /* 0 .. 1/3: the series of the inverse hyperbolic tangent */
    return whole + t * (2.885390f + t * t * (0.961797f + t * t * 0.577078f));
}

/* Costs from counts of numbers. */
static void costs_from_counts(float *counts, int n, float worth) {
    float total = 0;
    for (int i = 0; i < n; i++) total += counts[i];
    for (int i = 0; i < n; i++) counts[i] = worth * quick_log2(total / counts[i]);
}

/* Without a trellis, so many FIFTHS of a step in each quantiser become number `level` at least. */
enum { FIFTHS = 5, BINS = (2 * LEVELS - 2) * FIFTHS + 1 };

/* Rates of one class's numbers from how many fifths of a step they were, without a trellis. */
static void rates_from_bins(float rates[2][LEVELS], const uint32_t bins[BINS], float worth) {
    for (int l = 0; l < LEVELS; l++) rates[0][l] = rates[1][l] = 0.3f / (float)(1 + l);
    for (int b = 0; b < BINS; b++) {
        int even = (b + 2 * FIFTHS - 6) / (2 * FIFTHS), odd = b < 3 ? 0 : (b + 2 * FIFTHS - 1) / (2 * FIFTHS);
        rates[0][even < LEVELS ? even : LEVELS - 1] += (float)bins[b];
        rates[1][odd < LEVELS ? odd : LEVELS - 1] += (float)bins[b];
    }
    for (int q = 0; q < 2; q++) {
        costs_from_counts(rates[q], LEVELS, worth);
        for (int l = 1; l < LEVELS; l++) rates[q][l] += worth; /* the sign */
    }
}

/* Rates from how often each number would be taken without a trellis. */
static void learn_centred(Rates *rates, const DfyTrellis *t, float step, size_t stride, const uint8_t *classes) {
    float fifths = FIFTHS / step;
    for (int k = 0; k < t->n; k++) {
        uint32_t bins[CLASSES][BINS] = {{0}};
        for (size_t i = 0; i < t->rows; i += stride) {
            float x = fabsf(t->parts[place_of(t, i, k)]) * fifths;
            bins[classes[i]][x < BINS - 1 ? (int32_t)x : BINS - 1]++;
        }
        for (int c = 0; c < CLASSES; c++) rates_from_bins(rates->centred[k][c], bins[c], t->bit_worth);
    }
}

static inline int32_t floor_of(float x) {
    int32_t whole = (int32_t)x;
    return whole - (x < (float)whole);
}

static inline int32_t place_in(int32_t number) {
    return number < 0 ? 0 : number >= PLACES ? PLACES - 1 : number;
}

static void learn_plain(Rates *rates, const DfyTrellis *t, float step, size_t stride) {
    float half = 0.5f / step;
    for (int k = 0; k < t->n; k++) {
        float lowest = INFINITY;
        for (size_t i = 0; i < t->rows; i += stride) {
            float part = t->parts[place_of(t, i, k)];
            if (part < lowest) lowest = part;
        }
        rates->lowest[k] = t->rows ? floor_of(lowest * half) - 1 : 0;
        for (int q = 0; q < 2; q++) {
            float *counts = rates->plain[k][q];
            for (int l = 0; l < PLACES; l++) counts[l] = 0.1f;
            for (size_t i = 0; i < t->rows; i += stride) {
                float x = t->parts[place_of(t, i, k)] * half - 0.5f * (float)q;
                int32_t below = floor_of(x), number = below - rates->lowest[k];
                counts[place_in(number)] += 1 - (x - (float)below);
                counts[place_in(number + 1)] += x - (float)below;
            }
            costs_from_counts(counts, PLACES, t->bit_worth);
        }
    }
}

/* What the best number of each parity costs in one quantiser. */
typedef struct Choice {
    float cost[2];
} Choice;

typedef enum Kind { CENTRED, LIMITED, PLAIN } Kind;

static inline float cost_of(int32_t magnitude, int quantiser, float x, const float rates[LEVELS]) {
    float off = x - (float)(2 * magnitude - (quantiser && magnitude));
    return off * off + rates[magnitude < LEVELS ? magnitude : LEVELS - 1];
}

/* The lower of the two magnitudes around x. */
static inline int32_t magnitude_below(int quantiser, float x) {
    float low = (x + (float)quantiser) * 0.5f;
    return low < LARGEST ? (int32_t)low : LARGEST;
}

/* x is not negative. Small ones have the best of each parity of the smallest four, others the two around them. */
static inline Choice choose_centred(int quantiser, float x, const float rates[LEVELS]) {
    static const float value[2][4] = {{0, 2, 4, 6}, {0, 1, 3, 5}};
    Choice choice;
    if (x < SMALL) {
        float cost[4];
        for (int i = 0; i < 4; i++) cost[i] = (x - value[quantiser][i]) * (x - value[quantiser][i]) + rates[i];
        choice.cost[0] = lesser(cost[0], cost[2]);
        choice.cost[1] = lesser(cost[1], cost[3]);
        return choice;
    }
    int32_t low = magnitude_below(quantiser, x);
    choice.cost[low & 1] = cost_of(low, quantiser, x, rates);
    choice.cost[~low & 1] = cost_of(low + 1, quantiser, x, rates);
    return choice;
}

static inline int32_t pick_centred(int quantiser, int parity, float x, const float rates[LEVELS]) {
    if (x < SMALL)
        return parity + 2 * (cost_of(parity + 2, quantiser, x, rates) < cost_of(parity, quantiser, x, rates));
    int32_t low = magnitude_below(quantiser, x);
    return low + ((low ^ parity) & 1);
}

/* Of the parity, one of the numbers around x, or the next that is within the limit. */
static inline int32_t pick_limited(int quantiser, int parity, float x, int32_t limit) {
    int32_t low = floor_of((x - (float)quantiser) * 0.5f), coded = low + ((low ^ parity) & 1);
    return coded < 0 ? coded + 2 : coded >= limit ? coded - 2 : coded;
}

static inline Choice choose_limited(int quantiser, float x, int32_t limit) {
    Choice choice;
    for (int parity = 0; parity < 2; parity++) {
        float off = x - (float)(2 * pick_limited(quantiser, parity, x, limit) + quantiser);
        choice.cost[parity] = off * off;
    }
    return choice;
}

static inline int32_t pick_plain(int quantiser, int parity, float x) {
    int32_t low = floor_of((x - (float)quantiser) * 0.5f);
    return low + ((low ^ parity) & 1);
}

static inline Choice choose_plain(int quantiser, float x, const float rates[PLACES], int32_t lowest) {
    Choice choice;
    int32_t low = floor_of((x - (float)quantiser) * 0.5f);
    float above = x - (float)(2 * low + quantiser);
    choice.cost[low & 1] = above * above + rates[place_in(low - lowest)];
    choice.cost[~low & 1] = (2 - above) * (2 - above) + rates[place_in(low + 1 - lowest)];
    return choice;
}

/* Rows on their way through the trellis. */
typedef struct Walk {
    const DfyTrellis *trellis;
    Rates *rates;
    uint8_t *classes; /* of rows of centred numbers */
    float *sums;
    DfyTrellisOdd *odd; /* of each number */
    double step;
    float inverse;
    size_t stride; /* rows from one to the next that is quantised */
    int last;      /* the state at the end */
} Walk;

static inline Choice choose(const Walk *w, Kind kind, float part, int k, int class, int quantiser) {
    float x = part * w->inverse;
    if (kind == CENTRED) return choose_centred(quantiser, fabsf(x), w->rates->centred[k][class][quantiser]);
    if (kind == LIMITED) return choose_limited(quantiser, x, w->trellis->limits[k]);
    return choose_plain(quantiser, x, w->rates->plain[k][quantiser], w->rates->lowest[k]);
}

static inline int32_t pick(const Walk *w, Kind kind, float part, int k, int class, int quantiser, int parity) {
    float x = part * w->inverse;
    if (kind == LIMITED) return pick_limited(quantiser, parity, x, w->trellis->limits[k]);
    if (kind == PLAIN) return pick_plain(quantiser, parity, x);
    int32_t coded = pick_centred(quantiser, parity, fabsf(x), w->rates->centred[k][class][quantiser]);
    return x < 0 ? -coded : coded;
}

static inline void step_one(const Walk *w, Kind kind, DfyTrellisShort *costs, size_t row, int k, size_t at) {
    float part = w->trellis->parts[place_of(w->trellis, row, k)];
    int class = kind == CENTRED ? w->classes[row] : 0;
    const Choice cost[2] = {choose(w, kind, part, k, class, 0), choose(w, kind, part, k, class, 1)};
    dfy_trellis_cost_step(costs, &w->odd[at], (const float(*)[2])cost);
    if (at % LOWERED == 0) dfy_trellis_short_lower(costs);
}

static inline void walk_forward(Walk *w, Kind kind) {
    DfyTrellisShort costs = {{0}};
    for (int state = 1; state < DFY_TRELLIS_STATES; state++) costs.of[state] = INT16_MAX;
    const DfyTrellis *t = w->trellis;
    size_t at = 0;
    if (t->by_column)
        for (int k = 0; k < t->n; k++)
            for (size_t i = 0; i < t->rows; i += w->stride) step_one(w, kind, &costs, i, k, at++);
    else
        for (size_t i = 0; i < t->rows; i += w->stride)
            for (int k = 0; k < t->n; k++) step_one(w, kind, &costs, i, k, at++);
    for (int state = w->last = 0; state < DFY_TRELLIS_STATES; state++)
        if (costs.of[state] < costs.of[w->last]) w->last = state;
}

/* One number back: its squared error, and the state before it. */
static inline double step_back(const Walk *w, Kind kind, int *state, size_t row, int k, size_t at, int32_t *values) {
    size_t place = place_of(w->trellis, row, k);
    float part = w->trellis->parts[place];
    int parity = dfy_trellis_is_odd(&w->odd[at], *state), quantiser = dfy_trellis_quantiser_before(*state);
    int32_t coded = pick(w, kind, part, k, kind == CENTRED ? w->classes[row] : 0, quantiser, parity);
    *state = dfy_trellis_before(*state, parity);
    int32_t value = kind == CENTRED ? dfy_trellis_value(*state, coded) : 2 * coded + quantiser;
    double error = part - value * w->step;
    if (values) values[place] = value;
    return error * error;
}

static inline double walk_back(const Walk *w, Kind kind, size_t rows, int32_t *values) {
    const DfyTrellis *t = w->trellis;
    int state = w->last;
    double sums[DFY_TRELLIS_MOST] = {0}, sum = 0;
    size_t at = rows * (size_t)t->n, count = at;
    if (t->by_column)
        for (int k = t->n; k-- > 0;)
            for (size_t i = rows; i-- > 0;) sums[k] += step_back(w, kind, &state, i * w->stride, k, --at, values);
    else
        for (size_t i = rows; i-- > 0;)
            for (int k = t->n; k-- > 0;) sums[k] += step_back(w, kind, &state, i * w->stride, k, --at, values);
    for (int k = 0; k < t->n; k++) sum += (t->norm ? t->norm[k] : 1) * sums[k];
    return count ? sum / (double)count : 0;
}

/* There and back; the kind is known where this is put in place. */
static inline double walk(Walk *w, Kind kind, size_t rows, int32_t *values) {
    walk_forward(w, kind);
    return walk_back(w, kind, rows, values);
}

static void learn(Walk *w) {
    const DfyTrellis *t = w->trellis;
    size_t stride = t->learn_rows ? t->rows / t->learn_rows + 1 : w->stride;
    if (t->centred) {
        classify(w->classes, w->sums, t, (float)w->step);
        learn_centred(w->rates, t, (float)w->step, stride, w->classes);
    } else if (!t->limits) {
        learn_plain(w->rates, t, (float)w->step, w->stride);
    }
}

double dfy_trellis_quantise(int32_t *values, const DfyTrellis *t, double step, size_t stride) {
    size_t rows = (t->rows + stride - 1) / stride, count = rows * (size_t)t->n;
    Walk w = {.trellis = t, .step = step, .inverse = (float)(1 / step), .stride = stride};
    double mean = -1;
    w.rates = malloc(sizeof *w.rates);
    w.classes = malloc(t->rows + 1);
    w.sums = malloc((t->rows + 1) * sizeof *w.sums);
    w.odd = malloc((count + 1) * sizeof *w.odd);
    if (w.rates && w.classes && w.sums && w.odd) {
        learn(&w);
        if (t->centred)
            mean = walk(&w, CENTRED, rows, values);
        else
            mean = t->limits ? walk(&w, LIMITED, rows, values) : walk(&w, PLAIN, rows, values);
    }
    free(w.rates);
    free(w.classes);
    free(w.sums);
    free(w.odd);
    return mean;
}

/* Of `count` values, one from the next by `stride`: the sum of squared errors, in 2 steps. */
static double sum_rounding(const float *parts, size_t count, size_t stride, float half, float centre) {
    float sums[8] = {0}; /* lanes */
    double sum = 0;
    size_t i = 0;
    for (; i + 8 <= count; i += 8)
        for (size_t j = 0; j < 8; j++) {
            float x = fabsf(parts[(i + j) * stride]) * half;
            x = x < 1e6f ? x : 0;
            float off = x - (float)(int32_t)(x + centre);
            sums[j] += off * off;
        }
    for (int j = 0; j < 8; j++) sum += sums[j];
    for (; i < count; i++) {
        float x = fabsf(parts[i * stride]) * half;
        float off = x < 1e6f ? x - (float)(int32_t)(x + centre) : 0;
        sum += off * off;
    }
    return sum;
}

double dfy_trellis_foresee(const DfyTrellis *t, double step, size_t stride) {
    double sum = 0;
    size_t rows = (t->rows + stride - 1) / stride, apart = t->by_column ? stride : stride * (size_t)t->n;
    for (int k = 0; k < t->n; k++) {
        const float *column = t->parts + place_of(t, 0, k);
        double part = apart == 1 ? sum_rounding(column, rows, 1, (float)(0.5 / step), t->centred ? 0.35f : 0.5f)
                                 : sum_rounding(column, rows, apart, (float)(0.5 / step), t->centred ? 0.35f : 0.5f);
        sum += (t->norm ? t->norm[k] : 1) * part;
    }
    return rows ? sum * 4 * step * step / (double)(rows * (size_t)t->n) : 0;
}
