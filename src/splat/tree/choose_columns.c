/*
 * tree-range, encoder: columns of a frame in which most splats changed. Each attribute is predicted by the last values
 * or by their mean, whichever is nearer; then the step is the largest that meets the wanted error.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/numbers.h"
#include "splat/formats/files.h"
#include "splat/tree/choose_parts.h"
#include "splat/tree/columns.h"
#include "splat/tree/transform.h"

/* What a bit is worth, in squared steps. */
#define WORTH 0.3f
/* A prediction this near to the wanted error is left as it is. */
#define AS_IT_IS 0.999
/* Means help where what they leave is so much of what the last values do. */
#define HELPS 0.98
/* Frames after which means that did not help are tried again, at first and at most. */
enum { FIRST_PAUSE = 4, MOST_PAUSE = 64 };

typedef struct Chooser {
    DfyTreeColumns *columns;
    DfyTreeState *state;
    const DfySplats *splats;
    const uint32_t *order;
    const double *wanted, *analysis;
    double dc_analysis[9];
    int effort;
    float *parts, *other; /* residuals by column, of the last values and of the means */
    int32_t *values;
} Chooser;

/* ---------------------------------------------------------------- residuals */

/* The vector part of the turn from `from` to a quaternion of any length, as columns have it. */
static void turn_between(const float *to, const int32_t from[4], double v[3]) {
    double length = sqrt((double)to[0] * to[0] + (double)to[1] * to[1] + (double)to[2] * to[2] + (double)to[3] * to[3]);
    double a[4], b[4];
    for (int k = 0; k < 4; k++) {
        a[k] = to[k] / length;
        b[k] = (double)from[k] / DFY_TURN_ONE;
    }
    double w = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
    if (fabs(w) < 1e-3) w = w < 0 ? -1e-3 : 1e-3;
    v[0] = (-a[0] * b[1] + a[1] * b[0] - a[2] * b[3] + a[3] * b[2]) / w;
    v[1] = (-a[0] * b[2] + a[1] * b[3] + a[2] * b[0] - a[3] * b[1]) / w;
    v[2] = (-a[0] * b[3] - a[1] * b[2] + a[2] * b[1] + a[3] * b[0]) / w;
}

/* Other colours' ways into the grid's transform. */
static void transform_rest(const Chooser *c, float *parts) {
    size_t n = (size_t)dfy_tree_rest(&c->state->grid), count = c->state->count;
    for (size_t i = 0; i < count; i++) {
        double off[DFY_TREE_REST];
        for (size_t k = 0; k < n; k++) off[k] = parts[k * count + i];
        for (size_t k = 0; k < n; k++) {
            double sum = 0;
            for (size_t j = 0; j < n; j++) sum += c->analysis[k * n + j] * off[j];
            parts[k * count + i] = (float)sum;
        }
    }
}

static void put_rest(const Chooser *c, float *parts, size_t i, const int32_t *predicted) {
    size_t n = (size_t)dfy_tree_rest(&c->state->grid), count = c->state->count;
    const float *in = c->splats->rest + (size_t)c->order[i] * n;
    for (size_t k = 0; k < n; k++) parts[k * count + i] = (float)(in[k] - (double)predicted[k] / DFY_TREE_ONE);
}

/* What splat i lacks of an attribute when it is predicted by these values. */
static void put_off(const Chooser *c, int kind, float *parts, size_t i, const DfyTreeMean *from, const int32_t *rest) {
    const DfyTreeGrid *g = &c->state->grid;
    size_t j = c->order[i], count = c->state->count;
    double v[3];
    float row[3];
    if (kind == 1) turn_between(c->splats->rotation + j * 4, from->turn, v);
    if (kind == 4) dfy_tree_dc_row(row, g, c->splats->dc + j * 3, c->dc_analysis);
    for (size_t k = 0; k < 3; k++) {
        if (kind == 1) parts[k * count + i] = (float)(v[k] * (1 << (DFY_TREE_TURN_FRACTION - 16)));
        if (kind == 2)
            parts[k * count + i] = (float)(c->splats->scale[j * 3 + k] - (double)from->scale[k] / DFY_TREE_ONE);
        if (kind == 4) parts[k * count + i] = row[k] - (float)from->dc_part[k] / DFY_TREE_ONE;
    }
    if (kind == 3) parts[i] = (float)(dfy_sigmoid(c->splats->opacity[j]) - (double)from->alpha / DFY_TREE_ONE);
    if (kind == 5) put_rest(c, parts, i, rest);
}

/* Mean of the squares of count x n values, weighted. */
static double mean_square(const float *parts, const DfyTrellis *t) {
    double sum = 0;
    for (int k = 0; k < t->n; k++) {
        double own = 0;
        for (size_t i = 0; i < t->rows; i++)
            own += (double)parts[(size_t)k * t->rows + i] * parts[(size_t)k * t->rows + i];
        sum += (t->norm ? t->norm[k] : 1) * own;
    }
    return t->rows ? sum / ((double)t->rows * t->n) : 0;
}

/* Of the last values, and of the means where there are any. */
static void find_residuals(const Chooser *c, int kind) {
    int has_means = c->state->past.ages[kind] > 0;
    size_t n = (size_t)dfy_tree_rest(&c->state->grid);
    for (size_t i = 0; i < c->state->count; i++) {
        const DfyTreeSplat *s = &c->state->splats[i];
        DfyTreeMean last = {.alpha = s->alpha};
        memcpy(last.turn, s->turn, sizeof last.turn);
        memcpy(last.scale, s->scale, sizeof last.scale);
        memcpy(last.dc_part, s->dc_part, sizeof last.dc_part);
        put_off(c, kind, c->parts, i, &last, c->state->rest + i * n);
        if (has_means) put_off(c, kind, c->other, i, &c->state->past.means[i], c->state->past.rest + i * n);
    }
}

/* ---------------------------------------------------------------- attributes */

/* The wanted RMS of the numbers of an attribute. */
static double wanted_of(const Chooser *c, int kind) {
    static const int attributes[DFY_TREE_KINDS] = {DFY_SPLAT_POSITION, DFY_SPLAT_ROTATION, DFY_SPLAT_SCALE,
                                                   DFY_SPLAT_ALPHA,    DFY_SPLAT_DC,       DFY_SPLAT_SH};
    double wanted = c->wanted[attributes[kind]];
    /* Degrees to half the angle's radians, on each of three axes, in the unit that residuals have. */
    if (kind == 1) wanted *= 3.14159265358979323846 / 360 / sqrt(3) * (1 << (DFY_TREE_TURN_FRACTION - 16));
    return wanted;
}

/* Whether an attribute's means go on, or begin: they cost a decoder time, so they pause where they do not help. */
static int still_learns(DfyTreePast *past, int kind, int helps) {
    if (past->ages[kind] == 1 || (past->ages[kind] && helps)) return 1;
    if (past->ages[kind]) {
        past->pauses[kind] = past->last_pauses[kind] ? past->last_pauses[kind] : FIRST_PAUSE;
        past->last_pauses[kind] = (uint8_t)dfy_min(2 * past->pauses[kind], MOST_PAUSE);
        return 0;
    }
    if (!past->pauses[kind]) return 1;
    past->pauses[kind]--;
    return 0;
}

static int choose_kind(Chooser *c, int kind) {
    DfyTreeColumn *own = &c->columns->of[kind];
    const DfyTreeGrid *g = &c->state->grid;
    double norm[DFY_TREE_REST], wanted = wanted_of(c, kind);
    size_t count = c->state->count;
    DfyTrellis t = {
        .rows = count, .n = dfy_tree_column_count(g, kind), .centred = 1, .by_column = 1, .bit_worth = WORTH};
    if (!t.n || !count) return DFY_OK;
    if (kind == 4) dfy_tree_dc_norm(g, norm);
    if (kind == 4) t.norm = norm;
    find_residuals(c, kind);
    double last = mean_square(c->parts, &t), mean = c->state->past.ages[kind] ? mean_square(c->other, &t) : INFINITY;
    own->from_mean = mean < last;
    own->learns = still_learns(&c->state->past, kind, mean < last * HELPS);
    float *parts = own->from_mean ? c->other : c->parts;
    if ((own->from_mean ? mean : last) <= wanted * wanted * AS_IT_IS) return DFY_OK;
    t.parts = parts;
    if (kind == 5) {
        t = dfy_tree_rest_trellis(g, norm, parts, count);
        transform_rest(c, parts);
    }
    t.greedy = c->effort < 3; /* in key frames it costs more bytes, and so the range coder more time, than it saves */
    size_t values = count * (size_t)t.n;
    t.usual_step = (double)c->state->past.steps[kind] / DFY_TREE_ONE;
    own->numbers = malloc(values * sizeof *own->numbers);
    int status = own->numbers ? dfy_tree_choose_step(&own->step, c->values, &t, wanted, c->effort) : DFY_ERROR_MEMORY;
    for (size_t i = 0; !status && i < values; i++) {
        int32_t v = c->values[i];
        own->numbers[i] = (int16_t)(v > DFY_TREE_NUMBER_MOST    ? DFY_TREE_NUMBER_MOST
                                    : v < -DFY_TREE_NUMBER_MOST ? -DFY_TREE_NUMBER_MOST
                                                                : v);
    }
    own->present = !status;
    c->state->past.steps[kind] = own->step;
    return status;
}

/* ---------------------------------------------------------------- positions */

static double bits_of(double number) {
    uint32_t size = (uint32_t)fabs(number) + 1;
    return 31 - __builtin_clz(size) + (double)size / (1u << (31 - __builtin_clz(size)));
}

/* Ways to predict are compared by parts of SAMPLE splats, one of EVERY, but at the lowest and highest efforts. */
enum { SAMPLE = 1024, EVERY = 8, RARELY = 24, USUAL_RUN = 6, SMOOTHEST = 3, USUAL_STEADY = 2, STEADIEST = 3 };
/* Of the numbers on a sample: smooth moves come into their own on all splats only, which follow each other. */
#define SMOOTHER 0.985

static double bounded(double number) {
    return fmin(fmax(rint(number), -DFY_TREE_NUMBER_MOST), DFY_TREE_NUMBER_MOST);
}

static double place_of(const Chooser *c, uint32_t i, size_t k) {
    const DfyTreeGrid *g = &c->state->grid;
    return ((double)c->splats->xyz[(size_t)c->order[i] * 3 + k] - g->origin[k]) / g->step * (1 << DFY_TREE_FRACTION);
}

/* The mean move of a run that begins with splat `from`; adds what telling it takes to *size. */
static void choose_run(const Chooser *c, uint32_t from, double *size) {
    DfyTreeColumns *columns = c->columns;
    uint32_t length = 1u << columns->run_bits;
    uint32_t to = c->state->count - from < length ? c->state->count : from + length;
    int16_t *run = columns->runs + (size_t)(from >> columns->run_bits) * 3;
    double sum[3] = {0, 0, 0};
    memset(run, 0, 3 * sizeof *run);
    for (uint32_t i = from; i < to; i++) {
        int32_t base[3], predicted[3];
        dfy_tree_predict_place(c->state, columns, NULL, i, base, predicted);
        for (size_t k = 0; k < 3; k++) sum[k] += place_of(c, i, k) - predicted[k];
    }
    for (size_t k = 0; k < 3; k++) {
        run[k] = (int16_t)bounded(sum[k] / (to - from) / columns->of[0].step);
        *size += bits_of(from ? run[k] - run[(int)k - 3] : run[k]);
    }
}

/* The number of a position, and what it leaves, in grid steps. */
static double round_place(const Chooser *c, int32_t (*moved)[3], uint32_t i, double *size) {
    DfyTreeColumns *columns = c->columns;
    int32_t base[3], predicted[3];
    const int32_t *velocity = c->state->splats[i].velocity;
    double sum = 0, step = columns->of[0].step;
    dfy_tree_predict_place(c->state, columns, (const int32_t(*)[3])moved, i, base, predicted);
    for (size_t k = 0; k < 3; k++) {
        double off = place_of(c, i, k) - predicted[k], number = bounded(off / step);
        double left = (off - number * step) / (1 << DFY_TREE_FRACTION);
        int32_t news = (int32_t)(number * step);
        columns->of[0].numbers[k * c->state->count + i] = (int16_t)number;
        moved[i][k] = dfy_tree_seen_move(columns, predicted[k] - base[k], news, velocity[k]);
        *size += bits_of(number);
        sum += left * left;
    }
    return sum;
}

/*
 * Rounds positions' ways from their predictions, of one part of the splats in `every`; returns the mean square of what
 * is left, in squared grid steps.
 */
static double round_places(const Chooser *c, int32_t (*moved)[3], uint32_t every, double *size) {
    double sum = 0;
    uint32_t looked_at = 0, run = dfy_tree_moves_runs(c->columns->move) ? 1u << c->columns->run_bits : 0;
    *size = 0;
    for (uint32_t i = 0; i < c->state->count; i++) {
        if (i / SAMPLE % every) continue;
        if (run && i % run == 0) choose_run(c, i, size);
        looked_at++;
        sum += round_place(c, moved, i, size);
    }
    return looked_at ? sum / looked_at : 0;
}

/* A way to predict: what moves are, for runs of how many splats, how smooth the neighbours' are, and whether of the
 * mean. */
typedef struct Way {
    int move, run_bits, smooth, from_mean;
} Way;

static void go(const Chooser *c, Way way) {
    c->columns->move = way.move;
    c->columns->run_bits = way.run_bits;
    c->columns->smooth = way.smooth;
    c->columns->gentle = way.smooth > 0; /* where neighbours' moves are noisy, velocities are too */
    c->columns->of[0].from_mean = way.from_mean;
}

/* A way on its trial. */
typedef struct Trial {
    Way best;
    double least;
    uint32_t every;
} Trial;

static void try_way(const Chooser *c, int32_t (*moved)[3], Trial *trial, Way way) {
    double size;
    go(c, way);
    round_places(c, moved, trial->every, &size);
    if (way.smooth && trial->every > 1) size *= SMOOTHER;
    if (size < trial->least) trial->best = way;
    trial->least = fmin(size, trial->least);
}

/* The way with the smallest numbers on a sample; *helps: the best one is by the mean. */
static Way best_way(const Chooser *c, int32_t (*moved)[3], int *helps) {
    int means = c->state->past.ages[0] ? 2 : 1;
    Trial trial = {{0, USUAL_RUN, 0, 0}, INFINITY, c->effort < 4 ? RARELY : dfy_tree_haste(c->effort) ? EVERY : 1};
    for (int way = 0; way < DFY_TREE_MOVES * means; way++)
        try_way(c, moved, &trial, (Way){way / means, USUAL_RUN, 0, way % means});
    for (int smooth = 1; dfy_tree_moves_near(trial.best.move) && smooth < SMOOTHEST; smooth++)
        for (int mean = 0; mean < means; mean++)
            try_way(c, moved, &trial, (Way){trial.best.move, USUAL_RUN, smooth, mean});
    *helps = trial.best.from_mean;
    for (int i = 0; dfy_tree_moves_runs(trial.best.move) && i < DFY_TREE_RUNS; i++) {
        Way way = trial.best;
        way.run_bits = DFY_TREE_RUN_LEAST + i;
        try_way(c, moved, &trial, way);
    }
    return trial.best;
}

/* What means of positions were off by in this frame and the last one: sums of products and squares. */
typedef struct Off {
    double product, now, before;
} Off;

/* What a splat was off by in the last frame beyond what its neighbours, whose moves tell it, were. */
static void off_beyond_near(const Chooser *c, uint32_t i, double beyond[3]) {
    static const double weights[DFY_TREE_NEAR] = {4.0 / 11, 3.0 / 11, 2.0 / 11, 2.0 / 11};
    const uint8_t *back = c->state->past.back[i];
    for (size_t k = 0; k < 3; k++) beyond[k] = (double)c->state->past.off[i][k];
    for (int j = 0; dfy_tree_moves_near(c->columns->move) && i >= DFY_TREE_NEAR && j < DFY_TREE_NEAR; j++)
        for (size_t k = 0; k < 3; k++) beyond[k] -= weights[j] * (double)c->state->past.off[i - back[j]][k];
}

static void add_off(const Chooser *c, const int32_t (*moved)[3], uint32_t i, Off *sums) {
    DfyTreePast *past = &c->state->past;
    int32_t base[3], predicted[3];
    double beyond[3];
    off_beyond_near(c, i, beyond);
    dfy_tree_predict_place(c->state, c->columns, moved, i, base, predicted);
    for (size_t k = 0; k < 3; k++) {
        float off = (float)(place_of(c, i, k) - ((double)past->means[i].place[k] + predicted[k] - base[k]));
        sums->product += off * beyond[k];
        sums->now += (double)off * off;
        sums->before += beyond[k] * beyond[k];
        past->off[i][k] = off;
    }
}

/*
 * How far means go to a frame's values, as a shift: as far as they had to go in the last frame to be off by least in
 * this one. Late where all moves, they would run after noise where nothing does.
 */
static int choose_steady(const Chooser *c, const int32_t (*moved)[3]) {
    DfyTreePast *past = &c->state->past;
    int best = past->off ? past->steady : USUAL_STEADY;
    double went = 1.0 / (1 << past->went), least = INFINITY;
    Off sums = {0, 0, 0};
    if (!past->off) past->off = calloc(c->state->count ? c->state->count : 1, sizeof *past->off);
    for (uint32_t i = c->state->count; past->off && i-- > 0;) add_off(c, moved, i, &sums); /* neighbours are before */
    for (int steady = 0; sums.before > 0 && steady <= STEADIEST; steady++) {
        double less = went - 1.0 / (1 << steady),
               square = sums.now + 2 * less * sums.product + less * less * sums.before;
        if (square < least) best = steady;
        least = fmin(square, least);
    }
    past->went = dfy_min(dfy_tree_mean_shift(past, 0), best);
    return past->steady = best;
}

/* The prediction with the smallest numbers, then the largest unit that meets the wanted error. */
static int choose_places(Chooser *c) {
    DfyTreeColumn *own = &c->columns->of[0];
    size_t count = c->state->count ? c->state->count : 1;
    int32_t(*moved)[3] = calloc(count, sizeof *moved);
    double size, wanted = c->wanted[DFY_SPLAT_POSITION];
    int helps;
    own->numbers = malloc(count * 3 * sizeof *own->numbers);
    c->columns->runs = malloc((count / (1 << DFY_TREE_RUN_LEAST) + 1) * 3 * sizeof *c->columns->runs);
    if (!moved || !own->numbers || !c->columns->runs) {
        free(moved);
        return DFY_ERROR_MEMORY;
    }
    own->present = 1;
    own->step = (int)(fmin(fmax(wanted * 2 * (1 << DFY_TREE_FRACTION), 1), 60000));
    go(c, best_way(c, moved, &helps));
    own->learns = still_learns(&c->state->past, 0, helps);
    for (int i = 0; i < 6; i++) {
        double error = sqrt(round_places(c, moved, 1, &size)) / wanted;
        if (error <= 1 || own->step <= 1) break;
        own->step = (int32_t)(own->step / error * 0.999);
        if (own->step < 1) own->step = 1;
    }
    c->columns->steady = choose_steady(c, (const int32_t(*)[3])moved);
    free(moved);
    return DFY_OK;
}

/* ---------------------------------------------------------------- frame */

int dfy_tree_choose_columns(DfyTreeColumns *columns, DfyTreeState *state, const DfySplats *splats,
                            const uint32_t *order, const double wanted[DFY_SPLAT_ATTRIBUTES], const double *analysis,
                            int effort, DfyMessage *message) {
    Chooser c = {columns, state, splats, order, wanted, analysis, {0}, effort, NULL, NULL, NULL};
    size_t widest = (size_t)dfy_tree_rest(&state->grid) > 3 ? (size_t)dfy_tree_rest(&state->grid) : 3;
    size_t values = (state->count ? state->count : 1) * widest;
    c.parts = malloc(values * sizeof *c.parts);
    c.other = malloc(values * sizeof *c.other);
    c.values = malloc(values * sizeof *c.values);
    columns->used = 1;
    int status = c.parts && c.other && c.values ? dfy_tree_columns_begin(state, message) : DFY_ERROR_MEMORY;
    double base[9];
    for (int k = 0; k < 9; k++) base[k % 3 * 3 + k / 3] = (double)state->grid.dc_base[k / 3][k % 3] / DFY_TREE_BASE_ONE;
    if (!status && !dfy_invert(c.dc_analysis, base, 3)) memset(c.dc_analysis, 0, sizeof c.dc_analysis);
    if (!status) status = choose_places(&c);
    for (int kind = 1; !status && kind < DFY_TREE_KINDS; kind++) status = choose_kind(&c, kind);
    free(c.parts);
    free(c.other);
    free(c.values);
    if (!status) return DFY_OK;
    return dfy_fail(message, status, "There is no memory for a frame of %u splats.", state->count);
}
