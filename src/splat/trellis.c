#include "splat/trellis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* Class of a row: how large its coefficients are, in steps, on a logarithmic scale. */
static int class_of(const double *row, int n, double step) {
    double sum = 0;
    for (int k = 0; k < n; k++) {
        double size = fabs(row[k]);
        sum += size < 64 * step ? size : 64 * step;
    }
    double mean = sum / (n * step);
    int c = 0;
    for (double limit = 0.35; c < CLASSES - 1 && mean > limit; limit *= 1.4) c++;
    return c;
}

static int32_t nearest(int quantiser, double x) {
    int32_t k = (int32_t)(quantiser ? (x + 1) / 2 + 0.4 : x / 2 + 0.4); /* of magnitudes */
    return k > LARGEST ? LARGEST : k;
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

/* Rates from how often each number would be taken without a trellis. */
static void learn_centred(Rates *rates, const DfyTrellis *t, double step, size_t stride, uint8_t *classes) {
    double inverse = 1 / step;
    for (int k = 0; k < t->n; k++)
        for (int c = 0; c < CLASSES; c++)
            for (int l = 0; l < LEVELS; l++)
                rates->centred[k][c][0][l] = rates->centred[k][c][1][l] = 0.3f / (float)(1 + l);
    for (size_t i = 0; i < t->rows; i += stride) {
        const double *row = t->parts + i * (size_t)t->n;
        int c = classes[i / stride] = (uint8_t)class_of(row, t->n, step);
        for (int k = 0; k < t->n; k++)
            for (int q = 0; q < 2; q++) {
                double x = fabs(row[k]) * inverse;
                int32_t level = q && x < 0.6 ? 0 : nearest(q, x);
                rates->centred[k][c][q][level < LEVELS ? level : LEVELS - 1]++;
            }
    }
    for (int k = 0; k < t->n; k++)
        for (int c = 0; c < CLASSES; c++)
            for (int q = 0; q < 2; q++) {
                costs_from_counts(rates->centred[k][c][q], LEVELS, t->bit_worth);
                for (int l = 1; l < LEVELS; l++) rates->centred[k][c][q][l] += t->bit_worth; /* the sign */
            }
}

static inline int32_t floor_of(double x) {
    int32_t whole = (int32_t)x;
    return whole - (x < whole);
}

static int32_t place_in(int32_t number) {
    return number < 0 ? 0 : number >= PLACES ? PLACES - 1 : number;
}

static void learn_plain(Rates *rates, const DfyTrellis *t, double step, size_t stride) {
    double half = 0.5 / step;
    for (int k = 0; k < t->n; k++) {
        double lowest = INFINITY;
        for (size_t i = 0; i < t->rows; i += stride) {
            double part = t->parts[i * (size_t)t->n + (size_t)k];
            if (part < lowest) lowest = part;
        }
        rates->lowest[k] = t->rows ? (int32_t)floor(lowest / step / 2) - 1 : 0;
        for (int q = 0; q < 2; q++) {
            for (int l = 0; l < PLACES; l++) rates->plain[k][q][l] = 0.1f;
            for (size_t i = 0; i < t->rows; i += stride) {
                double x = t->parts[i * (size_t)t->n + (size_t)k] * half - 0.5 * q, below = floor_of(x);
                int32_t number = (int32_t)below - rates->lowest[k];
                rates->plain[k][q][place_in(number)] += (float)(1 - (x - below));
                rates->plain[k][q][place_in(number + 1)] += (float)(x - below);
            }
            costs_from_counts(rates->plain[k][q], PLACES, t->bit_worth);
        }
    }
}

/* The best number of each parity in one quantiser. */
typedef struct Choice {
    float cost[2];
    int32_t coded[2];
} Choice;

static inline float cost_of(int32_t magnitude, int quantiser, float x, const float rates[LEVELS]) {
    float off = x - (float)(2 * magnitude - (quantiser && magnitude));
    return off * off + rates[magnitude < LEVELS ? magnitude : LEVELS - 1];
}

/* What magnitudes 0 to 3 cost; x below SMALL is near enough to them. */
static inline void cost_small(float cost[4], int quantiser, float x, const float rates[LEVELS]) {
    static const float value[2][4] = {{0, 2, 4, 6}, {0, 1, 3, 5}};
#ifdef __SSE2__
    __m128 off = _mm_sub_ps(_mm_set1_ps(x), _mm_loadu_ps(value[quantiser]));
    _mm_storeu_ps(cost, _mm_add_ps(_mm_mul_ps(off, off), _mm_loadu_ps(rates)));
#else
    for (int i = 0; i < 4; i++) cost[i] = (x - value[quantiser][i]) * (x - value[quantiser][i]) + rates[i];
#endif
}

/* The two magnitudes around x, or the best of each parity of the smallest four. */
static inline Choice choose_centred(int quantiser, float x, const float rates[LEVELS]) {
    Choice choice;
    if (x < SMALL) {
        float cost[4];
        cost_small(cost, quantiser, x, rates);
        for (int parity = 0; parity < 2; parity++) {
            choice.cost[parity] = lesser(cost[parity], cost[parity + 2]);
            choice.coded[parity] = parity + 2 * (cost[parity + 2] < cost[parity]);
        }
        return choice;
    }
    int32_t low = (int32_t)((x + (float)quantiser) * 0.5f);
    if (low > LARGEST) low = LARGEST;
    int parity = low & 1;
    choice.coded[parity] = low;
    choice.coded[!parity] = low + 1;
    choice.cost[parity] = cost_of(low, quantiser, x, rates);
    choice.cost[!parity] = cost_of(low + 1, quantiser, x, rates);
    return choice;
}

/* The numbers around x, or those of the same parities that are within a limit. */
static inline Choice choose_limited(int quantiser, double x, int32_t limit) {
    Choice choice;
    int32_t low = floor_of((x - quantiser) * 0.5);
    for (int i = 0; i < 2; i++) {
        int32_t coded = low + i + (low + i < 0 ? 2 : low + i >= limit ? -2 : 0);
        float off = (float)(x - quantiser - 2 * coded);
        choice.coded[coded & 1] = coded;
        choice.cost[coded & 1] = off * off;
    }
    return choice;
}

static inline Choice choose_plain(int quantiser, double x, const float rates[PLACES], int32_t lowest) {
    Choice choice;
    int32_t coded = floor_of((x - quantiser) * 0.5);
    float above = (float)(x - quantiser - 2.0 * coded);
    int parity = coded & 1;
    choice.coded[parity] = coded;
    choice.coded[!parity] = coded + 1;
    choice.cost[parity] = above * above + rates[place_in(coded - lowest)];
    choice.cost[!parity] = (2 - above) * (2 - above) + rates[place_in(coded + 1 - lowest)];
    return choice;
}

/* Rows on their way through the trellis. */
typedef struct Walk {
    const DfyTrellis *trellis;
    Rates *rates;
    uint8_t *classes;   /* of rows of centred numbers */
    DfyTrellisOdd *odd; /* of each number */
    double step, inverse;
    size_t stride, learnt; /* rows from one to the next that is quantised, that costs are learnt from */
    int last;              /* the state at the end */
} Walk;

static inline Choice choose(const Walk *w, double part, int k, int class, int quantiser) {
    double x = part * w->inverse;
    if (w->trellis->centred) return choose_centred(quantiser, fabsf((float)x), w->rates->centred[k][class][quantiser]);
    if (w->trellis->limits) return choose_limited(quantiser, x, w->trellis->limits[k]);
    return choose_plain(quantiser, x, w->rates->plain[k][quantiser], w->rates->lowest[k]);
}

/* What the four choices cost more than the cheapest of them. */
static inline void in_short(int16_t more[2][2], float even0, float odd0, float even1, float odd1) {
#ifdef __SSE2__
    __m128 costs = _mm_setr_ps(even0, odd0, even1, odd1);
    __m128 least = _mm_min_ps(costs, _mm_shuffle_ps(costs, costs, _MM_SHUFFLE(2, 3, 0, 1)));
    least = _mm_min_ps(least, _mm_shuffle_ps(least, least, _MM_SHUFFLE(1, 0, 3, 2)));
    costs = _mm_add_ps(_mm_mul_ps(_mm_sub_ps(costs, least), _mm_set1_ps(256)), _mm_set1_ps(0.5f));
    __m128i whole = _mm_cvttps_epi32(_mm_min_ps(costs, _mm_set1_ps(DFY_TRELLIS_DEAREST)));
    _mm_storel_epi64((__m128i *)more, _mm_packs_epi32(whole, whole));
#else
    float least = lesser(lesser(even0, odd0), lesser(even1, odd1));
    more[0][0] = (int16_t)lesser((even0 - least) * 256 + 0.5f, DFY_TRELLIS_DEAREST);
    more[0][1] = (int16_t)lesser((odd0 - least) * 256 + 0.5f, DFY_TRELLIS_DEAREST);
    more[1][0] = (int16_t)lesser((even1 - least) * 256 + 0.5f, DFY_TRELLIS_DEAREST);
    more[1][1] = (int16_t)lesser((odd1 - least) * 256 + 0.5f, DFY_TRELLIS_DEAREST);
#endif
}

static void walk_forward(Walk *w) {
    DfyTrellisShort costs = {{0}};
    for (int state = 1; state < DFY_TRELLIS_STATES; state++) costs.of[state] = INT16_MAX;
    const DfyTrellis *t = w->trellis;
    size_t at = 0;
    for (size_t i = 0; i < t->rows; i += w->stride) {
        const double *row = t->parts + i * (size_t)t->n;
        int class = w->classes[i / w->learnt];
        for (int k = 0; k < t->n; k++) {
            Choice even = choose(w, row[k], k, class, 0), odd = choose(w, row[k], k, class, 1);
            int16_t more[2][2];
            in_short(more, even.cost[0], even.cost[1], odd.cost[0], odd.cost[1]);
            dfy_trellis_short_step(&costs, &w->odd[at++], (const int16_t(*)[2])more);
        }
        if (at % LOWERED < (size_t)t->n) dfy_trellis_short_lower(&costs);
    }
    for (int state = w->last = 0; state < DFY_TRELLIS_STATES; state++)
        if (costs.of[state] < costs.of[w->last]) w->last = state;
}

static double walk_back(const Walk *w, size_t rows, int32_t *values) {
    const DfyTrellis *t = w->trellis;
    size_t at = rows * (size_t)t->n;
    int state = w->last;
    double sum = 0;
    for (size_t row = rows; row-- > 0;) {
        size_t from = row * w->stride * (size_t)t->n;
        for (int k = t->n; k-- > 0;) {
            double part = t->parts[from + (size_t)k];
            int parity = dfy_trellis_is_odd(&w->odd[--at], state), quantiser = dfy_trellis_quantiser_before(state);
            int32_t coded = choose(w, part, k, w->classes[row * w->stride / w->learnt], quantiser).coded[parity];
            state = dfy_trellis_before(state, parity);
            int32_t value = t->centred ? dfy_trellis_value(state, part < 0 ? -coded : coded) : 2 * coded + quantiser;
            double error = part - value * w->step;
            sum += (t->norm ? t->norm[k] : 1) * error * error;
            if (values) values[from + (size_t)k] = value;
        }
    }
    return at < rows * (size_t)t->n ? sum / (double)(rows * (size_t)t->n) : 0;
}

double dfy_trellis_quantise(int32_t *values, const DfyTrellis *t, double step, size_t stride) {
    size_t rows = (t->rows + stride - 1) / stride, count = rows * (size_t)t->n;
    Walk walk = {
        .trellis = t, .step = step, .inverse = 1 / step, .stride = stride, .learnt = t->learn_all ? 1 : stride};
    double mean = -1;
    walk.rates = malloc(sizeof *walk.rates);
    walk.classes = calloc(t->rows / walk.learnt + 1, 1);
    walk.odd = malloc((count + 1) * sizeof *walk.odd);
    if (walk.rates && walk.classes && walk.odd) {
        if (t->centred)
            learn_centred(walk.rates, t, step, walk.learnt, walk.classes);
        else if (!t->limits)
            learn_plain(walk.rates, t, step, walk.learnt);
        walk_forward(&walk);
        mean = walk_back(&walk, rows, values);
    }
    free(walk.rates);
    free(walk.classes);
    free(walk.odd);
    return mean;
}

double dfy_trellis_foresee(const DfyTrellis *t, double step, size_t stride) {
    double sums[DFY_TRELLIS_MOST] = {0}, sum = 0, half = 0.5 / step, centre = t->centred ? 0.35 : 0.5;
    size_t rows = (t->rows + stride - 1) / stride;
    for (size_t i = 0; i < t->rows; i += stride)
        for (int k = 0; k < t->n; k++) {
            double x = fabs(t->parts[i * (size_t)t->n + (size_t)k]) * half;
            if (!(x < 1e6)) continue;
            double off = x - (double)(int32_t)(x + centre);
            sums[k] += off * off;
        }
    for (int k = 0; k < t->n; k++) sum += (t->norm ? t->norm[k] : 1) * sums[k];
    return rows ? sum * 4 * step * step / (double)(rows * (size_t)t->n) : 0;
}
