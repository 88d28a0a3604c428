#include "splat/quant/trellis.h"
#include "splat/model/exact.h"
#include "splat/model/wide.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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
#define MOST_MENDED 1.03
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
    return (int32_t)(low < LARGEST ? low : LARGEST);
}

/* Of x that isn't negative, the two magnitudes around it; or of small x the better of the two smallest of a parity. */
static inline void choose_large(float cost[2][2], float x, const float rates[2][LEVELS]) {
    for (int q = 0; q < 2; q++) {
        int32_t low = magnitude_below(q, x);
        cost[q][low & 1] = cost_of(low, q, x, rates[q]);
        cost[q][~low & 1] = cost_of(low + 1, q, x, rates[q]);
    }
}
static inline void choose_small(float cost[2][2], float x, const float rates[2][LEVELS]) {
    for (int q = 0; q < 2; q++)
        for (int parity = 0; parity < 2; parity++)
            cost[q][parity] = dfy_trellis_lesser(cost_of(parity, q, x, rates[q]), cost_of(parity + 2, q, x, rates[q]));
}

/* The x above which the larger of those two magnitudes is the better one. */
static float larger_from(int quantiser, int parity, const float rates[LEVELS]) {
    float low = (float)(2 * parity - (quantiser & parity)), high = (float)(2 * (parity + 2) - quantiser);
    return (high * high - low * low + rates[parity + 2] - rates[parity]) / (2 * (high - low));
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

/* ---------------------------------------------------------------- walks */

/* What is chosen of a column's centred numbers, by class and size in parts of a step; the last is of larger ones. */
enum { A_STEP = 32, SIZES = 5 * A_STEP };
#define LARGER UINT32_MAX
typedef struct Choices {
    uint32_t of[CLASSES][SIZES];
} Choices;

/* Numbers on their way through the trellis, in the order they take it: column by column or row by row. */
typedef struct Walk {
    const DfyTrellis *trellis;
    const float *parts;
    Rates *rates;
    Choices *choices;   /* of the column last seen, or of all */
    float *larger_from; /* for each column and class, by quantiser and parity */
    uint8_t *classes;   /* of rows of centred numbers */
    float *sums;
    DfyTrellisEven *even; /* of each number */
    double step;
    float inverse;
    size_t rows;
    int filled; /* column whose choices there are */
} Walk;

/* Some of them in a row: their columns and their rows' classes. */
typedef struct Piece {
    const float *parts;
    size_t count, spans;
    uint8_t column[DFY_TRELLIS_RUN], class[DFY_TRELLIS_RUN];
    uint16_t end[DFY_TRELLIS_RUN]; /* of each span of one column */
} Piece;

static void take_columns(Piece *piece, const Walk *w, Kind kind, size_t at) {
    size_t row = at % w->rows, k = at / w->rows;
    for (size_t i = 0; i < piece->count; row = 0, k++) {
        size_t some = piece->count - i < w->rows - row ? piece->count - i : w->rows - row;
        memset(piece->column + i, (int)k, some);
        if (kind == CENTRED) memcpy(piece->class + i, w->classes + row, some);
        i += some;
        piece->end[piece->spans++] = (uint16_t)i;
    }
}

static void take_rows(Piece *piece, const Walk *w, Kind kind, size_t at) {
    size_t columns = (size_t)w->trellis->n, row = at / columns, k = at % columns;
    for (size_t i = 0; i < piece->count; i++) {
        piece->column[i] = (uint8_t)k;
        if (kind == CENTRED) piece->class[i] = w->classes[row];
        if (columns > 1 || i + 1 == piece->count) piece->end[piece->spans++] = (uint16_t)(i + 1);
        if (++k < columns) continue;
        k = 0;
        row++;
    }
}

static void take_piece(Piece *piece, const Walk *w, Kind kind, size_t at) {
    size_t left = w->rows * (size_t)w->trellis->n - at;
    piece->parts = w->parts + at;
    piece->count = left < DFY_TRELLIS_RUN ? left : DFY_TRELLIS_RUN;
    piece->spans = 0;
    (w->trellis->by_column ? take_columns : take_rows)(piece, w, kind, at);
}

/* ---------------------------------------------------------------- centred numbers */

/* Sets what centred numbers of a column are chosen by. */
DFY_BODY void fill_choices_body(Choices *choices, const float (*rates)[2][LEVELS]) {
    for (int c = 0; c < CLASSES; c++) {
        for (int size = 0; size < SIZES - 1; size++) {
            float cost[2][2];
            choose_small(cost, (float)size / A_STEP, rates[c]);
            choices->of[c][size] = dfy_trellis_in_bytes((const float(*)[2])cost);
        }
        choices->of[c][SIZES - 1] = LARGER;
    }
}
DFY_TWICE(fill_choices, (Choices * choices, const float (*rates)[2][LEVELS]), (choices, rates))

/* Where in the choices each number's are. */
DFY_BODY void find_choices_body(int32_t *restrict place, const Piece *piece, size_t from, size_t to, float in_sizes) {
    for (size_t i = from; i < to; i++) {
        float size = fabsf(piece->parts[i]) * in_sizes + 0.5f;
        size = size < SIZES - 1 ? size : SIZES - 1;
        place[i] = piece->class[i] * SIZES + (int32_t)size;
    }
}
DFY_TWICE(find_choices, (int32_t * place, const Piece *piece, size_t from, size_t to, float in_sizes),
          (place, piece, from, to, in_sizes))

static void choose_centred(uint32_t *more, Walk *w, const Piece *piece) {
    int32_t place[DFY_TRELLIS_RUN];
    size_t i = 0;
    find_choices(place, piece, 0, piece->count, w->inverse * A_STEP);
    for (size_t span = 0; span < piece->spans; span++) {
        int k = piece->column[i], by_column = w->trellis->by_column;
        const float(*rates)[2][LEVELS] = (const float(*)[2][LEVELS])w->rates->centred[k];
        if (by_column && w->filled != k) fill_choices(w->choices, rates);
        w->filled = k;
        const uint32_t *choices = w->choices[by_column ? 0 : k].of[0];
        for (; i < piece->end[span]; i++) {
            float cost[2][2];
            more[i] = choices[place[i]];
            if (more[i] != LARGER) continue;
            choose_large(cost, fabsf(piece->parts[i]) * w->inverse, rates[piece->class[i]]);
            more[i] = dfy_trellis_in_bytes((const float(*)[2])cost);
        }
    }
}

static void prepare_centred(Walk *w) {
    int n = w->trellis->n;
    for (int k = 0; k < n; k++) {
        const float(*rates)[2][LEVELS] = (const float(*)[2][LEVELS])w->rates->centred[k];
        for (int i = 0; i < CLASSES * 4; i++)
            w->larger_from[k * CLASSES * 4 + i] = larger_from(i >> 1 & 1, i & 1, rates[i / 4][i >> 1 & 1]);
        if (!w->trellis->by_column) fill_choices(&w->choices[k], rates);
    }
    w->filled = -1;
}

/* The best multiples of the step of ways: of their quantisers and parities. */
DFY_BODY void pick_centred_body(int32_t *restrict picked, const Piece *piece, const uint8_t *way,
                                const float *larger_from, float inverse) {
    for (size_t i = 0; i < piece->count; i++) {
        int32_t quantiser = way[i] >> 1, parity = way[i] & 1;
        float part = piece->parts[i], x = fabsf(part) * inverse;
        float from = larger_from[(piece->column[i] * CLASSES + piece->class[i]) * 4 + way[i]];
        int32_t low = magnitude_below(quantiser, x), large = low + ((low ^ parity) & 1);
        int32_t small = parity + 2 * (x > from), is_small = -(x < SMALL);
        int32_t coded = (small & is_small) | (large & ~is_small);
        int32_t size = 2 * coded - (quantiser & (coded > 0)), sign = -(part < 0);
        picked[i] = (size ^ sign) - sign;
    }
}
DFY_TWICE(pick_centred,
          (int32_t * picked, const Piece *piece, const uint8_t *way, const float *larger_from, float inverse),
          (picked, piece, way, larger_from, inverse))

/* ---------------------------------------------------------------- plain ones */

static inline uint32_t choose(const Walk *w, Kind kind, const Piece *piece, size_t i) {
    int k = piece->column[i];
    float x = piece->parts[i] * w->inverse, cost[2][2];
    if (kind == LIMITED)
        choose_limited(cost, x, w->trellis->limits[k]);
    else
        choose_plain(cost, x, (const float(*)[PLACES])w->rates->plain[k], w->rates->lowest[k]);
    return dfy_trellis_in_bytes((const float(*)[2])cost);
}

static inline int32_t pick(const Walk *w, Kind kind, const Piece *piece, size_t i, int way) {
    int quantiser = way >> 1, parity = way & 1;
    float x = piece->parts[i] * w->inverse;
    if (kind == PLAIN) return 2 * pick_plain(quantiser, parity, x) + quantiser;
    return 2 * pick_limited(quantiser, parity, x, w->trellis->limits[piece->column[i]]) + quantiser;
}

/* ---------------------------------------------------------------- there and back */

static inline void choose_some(uint32_t *more, Walk *w, Kind kind, const Piece *piece) {
    if (kind == CENTRED) choose_centred(more, w, piece);
    for (size_t i = 0; kind != CENTRED && i < piece->count; i++) more[i] = choose(w, kind, piece, i);
}

static inline void pick_some(int32_t *picked, const Walk *w, Kind kind, const Piece *piece, const uint8_t *way) {
    if (kind == CENTRED) pick_centred(picked, piece, way, w->larger_from, w->inverse);
    for (size_t i = 0; kind != CENTRED && i < piece->count; i++) picked[i] = pick(w, kind, piece, i, way[i]);
}

static inline void walk_forward(DfyTrellisPaths *paths, Walk *w, Kind kind, size_t from, size_t to) {
    Piece piece;
    uint32_t more[DFY_TRELLIS_RUN];
    for (size_t at = from; at < to; at += piece.count) {
        take_piece(&piece, w, kind, at);
        choose_some(more, w, kind, &piece);
        dfy_trellis_run(paths, w->even + (at - from), more, piece.count);
    }
}

/* Adds squared errors to their columns', each span's in lanes. */
DFY_BODY void add_errors_body(double *sums, const Piece *piece, const int32_t *picked, float step) {
    size_t i = 0;
    for (size_t span = 0; span < piece->spans; span++) {
        float lanes[8] = {0}, off;
        double sum = 0;
        int column = piece->column[i];
        for (; i + 8 <= piece->end[span]; i += 8)
            for (size_t j = 0; j < 8; j++) {
                off = piece->parts[i + j] - (float)picked[i + j] * step;
                lanes[j] += off * off;
            }
        for (int j = 0; j < 8; j++) sum += lanes[j];
        for (; i < piece->end[span]; i++) {
            off = piece->parts[i] - (float)picked[i] * step;
            sum += off * off;
        }
        sums[column] += sum;
    }
}
DFY_TWICE(add_errors, (double *sums, const Piece *piece, const int32_t *picked, float step),
          (sums, piece, picked, step))

static inline void walk_back(const DfyTrellisPaths *paths, const Walk *w, Kind kind, size_t from, size_t to,
                             double sums[DFY_TRELLIS_MOST], int32_t *values) {
    Piece piece;
    int state = dfy_trellis_end(paths);
    for (size_t end = to, at; end > from; end = at) {
        uint8_t way[DFY_TRELLIS_RUN];
        int32_t some[DFY_TRELLIS_RUN];
        at = (end - 1) / DFY_TRELLIS_RUN * DFY_TRELLIS_RUN;
        int32_t *picked = values ? values + at : some;
        take_piece(&piece, w, kind, at);
        state = dfy_trellis_run_back(way, w->even + (at - from), piece.count, state);
        pick_some(picked, w, kind, &piece, way);
        add_errors(sums, &piece, picked, (float)w->step);
    }
}

/* How far a walk is, and the squared errors behind it. */
typedef struct Way {
    DfyTrellisPaths paths;
    int state; /* of the greedy way, which is the only one */
    size_t at;
    double sums[DFY_TRELLIS_MOST];
} Way;

/* Of each number the cheaper choice in the quantiser that the ones before lead to, whatever follows. */
static void choose_greedily(uint8_t *way, const uint32_t *more, size_t count, int *state) {
    int now = *state;
    for (size_t i = 0; i < count; i++) {
        int quantiser = now & 1;
        uint32_t costs = more[i] >> 16 * quantiser;
        int parity = (costs & 255) > (costs >> 8 & 255);
        way[i] = (uint8_t)(2 * quantiser + parity);
        now = dfy_trellis_next(now, parity);
    }
    *state = now;
}

static inline void walk_greedily(Way *walked, Walk *w, Kind kind, size_t to, int32_t *values) {
    Piece piece;
    for (; walked->at < to; walked->at += piece.count) {
        uint32_t more[DFY_TRELLIS_RUN];
        uint8_t way[DFY_TRELLIS_RUN];
        int32_t some[DFY_TRELLIS_RUN], *picked = values ? values + walked->at : some;
        take_piece(&piece, w, kind, walked->at);
        choose_some(more, w, kind, &piece);
        choose_greedily(way, more, piece.count, &walked->state);
        pick_some(picked, w, kind, &piece, way);
        add_errors(walked->sums, &piece, picked, (float)w->step);
    }
}

/* There and back, a stretch after the other; the kind is known where this is put in place. */
static inline void walk_on(Way *way, Walk *w, Kind kind, size_t end, int32_t *values) {
    if (kind == CENTRED) prepare_centred(w);
    if (w->trellis->greedy) walk_greedily(way, w, kind, end, values);
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

/* Numbers with small errors are mostly 0 whatever bits are worth: what is left of the power by their share of the mean.
 */
static double most_power(const Way *before, double share, const Walk *w) {
    size_t count = w->rows * (size_t)w->trellis->n;
    double usual = (double)(count - before->at) / (double)count, part = fmin(fmax(share / usual, 0.5), 1);
    return part * part * part;
}

/*
 * Brings a mean that is a little off nearer to the wanted one: for the last numbers bits become worth more or less,
 * and how their error follows is learnt by trying.
 */
static inline double mend(const Way *before, double mean, Walk *w, Kind kind, int32_t *values) {
    double wanted = w->trellis->wanted, head = mean_of(w, before), tail = mean - head, factor = 1;
    double power = w->trellis->by_column ? COLUMNS_POWER * most_power(before, tail / mean, w) : ROWS_POWER;
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

/* Whether the numbers behind this point can make up for a mean that is off, as far as bits may be worth more or less.
 */
static int can_mend(const Way *before, double mean, const Walk *w) {
    double tail = mean - mean_of(w, before), off = mean - w->trellis->wanted * (1 - (1 - LEAST_GOOD) * 0.3);
    return fabs(off) < (w->trellis->by_column ? 0.08 : 0.03) * tail;
}

/* Returns the mean of the weighted squared errors. */
static inline double walk(Walk *w, Kind kind, int32_t *values) {
    const DfyTrellis *t = w->trellis;
    size_t count = w->rows * (size_t)t->n, runs = count / DFY_TRELLIS_RUN;
    Way way = {.at = 0}, before, late;
    dfy_trellis_begin(&way.paths);
    walk_on(&way, w, kind, runs * 7 / 10 * DFY_TRELLIS_RUN, values);
    before = way;
    walk_on(&way, w, kind, runs * 9 / 10 * DFY_TRELLIS_RUN, values);
    late = way;
    walk_on(&way, w, kind, count, values);
    double mean = mean_of(w, &way);
    int near = mean > t->wanted * LEAST_MENDED && mean < t->wanted * MOST_MENDED;
    if (kind == LIMITED || !(t->bit_worth > 0) || !near) return mean;
    return mend(can_mend(&late, mean, w) ? &late : &before, mean, w, kind, values);
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
static void take_some(Walk *w, float *parts, size_t stride) {
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
    w.even = malloc((count < STRETCH ? count + 1 : STRETCH) * sizeof *w.even);
    w.choices = t->centred ? malloc((size_t)(t->by_column ? 1 : t->n) * sizeof *w.choices) : NULL;
    w.larger_from = malloc((size_t)t->n * CLASSES * 4 * sizeof *w.larger_from);
    if (w.rates && w.classes && w.sums && w.even && (w.choices || !t->centred) && w.larger_from &&
        (some || stride == 1)) {
        learn(&w, stride);
        if (some) take_some(&w, some, stride);
        if (t->centred)
            mean = walk(&w, CENTRED, values);
        else
            mean = t->limits ? walk(&w, LIMITED, values) : walk(&w, PLAIN, values);
    }
    free(some);
    free(w.rates);
    free(w.classes);
    free(w.sums);
    free(w.even);
    free(w.choices);
    free(w.larger_from);
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
