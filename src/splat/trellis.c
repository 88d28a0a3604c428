#include "splat/trellis.h"
#include "splat/exact.h"
#include "splat/wide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    LEVELS = 16,     /* magnitudes with a rate of their own */
    CLASSES = 10,    /* of rows, by their energy: a busy row's numbers cost less */
    PLACES = 256,    /* plain numbers with a rate of their own, from the lowest on */
    LARGEST = 16000, /* centred number: values must fit 16 bits */
    /* Numbers after which one way is settled on: what that costs is next to nothing, and their ways fit the cache. */
    STRETCH = 64 * DFY_TRELLIS_RUN,
    MENDINGS = 3 /* tries */
};

#define SMALL 5.0f /* steps */

/* Of the wanted mean: what can be mended, and what is as good. */
#define LEAST_MENDED 0.984
#define MOST_MENDED 1.01
#define LEAST_GOOD 0.993
/* With what power of a bit's worth the mean grows, more or less, and by how much that is changed at most. */
#define ROWS_POWER 0.08
#define COLUMNS_POWER 0.5 /* the last of which have the smallest numbers */
#define MOST_FACTOR 1.6

/* What numbers cost, in squared steps. */
typedef struct Rates {
    float centred[DFY_TRELLIS_MOST][CLASSES][2][LEVELS];
    float plain[DFY_TRELLIS_MOST][2][PLACES];
    int32_t lowest[DFY_TRELLIS_MOST];
} Rates;

/* One row after the other, or every stride-th: where its numbers are. */
static inline size_t place_of(const DfyTrellis *t, size_t row, int k) {
    return t->by_column ? (size_t)k * t->rows + row : row * (size_t)t->n + (size_t)k;
}

static int class_of(float mean) {
    int c = 0;
    for (float limit = 0.35f; c < CLASSES - 1 && mean > limit; limit *= 1.4f) c++;
    return c;
}

/* Adds the sizes of a column's values, each of them at most so large. */
static inline void add_sizes(float *sums, const float *column, size_t apart, size_t rows, float most) {
    for (size_t i = 0; i < rows; i++) {
        float size = fabsf(column[i * apart]);
        sums[i] += size < most ? size : most;
    }
}

/* Classes of rows: how large their coefficients are, in steps, on a logarithmic scale. */
static void classify(uint8_t *classes, float *sums, const DfyTrellis *t, float step) {
    float most = 64 * step, part = 1 / ((float)t->n * step);
    memset(sums, 0, t->rows * sizeof *sums);
    for (int k = 0; k < t->n; k++) {
        if (t->by_column)
            add_sizes(sums, t->parts + place_of(t, 0, k), 1, t->rows, most);
        else
            add_sizes(sums, t->parts + place_of(t, 0, k), (size_t)t->n, t->rows, most);
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

/* ---------------------------------------------------------------- choices */

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

/* Of small x, the cost of the better of the two smallest magnitudes of each parity. */
static inline void choose_small(float cost[2][2], float x, const float rates[2][LEVELS]) {
    static const float value[2][4] = {{0, 2, 4, 6}, {0, 1, 3, 5}};
#ifdef __SSE2__
    __m128 at = _mm_set1_ps(x), even = _mm_sub_ps(at, _mm_loadu_ps(value[0])),
           odd = _mm_sub_ps(at, _mm_loadu_ps(value[1]));
    even = _mm_add_ps(_mm_mul_ps(even, even), _mm_loadu_ps(rates[0]));
    odd = _mm_add_ps(_mm_mul_ps(odd, odd), _mm_loadu_ps(rates[1]));
    _mm_storeu_ps(cost[0], _mm_min_ps(_mm_movelh_ps(even, odd), _mm_movehl_ps(odd, even)));
#else
    for (int q = 0; q < 2; q++) {
        float each[4];
        for (int i = 0; i < 4; i++) each[i] = (x - value[q][i]) * (x - value[q][i]) + rates[q][i];
        for (int parity = 0; parity < 2; parity++)
            cost[q][parity] = each[parity] < each[parity + 2] ? each[parity] : each[parity + 2];
    }
#endif
}

/* x is not negative. What isn't small has the two magnitudes around it. */
static inline void choose_centred(float cost[2][2], float x, const float rates[2][LEVELS]) {
    if (x < SMALL) {
        choose_small(cost, x, rates);
        return;
    }
    for (int q = 0; q < 2; q++) {
        int32_t low = magnitude_below(q, x);
        cost[q][low & 1] = cost_of(low, q, x, rates[q]);
        cost[q][~low & 1] = cost_of(low + 1, q, x, rates[q]);
    }
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

static inline void choose_limited(float cost[2][2], float x, int32_t limit) {
    for (int q = 0; q < 2; q++)
        for (int parity = 0; parity < 2; parity++) {
            float off = x - (float)(2 * pick_limited(q, parity, x, limit) + q);
            cost[q][parity] = off * off;
        }
}

static inline int32_t pick_plain(int quantiser, int parity, float x) {
    int32_t low = floor_of((x - (float)quantiser) * 0.5f);
    return low + ((low ^ parity) & 1);
}

static inline void choose_plain(float cost[2][2], float x, const float rates[2][PLACES], int32_t lowest) {
    for (int q = 0; q < 2; q++) {
        int32_t low = floor_of((x - (float)q) * 0.5f);
        float above = x - (float)(2 * low + q);
        cost[q][low & 1] = above * above + rates[q][place_in(low - lowest)];
        cost[q][~low & 1] = (2 - above) * (2 - above) + rates[q][place_in(low + 1 - lowest)];
    }
}

/* ---------------------------------------------------------------- there and back */

/* Numbers on their way through the trellis, in the order they take it: column by column or row by row. */
typedef struct Walk {
    const DfyTrellis *trellis;
    const float *parts;
    Rates *rates;
    uint8_t *classes; /* of rows of centred numbers */
    float *sums;
    DfyTrellisOdd *odd; /* of each number */
    double step;
    float inverse;
    size_t rows;
} Walk;

/* Some of them in a row: their columns and their rows' classes. */
typedef struct Piece {
    const float *parts;
    size_t count;
    uint8_t column[DFY_TRELLIS_RUN], class[DFY_TRELLIS_RUN];
} Piece;

static void take_piece(Piece *piece, const Walk *w, Kind kind, size_t at) {
    const DfyTrellis *t = w->trellis;
    size_t columns = (size_t)t->n, left = w->rows * columns - at;
    piece->parts = w->parts + at;
    piece->count = left < DFY_TRELLIS_RUN ? left : DFY_TRELLIS_RUN;
    size_t row = t->by_column ? at % w->rows : at / columns, k = t->by_column ? at / w->rows : at % columns;
    for (size_t i = 0; t->by_column && i < piece->count; row = 0, k++) {
        size_t some = piece->count - i < w->rows - row ? piece->count - i : w->rows - row;
        memset(piece->column + i, (int)k, some);
        if (kind == CENTRED) memcpy(piece->class + i, w->classes + row, some);
        i += some;
    }
    for (size_t i = 0; !t->by_column && i < piece->count; i++) {
        piece->column[i] = (uint8_t)k;
        if (kind == CENTRED) piece->class[i] = w->classes[row];
        if (++k < columns) continue;
        k = 0;
        row++;
    }
}

static inline void choose(float cost[2][2], const Walk *w, Kind kind, const Piece *piece, size_t i) {
    int k = piece->column[i];
    float x = piece->parts[i] * w->inverse;
    if (kind == CENTRED)
        choose_centred(cost, fabsf(x), w->rates->centred[k][piece->class[i]]);
    else if (kind == LIMITED)
        choose_limited(cost, x, w->trellis->limits[k]);
    else
        choose_plain(cost, x, w->rates->plain[k], w->rates->lowest[k]);
}

/* The multiple of the step that is the best one of a quantiser and parity. */
static inline int32_t pick(const Walk *w, Kind kind, const Piece *piece, size_t i, int quantiser, int parity) {
    int k = piece->column[i];
    float x = piece->parts[i] * w->inverse;
    if (kind == LIMITED) return 2 * pick_limited(quantiser, parity, x, w->trellis->limits[k]) + quantiser;
    if (kind == PLAIN) return 2 * pick_plain(quantiser, parity, x) + quantiser;
    int32_t coded = pick_centred(quantiser, parity, fabsf(x), w->rates->centred[k][piece->class[i]][quantiser]);
    int32_t size = 2 * coded - (quantiser & (coded > 0)), sign = -(x < 0);
    return (size ^ sign) - sign;
}

static inline void walk_forward(DfyTrellisPaths *paths, const Walk *w, Kind kind, size_t from, size_t to) {
    Piece piece;
    float cost[DFY_TRELLIS_RUN][2][2];
    for (size_t at = from; at < to; at += piece.count) {
        take_piece(&piece, w, kind, at);
        for (size_t i = 0; i < piece.count; i++) choose(cost[i], w, kind, &piece, i);
        dfy_trellis_run(paths, w->odd + (at - from), (const float(*)[2][2])cost, piece.count);
    }
}

/* Adds squared errors to their columns', from the last one back. */
static void add_errors(double sums[DFY_TRELLIS_MOST], const double *errors, const Piece *piece) {
    int column = piece->column[piece->count - 1];
    double sum = sums[column];
    for (size_t i = piece->count; i-- > 0;) {
        if (piece->column[i] != column) {
            sums[column] = sum;
            column = piece->column[i];
            sum = sums[column];
        }
        sum += errors[i];
    }
    sums[column] = sum;
}

static inline void walk_back(const DfyTrellisPaths *paths, const Walk *w, Kind kind, size_t from, size_t to,
                             double sums[DFY_TRELLIS_MOST], int32_t *values) {
    Piece piece;
    int seat = dfy_trellis_end(paths);
    for (size_t end = to, at; end > from; end = at) {
        uint8_t way[DFY_TRELLIS_RUN];
        double errors[DFY_TRELLIS_RUN];
        at = (end - 1) / DFY_TRELLIS_RUN * DFY_TRELLIS_RUN;
        take_piece(&piece, w, kind, at);
        seat = dfy_trellis_run_back(way, paths, w->odd + (at - from), at, piece.count, seat);
        for (size_t i = 0; i < piece.count; i++) {
            int32_t value = pick(w, kind, &piece, i, way[i] >> 1, way[i] & 1);
            double error = piece.parts[i] - value * w->step;
            if (values) values[at + i] = value;
            errors[i] = error * error;
        }
        add_errors(sums, errors, &piece);
    }
}

/* How far a walk is, and the squared errors behind it. */
typedef struct Way {
    DfyTrellisPaths paths;
    size_t at;
    double sums[DFY_TRELLIS_MOST];
} Way;

/* There and back, a stretch after the other; the kind is known where this is put in place. */
static inline void walk_on(Way *way, const Walk *w, Kind kind, size_t end, int32_t *values) {
    for (size_t to; way->at < end; way->at = to) {
        to = end - way->at < STRETCH ? end : way->at + STRETCH;
        walk_forward(&way->paths, w, kind, way->at, to);
        walk_back(&way->paths, w, kind, way->at, to, way->sums, values);
        dfy_trellis_settle(&way->paths);
    }
}

/* The mean of the weighted squared errors so far, as if the others had none. */
static double mean_of(const Walk *w, const Way *way) {
    const DfyTrellis *t = w->trellis;
    size_t count = w->rows * (size_t)t->n;
    double sum = 0;
    for (int k = 0; k < t->n; k++) sum += (t->norm ? t->norm[k] : 1) * way->sums[k];
    return count ? sum / (double)count : 0;
}

static void scale_rates(Rates *rates, Kind kind, int n, float factor) {
    for (int k = 0; k < n; k++) {
        float *first = kind == CENTRED ? rates->centred[k][0][0] : rates->plain[k][0];
        size_t count = kind == CENTRED ? CLASSES * 2 * LEVELS : 2 * PLACES;
        for (size_t i = 0; i < count; i++) first[i] *= factor;
    }
}

/*
 * Brings a mean that is a little off nearer to the wanted one: for the last numbers bits become worth more or less,
 * and how their error follows is learnt by trying.
 */
static inline double mend(const Way *before, double mean, const Walk *w, Kind kind, int32_t *values) {
    double wanted = w->trellis->wanted, head = mean_of(w, before), tail = mean - head, factor = 1;
    double power = w->trellis->by_column ? COLUMNS_POWER : ROWS_POWER;
    for (int i = 0; i < MENDINGS && !(mean <= wanted && mean >= wanted * LEAST_GOOD); i++) {
        double aim = wanted * (1 - (1 - LEAST_GOOD) * (0.3 + 0.2 * i)) - head;
        if (!(aim > 0 && tail > 0)) break;
        double next = dfy_exact_exp(dfy_exact_ln(aim / tail) / power);
        next = next > MOST_FACTOR ? MOST_FACTOR : next < 1 / MOST_FACTOR ? 1 / MOST_FACTOR : next;
        if (fabs(next / factor - 1) < 1e-3) break;
        scale_rates(w->rates, kind, w->trellis->n, (float)(next / factor));
        factor = next;
        Way way = *before;
        walk_on(&way, w, kind, w->rows * (size_t)w->trellis->n, values);
        mean = mean_of(w, &way);
        if (fabs(factor - 1) < 0.02 || !(mean > head)) continue;
        power = dfy_exact_ln((mean - head) / tail) / dfy_exact_ln(factor);
        power = power < 0.05 ? 0.05 : power > 0.6 ? 0.6 : power;
    }
    return mean;
}

/* Returns the mean of the weighted squared errors. */
static inline double walk(const Walk *w, Kind kind, int32_t *values) {
    const DfyTrellis *t = w->trellis;
    size_t count = w->rows * (size_t)t->n, last = count / 10 * 7 / DFY_TRELLIS_RUN * DFY_TRELLIS_RUN;
    Way way = {.at = 0}, before;
    dfy_trellis_begin(&way.paths);
    walk_on(&way, w, kind, last, values);
    before = way;
    walk_on(&way, w, kind, count, values);
    double mean = mean_of(w, &way);
    int near = mean > t->wanted * LEAST_MENDED && mean < t->wanted * MOST_MENDED;
    return kind != LIMITED && t->bit_worth > 0 && near ? mend(&before, mean, w, kind, values) : mean;
}

static void learn(Walk *w, size_t stride) {
    const DfyTrellis *t = w->trellis;
    size_t learnt = t->learn_rows ? t->rows / t->learn_rows + 1 : stride;
    if (t->centred) {
        classify(w->classes, w->sums, t, (float)w->step);
        learn_centred(w->rates, t, (float)w->step, learnt, w->classes);
    } else if (!t->limits) {
        learn_plain(w->rates, t, (float)w->step, stride);
    }
}

/* Every stride-th row, and its class. */
static void take_rows(Walk *w, float *parts, size_t stride) {
    const DfyTrellis *t = w->trellis;
    for (size_t i = 0; i < w->rows; i++) {
        for (int k = 0; k < t->n; k++)
            parts[t->by_column ? (size_t)k * w->rows + i : i * (size_t)t->n + (size_t)k] =
                t->parts[place_of(t, i * stride, k)];
        if (t->centred) w->classes[i] = w->classes[i * stride];
    }
    w->parts = parts;
}

double dfy_trellis_quantise(int32_t *values, const DfyTrellis *t, double step, size_t stride) {
    size_t rows = (t->rows + stride - 1) / stride, count = rows * (size_t)t->n;
    Walk w = {.trellis = t, .parts = t->parts, .step = step, .inverse = (float)(1 / step), .rows = rows};
    float *some = stride > 1 ? malloc((count + 1) * sizeof *some) : NULL;
    double mean = -1;
    w.rates = malloc(sizeof *w.rates);
    w.classes = malloc(t->rows + 1);
    w.sums = malloc((t->rows + 1) * sizeof *w.sums);
    w.odd = malloc((count < STRETCH ? count + 1 : STRETCH) * sizeof *w.odd);
    if (w.rates && w.classes && w.sums && w.odd && (some || stride == 1)) {
        learn(&w, stride);
        if (some) take_rows(&w, some, stride);
        if (t->centred)
            mean = walk(&w, CENTRED, values);
        else
            mean = t->limits ? walk(&w, LIMITED, values) : walk(&w, PLAIN, values);
    }
    free(some);
    free(w.rates);
    free(w.classes);
    free(w.sums);
    free(w.odd);
    return mean;
}

/* Of `count` values, one from the next by `stride`: the sum of squared errors, in 2 steps. */
DFY_BODY double sum_of_rounding(const float *parts, size_t count, size_t stride, float half, float centre) {
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

DFY_BODY void sum_rounding_body(double *sum, const float *parts, size_t count, size_t stride, float half,
                                float centre) {
    *sum = stride == 1 ? sum_of_rounding(parts, count, 1, half, centre)
                       : sum_of_rounding(parts, count, stride, half, centre);
}
DFY_TWICE(sum_rounding, (double *sum, const float *parts, size_t count, size_t stride, float half, float centre),
          (sum, parts, count, stride, half, centre))

double dfy_trellis_foresee(const DfyTrellis *t, double step, size_t stride) {
    double sum = 0;
    size_t rows = (t->rows + stride - 1) / stride, apart = t->by_column ? stride : stride * (size_t)t->n;
    for (int k = 0; k < t->n; k++) {
        const float *column = t->parts + place_of(t, 0, k);
        double part;
        sum_rounding(&part, column, rows, apart, (float)(0.5 / step), t->centred ? 0.35f : 0.5f);
        sum += (t->norm ? t->norm[k] : 1) * part;
    }
    return rows ? sum * 4 * step * step / (double)(rows * (size_t)t->n) : 0;
}
