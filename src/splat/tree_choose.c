/*
 * tree-range, encoder: chooses each attribute's step so that its RMS error is the wanted one and no smaller (at a few
 * levels a value the rule step = error x sqrt(12) is off, so steps are searched on the data), the transforms that
 * decorrelate colours, and the indices.
 */
#include "splat/tree_choose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/exact.h"
#include "splat/files.h"
#include "splat/transform.h"
#include "splat/trellis.h"

enum {
    REFINEMENTS = 4,    /* tries of a search */
    MOST_TRIES = 12,    /* and of one in haste, should the error stay too large */
    SAMPLE_ROWS = 1500, /* splats that the search of a step looks at first */
    BASE_ROWS = 8000,   /* splats that a transform is trained on, in haste */
    LEARN_ROWS = 5000,  /* and that a trellis learns what numbers cost from */
    LONG_WAY = 200000,  /* numbers that are not gone through again for a percent */
    SPLATS_A_ENTRY = 64 /* a trained transform of n x n entries is worth its bytes from 64 n splats on */
};

/* Times the wanted error: the trellis' step for many levels. */
#define FIRST_STEP 2.0

#define LONG_ENOUGH 0.9875

/* What the trellis leaves of rounding's mean square, for centred numbers, more or less. */
#define USUAL_PART 0.57

/*
 * What a bit is worth, see DfyTrellis. For colours, tried from 0.15 to 1.2 on a scene from training at errors from
 * those of .spz to coarse: bytes at equal error are fewest at 0.3, and within 0.3 % of that from 0.2 to 0.4.
 */
#define COLOUR_WORTH 0.3f
#define SCALE_WORTH 0.6f

/* ---------------------------------------------------------------- spans */

static void span(float bounds[2][3], const float *values, size_t count, int first) {
    for (size_t i = 0; i < count * 3; i++) {
        float *low = &bounds[0][i % 3], *high = &bounds[1][i % 3], v = values[i];
        int begin = first && i < 3;
        if (begin || v < *low) *low = v;
        if (begin || v > *high) *high = v;
    }
}

void dfy_tree_hull_add(DfyTreeHull *hull, const DfySplats *s) {
    if (!s->count) return;
    int first = !hull->frames++;
    span(hull->xyz, s->xyz, s->count, first);
    span(hull->scale, s->scale, s->count, first);
    span(hull->dc, s->dc, s->count, first);
}

static double diagonal_of(const DfySplats *s) {
    float own[2][3] = {{0}};
    double sum = 0;
    span(own, s->xyz, s->count, 1);
    for (int k = 0; k < 3; k++) sum += ((double)own[1][k] - own[0][k]) * ((double)own[1][k] - own[0][k]);
    return sqrt(sum);
}

/* ---------------------------------------------------------------- steps */

const DfyTreeHaste *dfy_tree_haste(int effort) {
    static const DfyTreeHaste quick = {1000, 0.995, 0.98}, usual = {3000, 0.9972, 0.9935};
    return effort < 4 ? &quick : effort < 7 ? &usual : NULL;
}

int dfy_tree_search_on(DfyTreeSearch *search, double ratio) {
    int all = search->stride == 1;
    const DfyTreeHaste *haste = search->haste;
    double best = !all ? 0.99 : haste ? haste->enough : search->tries ? 0.997 : 0.9985;
    search->tries++;
    if (all && ratio <= 1 && (ratio > best || search->tries > 3 || !(ratio > 0))) return 0;
    if (search->tries > 12) return 0;
    if (search->ratio > 0 && ratio > 0 && fabs(search->step / search->before - 1) > 1e-4) {
        double power = dfy_exact_ln(ratio / search->ratio) / dfy_exact_ln(search->step / search->before);
        search->power = fmin(fmax(power, 0.6), 1.2);
    }
    search->before = search->step;
    search->ratio = ratio;
    double aim = haste ? haste->aim : 0.9995;
    if (all && search->tries > 3) aim -= 0.0003 + 0.002 * (search->tries - 3);
    search->step *= dfy_exact_exp(dfy_exact_ln(aim / fmin(fmax(ratio, 0.2), 5)) / search->power);
    int most = haste ? 1 : REFINEMENTS;
    if (!all && (search->tries >= most || search->stride == 2 || (ratio <= 1 && ratio > best))) {
        search->stride = search->stride > 2 && !haste ? 2 : 1;
        search->tries = 0;
        search->ratio = 0;
    }
    return 1;
}

static int32_t as_number(double step) {
    return (int32_t)(fmin(fmax(step, 1.0 / DFY_TREE_ONE), (double)(1 << 22) / DFY_TREE_ONE) * DFY_TREE_ONE);
}

/* The largest step whose RMS error is at most the wanted one; values (rows x n) gets the multiples. */
static int search_step(int32_t *chosen, int32_t *values, const DfyTrellis *t, double error) {
    double mean;
    DfyTreeSearch search = {.step = error * FIRST_STEP, .power = 0.9, .stride = t->rows / SAMPLE_ROWS + 1};
    size_t stride;
    do {
        stride = search.stride;
        *chosen = as_number(search.step);
        mean = dfy_trellis_quantise(stride == 1 ? values : NULL, t, (double)*chosen / DFY_TREE_ONE, stride);
    } while (mean >= 0 && dfy_tree_search_on(&search, sqrt(mean) / error) && !(stride == 1 && *chosen == 1));
    return mean < 0 ? DFY_ERROR_MEMORY : DFY_OK;
}

/* The step at which `part` of what rounding leaves is the wanted mean square. */
static double foreseen_step(const DfyTrellis *t, double step, double part, double wanted) {
    double power = 1.6, before = 0, mean_before = 0;
    for (int i = 0; i < 5; i++) {
        double mean = part * dfy_trellis_foresee(t, step, 1);
        if (!(mean > 0) || fabs(mean / wanted - 1) < 1e-3) break;
        if (before > 0 && fabs(step / before - 1) > 1e-2)
            power = fmin(fmax(dfy_exact_ln(mean / mean_before) / dfy_exact_ln(step / before), 1.2), 2.2);
        before = step;
        mean_before = mean;
        step *= dfy_exact_exp(dfy_exact_ln(fmin(fmax(wanted / mean, 0.1), 10)) / power);
    }
    return step;
}

/* The error grows with about this power of the step, as the last two tries tell. */
typedef struct Power {
    double power, step, ratio;
} Power;

/* The step that should make a ratio of 1 of the one that `step` had. */
static double with_power(Power *p, double step, double ratio) {
    ratio = fmin(fmax(ratio, 0.2), 5);
    if (p->step > 0 && fabs(step / p->step - 1) > 1e-3) {
        double power = dfy_exact_ln(ratio / p->ratio) / dfy_exact_ln(step / p->step);
        p->power = fmin(fmax(power, 0.5), 1.2);
    }
    p->step = step;
    p->ratio = ratio;
    return step * dfy_exact_exp(-dfy_exact_ln(ratio) / p->power);
}

/*
 * The same with fewer tries. How the trellis' error compares with rounding's is learnt on a sample, and the step
 * follows from what rounding leaves of all: that is some thousandths off, for which the aim leaves room. The error of
 * numbers that aren't centred simply grows with the step.
 */
static int foresee_step(int32_t *chosen, int32_t *values, const DfyTrellis *t, double error,
                        const DfyTreeHaste *haste) {
    double step = error * FIRST_STEP, aim = error * haste->aim;
    size_t sample = t->rows / haste->sample_rows + 1;
    if (t->centred) step = foreseen_step(t, step, USUAL_PART, aim * aim);
    int32_t too_large = INT32_MAX;
    Power power = {1, 0, 0};
    int long_way = t->rows * (size_t)t->n > LONG_WAY;
    for (int i = sample == 1 ? 1 : long_way ? -1 : 0; i <= MOST_TRIES; i++) {
        size_t stride = i > 0 ? 1 : sample;
        *chosen = as_number(step);
        if (*chosen >= too_large) *chosen = too_large > 1 ? too_large - 1 : 1;
        double exact = (double)*chosen / DFY_TREE_ONE;
        double mean = dfy_trellis_quantise(i > 0 ? values : NULL, t, exact, stride),
               ratio = sqrt(fmax(mean, 0)) / error;
        if (mean < 0) return DFY_ERROR_MEMORY;
        int enough = ratio >= (long_way ? LONG_ENOUGH : haste->enough) || i > 2 || *chosen + 1 == too_large;
        if (i > 0 && ((ratio <= 1 && enough) || *chosen == 1 || !(mean > 0))) break;
        if (i > 0 && ratio > 1) too_large = *chosen;
        if (i > 1) aim -= 0.002 * error;
        double rounding = t->centred && mean > 0 ? dfy_trellis_foresee(t, exact, stride) : 0;
        if (rounding > 0)
            step = foreseen_step(t, step, mean / rounding, aim * aim);
        else
            step = with_power(&power, step, ratio * error / aim);
    }
    return DFY_OK;
}

static int choose_step(int32_t *chosen, int32_t *values, DfyTrellis *t, double error, int effort) {
    const DfyTreeHaste *haste = dfy_tree_haste(effort);
    t->learn_rows = haste ? LEARN_ROWS : 0;
    return haste ? foresee_step(chosen, values, t, error, haste) : search_step(chosen, values, t, error);
}

/* A range (from a multiple of 4, so that numbers keep their parities) for multiples from lowest to highest, and a step
 * of the trellis beyond. */
static void choose_range(DfyTreeRange *range, int32_t lowest, int32_t highest) {
    range->low = ((lowest - 2) & ~3);
    for (range->bits = 0; (uint32_t)(highest + 2 - range->low) >> 1 >> range->bits;) range->bits++;
}

/* Centred numbers are coded from the lowest on. */
static void centre_range(DfyTreeRange *range, int32_t lowest, int32_t highest) {
    range->low = lowest / 2 - 1;
    for (range->bits = 0; (uint32_t)(highest / 2 + 1 - range->low) >> range->bits;) range->bits++;
}

/* One frame's numbers are known; of later frames only what values they span. */
static void range_of(DfyTreeRange *range, const int32_t *values, size_t count, size_t stride, int frames,
                     const double bounds[2], double step, int centred) {
    int32_t low = (int32_t)floor(bounds[0] / step), high = (int32_t)ceil(bounds[1] / step);
    if (frames == 1) {
        low = high = count ? values[0] : 0;
        for (size_t i = 0; i < count; i++) {
            if (values[i * stride] < low) low = values[i * stride];
            if (values[i * stride] > high) high = values[i * stride];
        }
    }
    (centred ? centre_range : choose_range)(range, low, high);
}

static int choose_scales(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull,
                         double error, float *work, int32_t *values) {
    size_t n = s->count;
    for (size_t i = 0; i < n * 3; i++) work[i] = s->scale[(size_t)choice->order[i / 3] * 3 + i % 3];
    DfyTrellis trellis = {.parts = work, .rows = n, .n = 3, .bit_worth = SCALE_WORTH};
    int status = choose_step(&g->scale_step, values, &trellis, error, choice->effort);
    for (size_t k = 0; !status && k < 3; k++) {
        double bounds[2] = {hull->scale[0][k], hull->scale[1][k]};
        range_of(&g->scale[k], values + k, n, 3, hull->frames, bounds, (double)g->scale_step / DFY_TREE_ONE, 0);
        for (size_t i = 0; i < n; i++) choice->indices[i].scale[k] = values[i * 3 + k] - g->scale[k].low;
    }
    return status;
}

static int choose_alphas(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error, float *work,
                         int32_t *values) {
    size_t n = s->count;
    for (size_t i = 0; i < n; i++) work[i] = (float)dfy_sigmoid(s->opacity[choice->order[i]]);
    DfyTrellis trellis = {.parts = work, .rows = n, .n = 1};
    int status = choose_step(&g->alpha_step, values, &trellis, error, choice->effort);
    if (g->alpha_step > DFY_TREE_ONE) g->alpha_step = DFY_TREE_ONE;
    dfy_tree_alpha_range(g);
    for (size_t i = 0; !status && i < n; i++) choice->indices[i].alpha = values[i] - g->alpha.low;
    return status;
}

/* The grid of fewest cells that should have this error, were its cells near cubes. */
static void choose_turns(DfyTurnGrid *grid, double error) {
    double best = INFINITY, left = error * FIRST_STEP; /* root of the sum of three squared steps */
    int32_t middle = (int32_t)fmin(fmax(180 * sqrt(3) / left, 7), DFY_TURN_MAX_RINGS - 4);
    *grid = (DfyTurnGrid){middle, middle / 2 * 4, middle / 2 * 4}; /* for errors too small or large for any */
    for (int32_t rings = middle > 10 ? middle - 3 : 7; rings <= middle + 3; rings++)
        for (int32_t fours = middle > 9 ? middle / 2 - 4 : 1; fours <= middle / 2 + 4; fours++) {
            double ring = 180.0 / rings, sector = 90.0 / fours, rest = left * left - ring * ring - sector * sector;
            double twists = rest > 0 ? ceil(90 / sqrt(rest)) : INFINITY;
            if (4 * fours > 2 * DFY_TURN_MAX_RINGS || 4 * twists > 2 * DFY_TURN_MAX_RINGS) continue;
            if (twists * rings * fours >= best) continue;
            best = twists * rings * fours;
            *grid = (DfyTurnGrid){rings, fours * 4, (int32_t)twists * 4};
        }
}

/* ---------------------------------------------------------------- colours */

/* Mean and covariance of count rows of n values. */
static void covariance(double *mean, double *matrix, const float *rows, size_t count, int n) {
    memset(mean, 0, (size_t)n * sizeof *mean);
    memset(matrix, 0, (size_t)(n * n) * sizeof *matrix);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < n; k++) mean[k] += rows[i * (size_t)n + (size_t)k];
    for (int k = 0; k < n; k++) mean[k] /= (double)(count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        double off[DFY_TREE_REST];
        for (int k = 0; k < n; k++) off[k] = rows[i * (size_t)n + (size_t)k] - mean[k];
        for (int a = 0; a < n; a++)
            for (int b = 0; b <= a; b++) matrix[a * n + b] += off[a] * off[b];
    }
    for (int a = 0; a < n; a++)
        for (int b = 0; b < a; b++) matrix[b * n + a] = matrix[a * n + b];
}

/* Luminance and two differences of three channels: the transform of models too small to train one. */
static void plain_axes(double *vectors, int n) {
    static const double channel[3][3] = {
        {0.57735, 0.57735, 0.57735}, {0.70711, 0, -0.70711}, {0.40825, -0.8165, 0.40825}};
    int per = n / 3;
    memset(vectors, 0, (size_t)(n * n) * sizeof *vectors);
    for (int c = 0; c < 3; c++)
        for (int k = 0; k < per; k++)
            for (int to = 0; to < 3; to++) vectors[(c * per + k) * n + to * per + k] = channel[c][to];
}

/* From some rows of a model of so many splats: chooses the rows of base (1/DFY_TREE_BASE_ONE) and what undoes their
 * exact, rounded values. */
static int choose_base(double *analysis, int16_t *base, size_t base_stride, double *mean, const float *rows,
                       size_t count, size_t splats, int n) {
    double *work = calloc((size_t)(n * n) * 2, sizeof *work);
    if (!work) return DFY_ERROR_MEMORY;
    double *matrix = work, *vectors = work + n * n;
    covariance(mean, matrix, rows, count, n);
    if (splats >= (size_t)n * SPLATS_A_ENTRY)
        dfy_principal_axes(vectors, matrix, n);
    else
        plain_axes(vectors, n);
    for (int attempt = 0; attempt < 2; attempt++) {
        for (int k = 0; k < n; k++)
            for (int i = 0; i < n; i++) {
                double entry = fmin(fmax(rint(vectors[k * n + i] * DFY_TREE_BASE_ONE), -127), 127);
                base[(size_t)k * base_stride + (size_t)i] = (int16_t)entry;
                matrix[i * n + k] = entry / DFY_TREE_BASE_ONE; /* synthesis: columns are axes */
            }
        if (dfy_invert(analysis, matrix, n)) break;
        plain_axes(vectors, n);
    }
    free(work);
    return DFY_OK;
}

static void squared_lengths(double *norm, const int16_t *base, size_t stride, int n) {
    for (int k = 0; k < n; k++) {
        norm[k] = 0;
        for (int i = 0; i < n; i++) {
            double entry = (double)base[(size_t)k * stride + (size_t)i] / DFY_TREE_BASE_ONE;
            norm[k] += entry * entry;
        }
    }
}

/* The lowest and highest a coefficient can be for colours within the hull; a step of room, as sums are rounded. */
static void part_bounds(const DfyTreeGrid *g, const DfyTreeHull *hull, const double *analysis, double bounds[2]) {
    bounds[0] = bounds[1] = 0;
    for (int i = 0; i < 3; i++)
        for (int side = 0; side < 2; side++) {
            double mean = (double)g->dc_mean[i] / DFY_TREE_ONE;
            double one = analysis[i] * (hull->dc[0][i] - mean), other = analysis[i] * (hull->dc[1][i] - mean);
            bounds[side] += side ? fmax(one, other) : fmin(one, other);
        }
}

/* The first colour's coefficients. */
static void dc_row(float row[3], const DfyTreeGrid *g, const float dc[3], const double analysis[9]) {
    for (size_t k = 0; k < 3; k++) {
        double sum = 0;
        for (size_t i = 0; i < 3; i++) sum += analysis[k * 3 + i] * (dc[i] - (double)g->dc_mean[i] / DFY_TREE_ONE);
        row[k] = (float)sum;
    }
}

static int choose_dc(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull, double error,
                     float *work, int32_t *values) {
    double analysis[9], mean[3];
    size_t n = s->count;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 3; k++) work[i * 3 + k] = s->dc[(size_t)choice->order[i] * 3 + k];
    int status = choose_base(analysis, g->dc_base[0], 3, mean, work, n, n, 3);
    if (status) return status;
    for (int k = 0; k < 3; k++) g->dc_mean[k] = (int32_t)rint(mean[k] * DFY_TREE_ONE);
    for (size_t i = 0; i < n; i++) dc_row(work + i * 3, g, s->dc + (size_t)choice->order[i] * 3, analysis);
    double norm[3];
    squared_lengths(norm, g->dc_base[0], 3, 3);
    DfyTrellis trellis = {.parts = work, .norm = norm, .rows = n, .n = 3, .centred = 1, .bit_worth = COLOUR_WORTH};
    status = choose_step(&g->dc_step, values, &trellis, error, choice->effort);
    for (size_t k = 0; !status && k < 3; k++) {
        double bounds[2];
        part_bounds(g, hull, analysis + k * 3, bounds);
        range_of(&g->dc[k], values + k, n, 3, hull->frames, bounds, (double)g->dc_step / DFY_TREE_ONE, 1);
        for (size_t i = 0; i < n; i++) choice->indices[i].dc[k] = values[i * 3 + k];
    }
    return status;
}

/* Regression of the n values of each row on the three decoded parts of the first colour; rows keep what is left. */
static void regress_on_dc(double *slope, float *rows, const int32_t (*dc)[3], size_t count, int n) {
    double square[9] = {0}, inverse[9], *cross = slope + n * 3;
    memset(slope, 0, (size_t)n * 6 * sizeof *slope);
    for (size_t i = 0; i < count; i++)
        for (int j = 0; j < 3; j++) {
            double dj = (double)dc[i][j] / DFY_TREE_ONE;
            for (int k = 0; k < 3; k++) square[j * 3 + k] += dj * dc[i][k] / DFY_TREE_ONE;
            for (int k = 0; k < n; k++) cross[j * n + k] += dj * rows[i * (size_t)n + (size_t)k];
        }
    if (!dfy_invert(inverse, square, 3)) return;
    for (int k = 0; k < n; k++)
        for (int j = 0; j < 3; j++)
            for (int m = 0; m < 3; m++) slope[j * n + k] += cross[m * n + k] * inverse[m * 3 + j];
    for (size_t i = 0; i < count; i++)
        for (int j = 0; j < 3; j++) {
            double dj = (double)dc[i][j] / DFY_TREE_ONE;
            for (int k = 0; k < n; k++) rows[i * (size_t)n + (size_t)k] -= (float)(slope[j * n + k] * dj);
        }
}

/*
 * Steps and multiples of the parts, which are column by column. What the trellis takes numbers to cost is learnt from
 * some.
 */
static int choose_sh_indices(DfyTreeChoice *choice, DfyTreeGrid *g, const float *parts, size_t count, double error,
                             int32_t *values) {
    int n = dfy_tree_rest(g);
    double norm[DFY_TREE_REST];
    squared_lengths(norm, g->sh_base[0], DFY_TREE_REST, n);
    DfyTrellis trellis = {
        .parts = parts, .norm = norm, .rows = count, .n = n, .centred = 1, .by_column = 1, .bit_worth = COLOUR_WORTH};
    int status = choose_step(&g->sh_step, values, &trellis, error, choice->effort);
    for (size_t i = 0; !status && i < count * (size_t)n; i++) choice->sh[i] = (int16_t)values[i];
    return status;
}

/* Mean, base and what undoes it, and the predictions from the first colour, from every stride-th splat. */
static int choose_sh_base(const DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double *analysis,
                          const int32_t (*dc)[3], size_t stride, float *work) {
    size_t n = (size_t)dfy_tree_rest(g), rows = (s->count + stride - 1) / stride;
    double slope[DFY_TREE_REST * 6], mean[DFY_TREE_REST];
    int32_t(*some)[3] = malloc((rows ? rows : 1) * sizeof *some);
    if (!some) return DFY_ERROR_MEMORY;
    for (size_t i = 0; i < rows; i++) {
        memcpy(work + i * n, s->rest + (size_t)choice->order[i * stride] * n, n * sizeof *work);
        memcpy(some[i], dc[i * stride], sizeof *some);
    }
    regress_on_dc(slope, work, (const int32_t(*)[3])some, rows, (int)n);
    free(some);
    int status = choose_base(analysis, g->sh_base[0], DFY_TREE_REST, mean, work, rows, s->count, (int)n);
    for (size_t k = 0; !status && k < n; k++) {
        g->sh_mean[k] = (int32_t)fmin(fmax(rint(mean[k] * DFY_TREE_ONE / 16), -32767), 32767) * 16;
        for (size_t j = 0; j < 3; j++) {
            double part = 0;
            for (size_t i = 0; i < n; i++) part += analysis[k * n + i] * slope[j * n + i];
            g->sh_from_dc[k][j] = (int16_t)fmin(fmax(rint(part * 128), -2048), 2047);
        }
    }
    return status;
}

/* What is to be coded of each splat's colours, column by column. */
static void find_parts(float *parts, const DfyTreeGrid *g, const DfySplats *s, const uint32_t *order, size_t count,
                       const double *analysis, const int32_t (*dc)[3]) {
    size_t n = (size_t)dfy_tree_rest(g);
    float columns[(DFY_TREE_REST + 3) * DFY_TREE_REST], mean[DFY_TREE_REST], row[DFY_TREE_REST];
    for (size_t k = 0; k < n; k++) {
        mean[k] = (float)g->sh_mean[k] / DFY_TREE_ONE;
        for (size_t i = 0; i < n; i++) columns[i * n + k] = (float)analysis[k * n + i];
        for (size_t j = 0; j < 3; j++) columns[(n + j) * n + k] = (float)g->sh_from_dc[k][j] / -128 / DFY_TREE_ONE;
    }
    for (size_t i = 0; i < count; i++) {
        const float *rest = s->rest + (size_t)order[i] * n;
        for (size_t k = 0; k < n; k++) row[k] = 0;
        for (size_t j = 0; j < n + 3; j++) {
            float v = j < n ? rest[j] - mean[j] : (float)dc[i][j - n];
            for (size_t k = 0; k < n; k++) row[k] += columns[j * n + k] * v;
        }
        for (size_t k = 0; k < n; k++) parts[k * count + i] = row[k];
    }
}

static int choose_sh(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error, float *work,
                     int32_t *values) {
    size_t n = (size_t)dfy_tree_rest(g), count = s->count;
    size_t stride = dfy_tree_haste(choice->effort) ? count / BASE_ROWS + 1 : 1;
    double *analysis = malloc(n * n * sizeof *analysis);
    int32_t(*dc)[3] = malloc((count ? count : 1) * sizeof *dc);
    int status = analysis && dc ? DFY_OK : DFY_ERROR_MEMORY;
    for (size_t i = 0; !status && i < count; i++) {
        DfyTreeSplat splat;
        dfy_tree_colour_values(g, &choice->indices[i], &splat);
        memcpy(dc[i], splat.dc_part, sizeof *dc);
    }
    if (!status) status = choose_sh_base(choice, g, s, analysis, (const int32_t(*)[3])dc, stride, work);
    if (!status) find_parts(work, g, s, choice->order, count, analysis, (const int32_t(*)[3])dc);
    if (!status) status = choose_sh_indices(choice, g, work, count, error, values);
    free(analysis);
    free(dc);
    return status;
}

/* ---------------------------------------------------------------- all */

/* Rotations to be quantised. */
typedef struct Turns {
    double (*quaternions)[4];
    uint8_t *axes;
    DfyTurn *cells;
    size_t count;
} Turns;

static void free_turns(Turns *t) {
    free(t->quaternions);
    free(t->axes);
    free(t->cells);
}

/* Every stride-th of `count` splats of the model; their scales are known. */
static int gather_turns(Turns *t, const DfyTreeGrid *g, const DfySplats *s, const uint32_t *order,
                        const DfyTreeIndex *indices, size_t count, size_t stride) {
    size_t room = (count + stride - 1) / stride;
    *t = (Turns){malloc((room ? room : 1) * sizeof *t->quaternions), malloc(room ? room : 1),
                 malloc((room ? room : 1) * sizeof *t->cells), room};
    if (!t->quaternions || !t->axes || !t->cells) return DFY_ERROR_MEMORY;
    for (size_t i = 0; i < room; i++) {
        const float *r = s->rotation + (size_t)order[i * stride] * 4;
        DfyTreeSplat splat = {.alpha = 0};
        double length = sqrt((double)r[0] * r[0] + (double)r[1] * r[1] + (double)r[2] * r[2] + (double)r[3] * r[3]);
        for (int k = 0; k < 4; k++) t->quaternions[i][k] = r[k] / length;
        dfy_tree_scale_values(g, &indices[i * stride], &splat);
        t->axes[i] = (uint8_t)dfy_tree_axis(&splat);
    }
    return DFY_OK;
}

static int quantise_turns(const Turns *t, const DfyTurnGrid *grid) {
    return dfy_turn_quantise(t->cells, (const double(*)[4])t->quaternions, t->axes, t->count, grid);
}

/* RMS angle in degrees from the cells. */
static double turns_error(const Turns *t, const DfyTurnGrid *grid) {
    double sum = 0;
    for (size_t i = 0; i < t->count; i++) {
        int32_t q[4];
        double dot = 0;
        dfy_turn_quaternion(q, t->cells[i], t->axes[i], grid);
        for (int k = 0; k < 4; k++) dot += t->quaternions[i][k] * (double)q[k] / DFY_TURN_ONE;
        double away = sqrt(fmax(1 - dot * dot, 0)); /* sine of half the angle */
        double angle =
            2 * (away < 0.1 ? away * (1 + away * away / 6) : dfy_exact_atan2(away, sqrt(1 - fmin(away * away, 1)))) *
            (180 / 3.14159265358979323846);
        sum += angle * angle;
    }
    return t->count ? sqrt(sum / (double)t->count) : 0;
}

/* Finds how much larger the data's error is than the rule's; *aim becomes what the rule must be given. */
static int try_turns(const Turns *turns, double *aim, double error, double from, double to) {
    int status = DFY_OK;
    for (int i = 0; !status && i < REFINEMENTS; i++) {
        DfyTurnGrid grid;
        choose_turns(&grid, *aim);
        status = quantise_turns(turns, &grid);
        double ratio = turns_error(turns, &grid) / error;
        if (ratio >= from && ratio <= to) break;
        *aim *= fmin((from + to) / 2 / fmax(ratio, 0.25), 2);
    }
    return status;
}

/* On all rotations: the coarsest of a few grids whose error is small enough. */
static int settle_turns(DfyTreeChoice *choice, DfyTreeGrid *g, const Turns *turns, double aim, double error) {
    int status = DFY_OK, found = 0;
    double fewest = INFINITY;
    for (int i = 0; !status && i < 2 * REFINEMENTS && (!found || i < REFINEMENTS - 1); i++) {
        DfyTurnGrid grid;
        choose_turns(&grid, aim);
        double cells = (double)grid.rings * grid.sectors * grid.twists;
        if (found && cells >= fewest) break;
        status = quantise_turns(turns, &grid);
        double ratio = turns_error(turns, &grid) / error;
        if (ratio <= 1 || !found) {
            g->turns = grid;
            for (size_t k = 0; k < turns->count; k++) choice->indices[k].turn = turns->cells[k];
        }
        if (ratio <= 1) {
            found = 1;
            fewest = cells;
        }
        if (ratio <= 1 && (ratio > 0.99 || i > 0)) break;
        aim *= fmin(0.997 / fmax(ratio, 0.25), 2);
    }
    return status;
}

static int choose_turn_indices(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error) {
    double aim = error;
    int status = DFY_OK;
    size_t stride = s->count / SAMPLE_ROWS + 1;
    Turns turns;
    if (stride > 1) {
        status = gather_turns(&turns, g, s, choice->order, choice->indices, s->count, stride);
        if (!status) status = try_turns(&turns, &aim, error, 0.99, 1);
        free_turns(&turns);
    }
    if (status) return status;
    status = gather_turns(&turns, g, s, choice->order, choice->indices, s->count, 1);
    if (!status) status = settle_turns(choice, g, &turns, aim, error);
    free_turns(&turns);
    return status;
}

int dfy_tree_choose(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull,
                    const double errors[DFY_SPLAT_ATTRIBUTES], int effort, DfyMessage *message) {
    size_t n = s->count ? s->count : 1, rest = (size_t)dfy_splat_rest(s->degree) * 3;
    *g = (DfyTreeGrid){.count = s->count, .degree = s->degree, .sh_step = DFY_TREE_ONE};
    *choice = (DfyTreeChoice){malloc(n * sizeof *choice->order),
                              malloc(n * sizeof *choice->keys),
                              calloc(n, sizeof *choice->indices),
                              calloc(n, (rest + 1) * sizeof *choice->sh),
                              0,
                              effort};
    float *work = calloc(n, (rest > 3 ? rest : 3) * sizeof *work);
    int32_t *values = calloc(n, (rest > 3 ? rest : 3) * sizeof *values);
    int status =
        choice->order && choice->keys && choice->indices && choice->sh && work && values ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status) {
        double wanted = errors[DFY_SPLAT_POSITION] * diagonal_of(s);
        status = dfy_tree_choose_places(choice, g, s, hull, wanted, work, values);
        choice->place_error = wanted / (double)g->step;
    }
    if (!status) status = choose_scales(choice, g, s, hull, errors[DFY_SPLAT_SCALE], work, values);
    if (!status) status = choose_alphas(choice, g, s, errors[DFY_SPLAT_ALPHA], work, values);
    if (!status) status = choose_dc(choice, g, s, hull, errors[DFY_SPLAT_DC], work, values);
    if (!status) status = choose_turn_indices(choice, g, s, errors[DFY_SPLAT_ROTATION]);
    if (!status && rest) status = choose_sh(choice, g, s, errors[DFY_SPLAT_SH], work, values);
    free(work);
    free(values);
    if (!status) return DFY_OK;
    dfy_tree_choice_free(choice);
    return dfy_fail(message, status, "There is no memory to quantise a model of %u splats.", s->count);
}

/* ---------------------------------------------------------------- added splats */

/* Numbers of columns first .. first + n - 1 of the indices; 0 when one is outside its range. */
typedef int32_t *(*Column)(DfyTreeIndex *index, int k);

static int32_t *scale_column(DfyTreeIndex *index, int k) {
    return &index->scale[k];
}
static int32_t *dc_column(DfyTreeIndex *index, int k) {
    return &index->dc[k];
}
static int32_t *alpha_column(DfyTreeIndex *index, int k) {
    (void)k;
    return &index->alpha;
}

/* Quantises rows of n numbers on a grid that stands: 1, 0 when one does not fit, or negative without memory. */
static int fit_numbers(DfyTreeInter *inter, const float *rows, int n, int32_t step, const DfyTreeRange *ranges,
                       Column column, int32_t *values) {
    int centred = column == dc_column;
    DfyTrellis trellis = {.parts = rows, .rows = inter->added, .n = n, .centred = centred};
    if (dfy_trellis_quantise(values, &trellis, (double)step / DFY_TREE_ONE, 1) < 0) return -1;
    for (uint32_t i = 0; i < inter->added; i++)
        for (int k = 0; k < n; k++) {
            int64_t index = values[i * (uint32_t)n + (uint32_t)k];
            int64_t number = centred ? index / 2 - 1 - ranges[k].low : (index - ranges[k].low) >> 1;
            if (number < 0 || (number + 2 * centred) >> ranges[k].bits) return 0;
            if (!centred) index -= ranges[k].low;
            *column(&inter->added_indices[i], k) = (int32_t)index;
        }
    return 1;
}

/* Colours beyond the first; the others are known. 1, or negative without memory. */
static int fit_colours(DfyTreeInter *inter, const DfyTreeGrid *g, const DfySplats *s, const uint32_t *added,
                       const double *analysis, float *rows, int32_t *values) {
    size_t count = inter->added, n = (size_t)dfy_tree_rest(g);
    int32_t(*dc)[3] = malloc((count ? count : 1) * sizeof *dc);
    double norm[DFY_TREE_REST];
    if (!dc) return -1;
    for (size_t i = 0; i < count; i++) {
        DfyTreeSplat splat;
        dfy_tree_colour_values(g, &inter->added_indices[i], &splat);
        memcpy(dc[i], splat.dc_part, sizeof *dc);
    }
    find_parts(rows, g, s, added, count, analysis, (const int32_t(*)[3])dc);
    free(dc);
    squared_lengths(norm, g->sh_base[0], DFY_TREE_REST, (int)n);
    DfyTrellis trellis = {.parts = rows,
                          .norm = norm,
                          .rows = count,
                          .n = (int)n,
                          .centred = 1,
                          .by_column = 1,
                          .bit_worth = COLOUR_WORTH};
    if (dfy_trellis_quantise(values, &trellis, (double)g->sh_step / DFY_TREE_ONE, 1) < 0) return -1;
    for (size_t i = 0; i < count * n; i++) inter->added_sh[i] = (int16_t)values[i];
    return 1;
}

/* All but the positions. */
static int fit_added(DfyTreeInter *inter, const DfyTreeGrid *g, const DfySplats *s, const uint32_t *added,
                     const double *dc_analysis, const double *analysis, float *rows, int32_t *values) {
    size_t count = inter->added, n = (size_t)dfy_tree_rest(g);
    Turns turns = {0};
    for (size_t i = 0; i < count * 3; i++) rows[i] = s->scale[(size_t)added[i / 3] * 3 + i % 3];
    int good = fit_numbers(inter, rows, 3, g->scale_step, g->scale, scale_column, values);
    for (size_t i = 0; i < count; i++) rows[i] = (float)dfy_sigmoid(s->opacity[added[i]]);
    if (good > 0) good = fit_numbers(inter, rows, 1, g->alpha_step, &g->alpha, alpha_column, values);
    for (size_t i = 0; i < count; i++) dc_row(rows + i * 3, g, s->dc + (size_t)added[i] * 3, dc_analysis);
    if (good > 0) good = fit_numbers(inter, rows, 3, g->dc_step, g->dc, dc_column, values);
    if (good > 0 &&
        (gather_turns(&turns, g, s, added, inter->added_indices, count, 1) || quantise_turns(&turns, &g->turns)))
        good = -1;
    for (size_t i = 0; good > 0 && i < count; i++) inter->added_indices[i].turn = turns.cells[i];
    free_turns(&turns);
    return good > 0 && n ? fit_colours(inter, g, s, added, analysis, rows, values) : good;
}

static int undo_base(double *analysis, const int16_t *base, size_t stride, int n) {
    double matrix[DFY_TREE_REST * DFY_TREE_REST];
    for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++)
            matrix[i * n + k] = (double)base[(size_t)k * stride + (size_t)i] / DFY_TREE_BASE_ONE;
    return dfy_invert(analysis, matrix, n);
}

int dfy_tree_place_added(const DfyTreeGrid *g, const DfySplats *s, uint32_t *added, uint32_t count, DfyTreeInter *inter,
                         DfyMessage *message) {
    size_t rows_of = (size_t)dfy_tree_rest(g) > 3 ? (size_t)dfy_tree_rest(g) : 3, room = count ? count : 1;
    double dc_analysis[9], *analysis = malloc(DFY_TREE_REST * DFY_TREE_REST * sizeof *analysis);
    float *rows = calloc(room, rows_of * sizeof *rows);
    int32_t *values = calloc(room, rows_of * sizeof *values);
    inter->added = count;
    inter->added_keys = malloc(room * sizeof *inter->added_keys);
    inter->added_indices = calloc(room, sizeof *inter->added_indices);
    inter->added_sh = calloc(room, rows_of * sizeof *inter->added_sh);
    int good = analysis && rows && values && inter->added_keys && inter->added_indices && inter->added_sh ? 1 : -1;
    if (good > 0)
        good = undo_base(dc_analysis, g->dc_base[0], 3, 3) &&
               undo_base(analysis, g->sh_base[0], DFY_TREE_REST, dfy_tree_rest(g));
    if (good > 0) good = dfy_tree_place_splats(g, s, added, count, inter->added_keys, inter->added_indices);
    if (good > 0) good = fit_added(inter, g, s, added, dc_analysis, analysis, rows, values);
    free(analysis);
    free(rows);
    free(values);
    if (good < 0) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for %u more splats.", count);
    if (good) return DFY_OK;
    return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "An added splat is outside the key frame's grid.");
}

void dfy_tree_choice_free(DfyTreeChoice *choice) {
    free(choice->order);
    free(choice->keys);
    free(choice->indices);
    free(choice->sh);
    *choice = (DfyTreeChoice){0};
}
