/*
 * tree-range, encoder: chooses each attribute's step so that its RMS error is the wanted one and no smaller (at a few
 * levels a value the rule step = error x sqrt(12) is off, so steps are searched on the data), the transforms that
 * decorrelate colours, and the indices.
 */
#include "splat/tree_choose.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/files.h"
#include "splat/transform.h"
#include "splat/trellis.h"

enum {
    HALVINGS = 14,      /* of the interval in which a step is searched */
    REFINEMENTS = 4,    /* tries on all values after a search on a sample */
    SAMPLE = 32768,     /* values a search looks at */
    SAMPLE_ROWS = 1500, /* splats that the search of the colours' step looks at */
    SPLATS_A_ENTRY = 64 /* a trained transform of n x n entries is worth its bytes from 64 n splats on */
};

/* ---------------------------------------------------------------- positions */

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

/* RMS distance from the nearest points of a grid. */
static double place_error(const DfySplats *s, const float origin[3], double step) {
    double sum = 0;
    for (size_t i = 0; i < (size_t)s->count * 3; i++) {
        double at = ((double)s->xyz[i] - origin[i % 3]) / step, e = at - floor(at + 0.5);
        sum += e * e;
    }
    return sqrt(sum / s->count) * step;
}

/* A cube's rounding error has an RMS of half its side. */
static void choose_places(DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull, double error) {
    float own[2][3] = {{0}};
    double diagonal = 0, largest = 0;
    span(own, s->xyz, s->count, 1);
    for (int k = 0; k < 3; k++) {
        double side = (double)own[1][k] - own[0][k], all = (double)hull->xyz[1][k] - hull->xyz[0][k];
        g->origin[k] = hull->xyz[0][k];
        diagonal += side * side;
        if (all > largest) largest = all;
    }
    double wanted = error * sqrt(diagonal), step = 2 * wanted;
    for (int i = 0; i < 3 * REFINEMENTS && s->count && place_error(s, g->origin, step) > wanted; i++) step *= 0.9985;
    double finest = largest / ((1 << DFY_PLACE_BITS) - 2);
    g->step = (float)fmax(step, fmax(finest, 1e-9));
    for (int k = 0; k < 3; k++) {
        uint32_t last = (uint32_t)(((double)hull->xyz[1][k] - g->origin[k]) / g->step + 0.5);
        for (g->place_bits[k] = 0; last >> g->place_bits[k];) g->place_bits[k]++;
    }
}

typedef struct KeyOf {
    uint64_t key;
    uint32_t splat;
} KeyOf;

static int by_key(const void *a, const void *b) {
    const KeyOf *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->splat < y->splat ? -1 : x->splat > y->splat;
}

static int sort_places(DfyTreeChoice *choice, const DfyTreeGrid *g, const DfySplats *s) {
    KeyOf *pairs = malloc((s->count ? s->count : 1) * sizeof *pairs);
    if (!pairs) return DFY_ERROR_MEMORY;
    for (uint32_t i = 0; i < s->count; i++) {
        uint32_t place[3];
        for (int k = 0; k < 3; k++)
            place[k] = (uint32_t)(((double)s->xyz[(size_t)i * 3 + k] - g->origin[k]) / g->step + 0.5);
        pairs[i] = (KeyOf){dfy_place_key(g->place_bits, place), i};
    }
    qsort(pairs, s->count, sizeof *pairs, by_key);
    for (uint32_t i = 0; i < s->count; i++) {
        choice->keys[i] = pairs[i].key;
        choice->order[i] = pairs[i].splat;
    }
    free(pairs);
    return DFY_OK;
}

/* ---------------------------------------------------------------- steps */

/* RMS error with this step. */
typedef double (*Trial)(const void *data, double step, size_t stride);

/*
 * The largest step whose error is at most `wanted` (the error need only grow with the step by and large): halving on
 * a sample, every stride-th value, then a few steps of regula falsi in logarithms on all of them.
 */
static int32_t search_step(Trial trial, const void *data, double wanted, size_t stride) {
    double low = wanted, high = wanted * 8;
    for (int i = 0; i < (stride > 1 ? HALVINGS / 2 : HALVINGS); i++) {
        double middle = sqrt(low * high);
        if (trial(data, middle, stride) <= wanted)
            low = middle;
        else
            high = middle;
    }
    double step = low;
    for (int i = 0; i < REFINEMENTS && stride > 1; i++) {
        double error = trial(data, step, 1);
        if (error <= wanted && error > wanted * 0.9985) break;
        step *= pow(wanted * 0.9993 / fmax(error, wanted / 8), 1.2);
    }
    for (int i = 0; i < REFINEMENTS && stride > 1 && trial(data, step, 1) > wanted; i++) step *= 0.997;
    double fixed = step * DFY_TREE_ONE;
    return fixed < 1 ? 1 : fixed > 1 << 22 ? 1 << 22 : (int32_t)fixed;
}

typedef struct Values {
    const double *values;
    size_t count;
} Values;

static double uniform_error(const void *data, double step, size_t stride) {
    const Values *v = data;
    double sum = 0;
    size_t tried = 0;
    for (size_t i = 0; i < v->count; i += stride, tried++) {
        double e = v->values[i] - rint(v->values[i] / step) * step;
        sum += e * e;
    }
    return sqrt(sum / (double)(tried ? tried : 1));
}

static size_t stride_for(size_t count) {
    return count > 65536 ? count / SAMPLE | 1 : 1;
}

static void choose_range(DfyTreeRange *range, int32_t lowest, int32_t highest) {
    range->low = lowest;
    for (range->bits = 0; (uint32_t)(highest - lowest) >> range->bits;) range->bits++;
}

static int32_t to_index(double value, double step) {
    return (int32_t)rint(value / step);
}

static void choose_scales(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull,
                          double error, double *work) {
    size_t n = s->count;
    for (size_t i = 0; i < n * 3; i++) work[i] = s->scale[i];
    Values values = {work, n * 3};
    g->scale_step = search_step(uniform_error, &values, error, stride_for(values.count));
    double step = (double)g->scale_step / DFY_TREE_ONE;
    for (int k = 0; k < 3; k++) {
        int32_t low = to_index(hull->scale[0][k], step);
        choose_range(&g->scale[k], low, to_index(hull->scale[1][k], step));
        for (size_t i = 0; i < n; i++)
            choice->indices[i].scale[k] = to_index(s->scale[(size_t)choice->order[i] * 3 + (size_t)k], step) - low;
    }
}

static void choose_alphas(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error, double *work) {
    size_t n = s->count;
    for (size_t i = 0; i < n; i++) work[i] = dfy_sigmoid(s->opacity[choice->order[i]]);
    Values values = {work, n};
    g->alpha_step = search_step(uniform_error, &values, error, stride_for(values.count));
    if (g->alpha_step > DFY_TREE_ONE) g->alpha_step = DFY_TREE_ONE;
    for (g->alpha_bits = 0; DFY_TREE_ONE / g->alpha_step >> g->alpha_bits;) g->alpha_bits++;
    for (size_t i = 0; i < n; i++) {
        int32_t q = to_index(work[i], (double)g->alpha_step / DFY_TREE_ONE), last = DFY_TREE_ONE / g->alpha_step;
        choice->indices[i].alpha = q > last ? last : q;
    }
}

/* Fewest cells whose error is small enough: rings and twists are tried together. */
static void choose_turns(DfyTreeGrid *g, double error) {
    double best = INFINITY;
    int32_t middle = (int32_t)fmin(fmax(90 / error, 2), DFY_TURN_MAX_RINGS - 3);
    g->rings = middle; /* for errors too small for any grid */
    g->twists = middle * 2;
    for (int32_t rings = middle > 4 ? middle - 2 : 2; rings <= middle + 2; rings++) {
        double ring = 180.0 / rings, left = error * error * 12 - 2 * ring * ring;
        double twists = left > 0 ? ceil(360 / sqrt(left)) : INFINITY;
        if (rings == middle + 2 && !isfinite(best) && !isfinite(twists)) twists = 2.0 * rings;
        if (twists < 2) twists = 2;
        if (twists > 2 * DFY_TURN_MAX_RINGS || twists * rings * rings >= best) continue;
        best = twists * rings * rings;
        g->rings = rings;
        g->twists = (int32_t)twists;
    }
}

/* ---------------------------------------------------------------- colours */

/* Mean and covariance of count rows of n values. */
static void covariance(double *mean, double *matrix, const double *rows, size_t count, int n) {
    memset(mean, 0, (size_t)n * sizeof *mean);
    memset(matrix, 0, (size_t)(n * n) * sizeof *matrix);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < n; k++) mean[k] += rows[i * (size_t)n + (size_t)k];
    for (int k = 0; k < n; k++) mean[k] /= (double)(count ? count : 1);
    for (size_t i = 0; i < count; i++) {
        const double *row = rows + i * (size_t)n;
        for (int a = 0; a < n; a++) {
            double d = row[a] - mean[a];
            for (int b = 0; b <= a; b++) matrix[a * n + b] += d * (row[b] - mean[b]);
        }
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

/* Chooses the rows of base (1/DFY_TREE_BASE_ONE) and what undoes their exact, rounded values. */
static int choose_base(double *analysis, int16_t *base, size_t base_stride, double *mean, const double *rows,
                       size_t count, int n) {
    double *work = calloc((size_t)(n * n) * 2, sizeof *work);
    if (!work) return DFY_ERROR_MEMORY;
    double *matrix = work, *vectors = work + n * n;
    covariance(mean, matrix, rows, count, n);
    if (count >= (size_t)n * SPLATS_A_ENTRY)
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

/* RMS error of the trellis over all coefficients with this step; 0 when it has no memory to try. */
static double colour_error(const DfyTrellis *trellis, double step, size_t stride) {
    return sqrt(fmax(dfy_trellis_quantise(NULL, 0, trellis, step, stride), 0));
}

static void multiply(double *out, const double *matrix, const double *in, int n) {
    for (int k = 0; k < n; k++) {
        out[k] = 0;
        for (int i = 0; i < n; i++) out[k] += matrix[k * n + i] * in[i];
    }
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

static int choose_dc(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull, double error,
                     double *work) {
    double analysis[9], mean[3];
    size_t n = s->count;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 3; k++) work[i * 3 + k] = s->dc[(size_t)choice->order[i] * 3 + k];
    int status = choose_base(analysis, g->dc_base[0], 3, mean, work, n, 3);
    if (status) return status;
    for (int k = 0; k < 3; k++) g->dc_mean[k] = (int32_t)rint(mean[k] * DFY_TREE_ONE);
    for (size_t i = 0; i < n; i++) {
        double centred[3];
        for (size_t k = 0; k < 3; k++) centred[k] = work[i * 3 + k] - (double)g->dc_mean[k] / DFY_TREE_ONE;
        multiply(work + i * 3, analysis, centred, 3);
    }
    Values values = {work, n * 3};
    g->dc_step = search_step(uniform_error, &values, error, stride_for(values.count));
    double step = (double)g->dc_step / DFY_TREE_ONE;
    for (int k = 0; k < 3; k++) {
        double bounds[2];
        part_bounds(g, hull, analysis + k * 3, bounds);
        int32_t low = to_index(bounds[0], step) - 1, high = to_index(bounds[1], step) + 1;
        if (hull->frames == 1) {
            low = high = n ? to_index(work[k], step) : 0;
            for (size_t i = 0; i < n; i++) {
                int32_t q = to_index(work[i * 3 + (size_t)k], step);
                low = q < low ? q : low;
                high = q > high ? q : high;
            }
        }
        choose_range(&g->dc[k], low, high);
        for (size_t i = 0; i < n; i++) choice->indices[i].dc[k] = to_index(work[i * 3 + (size_t)k], step) - low;
    }
    return DFY_OK;
}

/* Regression of the n values of each row on the three decoded parts of the first colour; rows keep what is left. */
static void regress_on_dc(double *slope, double *rows, const DfyTreeSplat *splats, size_t count, int n) {
    double square[9] = {0}, inverse[9], *cross = slope + n * 3;
    memset(slope, 0, (size_t)n * 6 * sizeof *slope);
    for (size_t i = 0; i < count; i++)
        for (int j = 0; j < 3; j++) {
            double dj = (double)splats[i].dc_part[j] / DFY_TREE_ONE;
            for (int k = 0; k < 3; k++) square[j * 3 + k] += dj * splats[i].dc_part[k] / DFY_TREE_ONE;
            for (int k = 0; k < n; k++) cross[k * 3 + j] += dj * rows[i * (size_t)n + (size_t)k];
        }
    if (!dfy_invert(inverse, square, 3)) return;
    for (int k = 0; k < n; k++)
        for (int j = 0; j < 3; j++)
            for (int m = 0; m < 3; m++) slope[k * 3 + j] += cross[k * 3 + m] * inverse[m * 3 + j];
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < n; k++)
            for (int j = 0; j < 3; j++)
                rows[i * (size_t)n + (size_t)k] -= slope[k * 3 + j] * splats[i].dc_part[j] / DFY_TREE_ONE;
}

/* Searches the step on a sample of rows, then makes sure of the error on all. */
static int choose_sh_indices(DfyTreeChoice *choice, DfyTreeGrid *g, const double *parts, size_t count, double error) {
    int n = dfy_tree_rest(g);
    double norm[DFY_TREE_REST], mean = 0;
    squared_lengths(norm, g->sh_base[0], DFY_TREE_REST, n);
    DfyTrellis trellis = {parts, norm, count, n};
    size_t stride = count / SAMPLE_ROWS + 1;
    double low = error, high = error * 4;
    while (high < error * 64 && colour_error(&trellis, high, stride) < error) high *= 2;
    for (int i = 0; i < HALVINGS / 2; i++) {
        double middle = sqrt(low * high);
        if (colour_error(&trellis, middle, stride) <= error)
            low = middle;
        else
            high = middle;
    }
    g->sh_step = (int32_t)fmin(fmax(sqrt(low * high) * DFY_TREE_ONE, 1), 1 << 22);
    for (int i = 0; i < REFINEMENTS; i++) {
        mean = dfy_trellis_quantise(choice->indices[0].sh, sizeof *choice->indices / sizeof(int16_t), &trellis,
                                    (double)g->sh_step / DFY_TREE_ONE, 1);
        if (mean < 0) return DFY_ERROR_MEMORY;
        double measured = sqrt(mean);
        int good = measured <= error && (measured > error * 0.998 || i + 2 >= REFINEMENTS);
        if (good || g->sh_step == 1 || measured <= 0) break;
        g->sh_step = (int32_t)fmin(fmax(g->sh_step * (error * 0.9993 / fmax(measured, error / 2)), 1), 1 << 22);
    }
    return DFY_OK;
}

static int choose_sh(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error, double *work) {
    int n = dfy_tree_rest(g);
    size_t count = s->count;
    double *analysis = malloc((size_t)(n * n) * sizeof *analysis);
    double slope[DFY_TREE_REST * 6], mean[DFY_TREE_REST], row[DFY_TREE_REST];
    DfyTreeSplat *decoded = calloc(count ? count : 1, sizeof *decoded);
    int status = analysis && decoded ? DFY_OK : DFY_ERROR_MEMORY;
    for (size_t i = 0; !status && i < count; i++) {
        dfy_tree_colour_values(g, &choice->indices[i], &decoded[i]);
        for (int k = 0; k < n; k++)
            work[i * (size_t)n + (size_t)k] = s->rest[(size_t)choice->order[i] * (size_t)n + (size_t)k];
    }
    if (!status) {
        regress_on_dc(slope, work, decoded, count, n);
        status = choose_base(analysis, g->sh_base[0], DFY_TREE_REST, mean, work, count, n);
    }
    for (int k = 0; !status && k < n; k++) {
        g->sh_mean[k] = (int32_t)fmin(fmax(rint(mean[k] * DFY_TREE_ONE / 16), -32767), 32767) * 16;
        for (int j = 0; j < 3; j++) {
            double part = 0;
            for (int i = 0; i < n; i++) part += analysis[k * n + i] * slope[i * 3 + j];
            g->sh_from_dc[k][j] = (int16_t)fmin(fmax(rint(part * 128), -2048), 2047);
        }
    }
    for (size_t i = 0; !status && i < count; i++) {
        for (int k = 0; k < n; k++)
            row[k] = s->rest[(size_t)choice->order[i] * (size_t)n + (size_t)k] - (double)g->sh_mean[k] / DFY_TREE_ONE;
        multiply(work + i * (size_t)n, analysis, row, n);
        for (int k = 0; k < n; k++)
            for (int j = 0; j < 3; j++)
                work[i * (size_t)n + (size_t)k] -=
                    (double)g->sh_from_dc[k][j] / 128 * decoded[i].dc_part[j] / DFY_TREE_ONE;
    }
    if (!status) {
        status = choose_sh_indices(choice, g, work, count, error);
    }
    free(analysis);
    free(decoded);
    return status;
}

/* ---------------------------------------------------------------- all */

static DfyTurn turn_index(const DfyTreeGrid *g, const DfyTreeSplat *splat, const float *r) {
    double length = sqrt((double)r[0] * r[0] + (double)r[1] * r[1] + (double)r[2] * r[2] + (double)r[3] * r[3]);
    double q[4] = {r[0] / length, r[1] / length, r[2] / length, r[3] / length};
    return dfy_turn_of(q, dfy_tree_axis(splat), g->rings, g->twists);
}

/* Sets the cells of all rotations; returns the RMS angle in degrees from them. */
static double set_turns(DfyTreeChoice *choice, const DfyTreeGrid *g, const DfySplats *s) {
    double sum = 0;
    for (size_t i = 0; i < s->count; i++) {
        const float *r = s->rotation + (size_t)choice->order[i] * 4;
        DfyTreeSplat splat = {.alpha = 0};
        double dot = 0, length = 0;
        dfy_tree_scale_values(g, &choice->indices[i], &splat);
        choice->indices[i].turn = turn_index(g, &splat, r);
        dfy_tree_turn_values(g, &choice->indices[i], &splat);
        for (int k = 0; k < 4; k++) {
            dot += r[k] * (double)splat.turn[k] / DFY_TURN_ONE;
            length += (double)r[k] * r[k];
        }
        double away = sqrt(fmin(fmax(1 - dot * dot / length, 0), 1)); /* sine of half the angle */
        double angle = 2 * (away < 0.1 ? away * (1 + away * away / 6) : asin(away)) * (180 / 3.14159265358979323846);
        sum += angle * angle;
    }
    return s->count ? sqrt(sum / s->count) : 0;
}

/* The grid by rule, and finer should the data's error be larger than that of rotations all over the sphere. */
static void choose_turn_indices(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error) {
    double aim = error;
    choose_turns(g, aim);
    for (int i = 0; i < REFINEMENTS; i++) {
        double measured = set_turns(choice, g, s);
        if (measured <= error) return;
        aim *= error * 0.998 / measured;
        choose_turns(g, aim);
    }
    set_turns(choice, g, s);
}

int dfy_tree_choose(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull,
                    const double errors[DFY_SPLAT_ATTRIBUTES], DfyMessage *message) {
    size_t n = s->count ? s->count : 1, rest = (size_t)dfy_splat_rest(s->degree) * 3;
    *g = (DfyTreeGrid){.count = s->count, .degree = s->degree, .sh_step = DFY_TREE_ONE};
    *choice = (DfyTreeChoice){malloc(n * sizeof *choice->order), malloc(n * sizeof *choice->keys),
                              calloc(n, sizeof *choice->indices)};
    double *work = calloc(n, (rest > 3 ? rest : 3) * sizeof *work);
    int status = choice->order && choice->keys && choice->indices && work ? DFY_OK : DFY_ERROR_MEMORY;
    if (!status) {
        choose_places(g, s, hull, errors[DFY_SPLAT_POSITION]);
        status = sort_places(choice, g, s);
    }
    if (!status) {
        choose_scales(choice, g, s, hull, errors[DFY_SPLAT_SCALE], work);
        choose_alphas(choice, g, s, errors[DFY_SPLAT_ALPHA], work);
        status = choose_dc(choice, g, s, hull, errors[DFY_SPLAT_DC], work);
    }
    if (!status) choose_turn_indices(choice, g, s, errors[DFY_SPLAT_ROTATION]);
    if (!status && rest) status = choose_sh(choice, g, s, errors[DFY_SPLAT_SH], work);
    free(work);
    if (!status) return DFY_OK;
    dfy_tree_choice_free(choice);
    return dfy_fail(message, status, "There is no memory to quantise a model of %u splats.", s->count);
}

/* ---------------------------------------------------------------- added splats */

static int fits(const DfyTreeRange *range, int32_t *index) {
    *index -= range->low;
    return *index >= 0 && *index < 1 << range->bits;
}

/* Indices of one splat; 0 when one is outside its range. */
static int index_splat(const DfyTreeGrid *g, const DfySplats *s, size_t j, const double *dc_analysis,
                       const double *analysis, DfyTreeIndex *index, double *parts) {
    int n = dfy_tree_rest(g), good = 1;
    double centred[DFY_TREE_REST], dc[3];
    for (size_t k = 0; k < 3; k++) {
        index->scale[k] = to_index(s->scale[j * 3 + k], (double)g->scale_step / DFY_TREE_ONE);
        good &= fits(&g->scale[k], &index->scale[k]);
        centred[k] = s->dc[j * 3 + k] - (double)g->dc_mean[k] / DFY_TREE_ONE;
    }
    multiply(dc, dc_analysis, centred, 3);
    for (int k = 0; k < 3; k++) {
        index->dc[k] = to_index(dc[k], (double)g->dc_step / DFY_TREE_ONE);
        good &= fits(&g->dc[k], &index->dc[k]);
    }
    int32_t alpha = to_index(dfy_sigmoid(s->opacity[j]), (double)g->alpha_step / DFY_TREE_ONE),
            last = DFY_TREE_ONE / g->alpha_step;
    index->alpha = alpha > last ? last : alpha;
    DfyTreeSplat splat = {.alpha = 0};
    dfy_tree_scale_values(g, index, &splat);
    dfy_tree_colour_values(g, index, &splat);
    index->turn = turn_index(g, &splat, s->rotation + j * 4);
    for (int k = 0; k < n; k++) centred[k] = s->rest[j * (size_t)n + (size_t)k] - (double)g->sh_mean[k] / DFY_TREE_ONE;
    if (n) multiply(parts, analysis, centred, n);
    for (int k = 0; k < n; k++) {
        for (int m = 0; m < 3; m++) parts[k] -= (double)g->sh_from_dc[k][m] / 128 * splat.dc_part[m] / DFY_TREE_ONE;
    }
    return good;
}

static int undo_base(double *analysis, const int16_t *base, size_t stride, int n) {
    double matrix[DFY_TREE_REST * DFY_TREE_REST];
    for (int k = 0; k < n; k++)
        for (int i = 0; i < n; i++)
            matrix[i * n + k] = (double)base[(size_t)k * stride + (size_t)i] / DFY_TREE_BASE_ONE;
    return dfy_invert(analysis, matrix, n);
}

/* Keys of the added splats, sorted, and `added` with them; 0 when one is outside the grid. */
static int key_added(const DfyTreeGrid *g, const DfySplats *s, uint32_t *added, KeyOf *pairs, uint32_t count,
                     uint64_t *keys) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place[3];
        for (int k = 0; k < 3; k++) {
            double at = rint(((double)s->xyz[(size_t)added[i] * 3 + (size_t)k] - g->origin[k]) / g->step);
            if (at < 0 || at >= (double)(1 << g->place_bits[k])) return 0;
            place[k] = (uint32_t)at;
        }
        pairs[i] = (KeyOf){dfy_place_key(g->place_bits, place), added[i]};
    }
    qsort(pairs, count, sizeof *pairs, by_key);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = pairs[i].key;
        added[i] = pairs[i].splat;
    }
    return 1;
}

int dfy_tree_place_added(const DfyTreeGrid *g, const DfySplats *s, uint32_t *added, uint32_t count, DfyTreeInter *inter,
                         DfyMessage *message) {
    double dc_analysis[9], *analysis = malloc(DFY_TREE_REST * DFY_TREE_REST * sizeof *analysis);
    KeyOf *pairs = malloc((count ? count : 1) * sizeof *pairs);
    size_t n = (size_t)dfy_tree_rest(g);
    double *parts = calloc(count ? count : 1, (n ? n : 1) * sizeof *parts), norm[DFY_TREE_REST];
    inter->added = count;
    inter->added_keys = malloc((count ? count : 1) * sizeof *inter->added_keys);
    inter->added_indices = calloc(count ? count : 1, sizeof *inter->added_indices);
    int status = analysis && pairs && parts && inter->added_keys && inter->added_indices ? DFY_OK : DFY_ERROR_MEMORY;
    if (status) dfy_fail(message, status, "There is no memory for %u more splats.", count);
    int good = !status && undo_base(dc_analysis, g->dc_base[0], 3, 3) &&
               undo_base(analysis, g->sh_base[0], DFY_TREE_REST, dfy_tree_rest(g)) &&
               key_added(g, s, added, pairs, count, inter->added_keys);
    for (uint32_t i = 0; good && i < count; i++)
        good = index_splat(g, s, added[i], dc_analysis, analysis, &inter->added_indices[i], parts + i * n);
    if (good && n && count) {
        squared_lengths(norm, g->sh_base[0], DFY_TREE_REST, (int)n);
        DfyTrellis trellis = {parts, norm, count, (int)n};
        if (dfy_trellis_quantise(inter->added_indices[0].sh, sizeof *inter->added_indices / sizeof(int16_t), &trellis,
                                 (double)g->sh_step / DFY_TREE_ONE, 1) < 0)
            status = dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for %u more splats.", count);
    }
    if (!status && !good)
        status = dfy_fail(message, DFY_ERROR_UNSUPPORTED, "An added splat is outside the key frame's grid.");
    free(analysis);
    free(parts);
    free(pairs);
    return status;
}

void dfy_tree_choice_free(DfyTreeChoice *choice) {
    free(choice->order);
    free(choice->keys);
    free(choice->indices);
    *choice = (DfyTreeChoice){0};
}
