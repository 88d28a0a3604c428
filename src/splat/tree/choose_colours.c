/*
 * tree-range, encoder: colours. A transform trained on the model decorrelates them, those beyond the first are
 * predicted from the first, and what remains are numbers of a trellis.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/model/wide.h"
#include "splat/tree/choose_parts.h"
#include "splat/tree/transform.h"

enum {
    BASE_ROWS = 8000, /* splats that a transform is trained on, in haste */
    AHEAD = 12,       /* splats that are fetched before they are needed */
    TOGETHER = 16,    /* splats whose coefficients are worked on before they go to their places */
    SUMS = 8,         /* coefficients that are summed up together */
    PADDED = (DFY_TREE_REST + SUMS - 1) / SUMS * SUMS,
    SPLATS_A_ENTRY = 64 /* a trained transform of n x n entries is worth its bytes from 64 n splats on */
};

/*
 * What a bit is worth, see DfyTrellis: tried from 0.15 to 1.2 on a scene from training at errors from those of .spz to
 * coarse. Bytes at equal error are fewest at 0.3, and within 0.3 % of that from 0.2 to 0.4.
 */
#define COLOUR_WORTH 0.3f

/* ---------------------------------------------------------------- transforms */

/* Adds the products of each value with all; rows are padded with zeros. */
DFY_BODY void add_products_body(double *sums, const double (*rows)[PADDED], size_t count, size_t n) {
    for (size_t a = 0; a < n; a++)
        for (size_t from = 0; from <= a; from += SUMS) {
            double sum[SUMS];
            for (size_t b = 0; b < SUMS; b++) sum[b] = sums[a * PADDED + from + b];
            for (size_t i = 0; i < count; i++)
                for (size_t b = 0; b < SUMS; b++) sum[b] += rows[i][a] * rows[i][from + b];
            for (size_t b = 0; b < SUMS; b++) sums[a * PADDED + from + b] = sum[b];
        }
}
DFY_TWICE(add_products, (double *sums, const double (*rows)[PADDED], size_t count, size_t n), (sums, rows, count, n))

/* Mean and covariance of count rows of n values. */
static void covariance(double *mean, double *matrix, const float *rows, size_t count, size_t n) {
    double sums[DFY_TREE_REST * PADDED] = {0}, off[TOGETHER][PADDED] = {{0}};
    memset(mean, 0, n * sizeof *mean);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < n; k++) mean[k] += rows[i * n + k];
    for (size_t k = 0; k < n; k++) mean[k] /= (double)(count ? count : 1);
    for (size_t from = 0; from < count; from += TOGETHER) {
        size_t some = count - from < TOGETHER ? count - from : TOGETHER;
        for (size_t i = 0; i < some; i++)
            for (size_t k = 0; k < n; k++) off[i][k] = rows[(from + i) * n + k] - mean[k];
        add_products(sums, (const double(*)[PADDED])off, some, n);
    }
    for (size_t a = 0; a < n; a++)
        for (size_t b = 0; b <= a; b++) matrix[a * n + b] = matrix[b * n + a] = sums[a * PADDED + b];
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
    covariance(mean, matrix, rows, count, (size_t)n);
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

/* ---------------------------------------------------------------- the first colour */

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

void dfy_tree_dc_row(float row[3], const DfyTreeGrid *g, const float dc[3], const double analysis[9]) {
    for (size_t k = 0; k < 3; k++) {
        double sum = 0;
        for (size_t i = 0; i < 3; i++) sum += analysis[k * 3 + i] * (dc[i] - (double)g->dc_mean[i] / DFY_TREE_ONE);
        row[k] = (float)sum;
    }
}

void dfy_tree_dc_norm(const DfyTreeGrid *g, double norm[3]) {
    squared_lengths(norm, g->dc_base[0], 3, 3);
}

int dfy_tree_choose_dc(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, const DfyTreeHull *hull, double error,
                       float *work, int32_t *values) {
    double analysis[9], mean[3];
    size_t n = s->count;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 3; k++) work[i * 3 + k] = s->dc[(size_t)choice->order[i] * 3 + k];
    int status = choose_base(analysis, g->dc_base[0], 3, mean, work, n, n, 3);
    if (status) return status;
    for (int k = 0; k < 3; k++) g->dc_mean[k] = (int32_t)rint(mean[k] * DFY_TREE_ONE);
    for (size_t i = 0; i < n; i++) dfy_tree_dc_row(work + i * 3, g, s->dc + (size_t)choice->order[i] * 3, analysis);
    double norm[3];
    squared_lengths(norm, g->dc_base[0], 3, 3);
    DfyTrellis trellis = {.parts = work, .norm = norm, .rows = n, .n = 3, .centred = 1, .bit_worth = COLOUR_WORTH};
    status = dfy_tree_choose_step(&g->dc_step, values, &trellis, error, choice->effort);
    for (size_t k = 0; !status && k < 3; k++) {
        double bounds[2];
        part_bounds(g, hull, analysis + k * 3, bounds);
        dfy_tree_choose_range(&g->dc[k], values + k, n, 3, hull->frames, bounds, (double)g->dc_step / DFY_TREE_ONE, 1);
        for (size_t i = 0; i < n; i++) choice->indices[i].dc[k] = values[i * 3 + k];
    }
    return status;
}

/* ---------------------------------------------------------------- the others */

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

DfyTrellis dfy_tree_rest_trellis(const DfyTreeGrid *g, double norm[DFY_TREE_REST], const float *parts, size_t count) {
    int n = dfy_tree_rest(g);
    squared_lengths(norm, g->sh_base[0], DFY_TREE_REST, n);
    return (DfyTrellis){
        .parts = parts, .norm = norm, .rows = count, .n = n, .centred = 1, .by_column = 1, .bit_worth = COLOUR_WORTH};
}

/*
 * Steps and multiples of the parts, which are column by column. What the trellis takes numbers to cost is learnt from
 * some.
 */
static int choose_sh_indices(DfyTreeChoice *choice, DfyTreeGrid *g, const float *parts, size_t count, double error,
                             int32_t *values) {
    double norm[DFY_TREE_REST];
    DfyTrellis trellis = dfy_tree_rest_trellis(g, norm, parts, count);
    int status = dfy_tree_choose_step(&g->sh_step, values, &trellis, error, choice->effort);
    for (size_t i = 0; !status && i < count * (size_t)trellis.n; i++) choice->sh[i] = (int16_t)values[i];
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

/* Brings a splat's values near: splats that follow each other in space don't in memory. */
static inline void fetch(const float *values, size_t count) {
#ifdef __GNUC__
    for (size_t k = 0; k < count; k += 16) __builtin_prefetch(values + k);
#endif
}

/* What colours less their mean, and behind them the first colour's coefficients, add to each coefficient. */
typedef struct Columns {
    float of[DFY_TREE_REST + 3][PADDED], mean[DFY_TREE_REST];
} Columns;

DFY_BODY void find_parts_body(float *parts, const Columns *c, const DfySplats *s, const uint32_t *order, size_t count,
                              const int32_t (*dc)[3]) {
    size_t n = (size_t)dfy_splat_rest(s->degree) * 3;
    for (size_t from = 0; from < count; from += TOGETHER) {
        float rows[TOGETHER][PADDED], values[DFY_TREE_REST + 3];
        size_t some = count - from < TOGETHER ? count - from : TOGETHER;
        for (size_t i = 0; i < some; i++) {
            const float *rest = s->rest + (size_t)order[from + i] * n;
            if (from + i + AHEAD < count) fetch(s->rest + (size_t)order[from + i + AHEAD] * n, n);
            for (size_t j = 0; j < n; j++) values[j] = rest[j] - c->mean[j];
            for (size_t j = 0; j < 3; j++) values[n + j] = (float)dc[from + i][j];
            for (size_t first = 0; first < n; first += SUMS) {
                float sum[SUMS] = {0};
                for (size_t j = 0; j < n + 3; j++)
                    for (size_t k = 0; k < SUMS; k++) sum[k] += c->of[j][first + k] * values[j];
                memcpy(rows[i] + first, sum, sizeof sum);
            }
        }
        for (size_t k = 0; k < n; k++)
            for (size_t i = 0; i < some; i++) parts[k * count + from + i] = rows[i][k];
    }
}
DFY_TWICE(find_parts,
          (float *parts, const Columns *c, const DfySplats *s, const uint32_t *order, size_t count,
           const int32_t (*dc)[3]),
          (parts, c, s, order, count, dc))

void dfy_tree_colour_parts(float *parts, const DfyTreeGrid *g, const DfySplats *s, const uint32_t *order, size_t count,
                           const double *analysis, const int32_t (*dc)[3]) {
    size_t n = (size_t)dfy_tree_rest(g);
    Columns c = {{{0}}, {0}};
    for (size_t k = 0; k < n; k++) {
        c.mean[k] = (float)g->sh_mean[k] / DFY_TREE_ONE;
        for (size_t i = 0; i < n; i++) c.of[i][k] = (float)analysis[k * n + i];
        for (size_t j = 0; j < 3; j++) c.of[n + j][k] = (float)g->sh_from_dc[k][j] / -128 / DFY_TREE_ONE;
    }
    find_parts(parts, &c, s, order, count, dc);
}

int dfy_tree_choose_sh(DfyTreeChoice *choice, DfyTreeGrid *g, const DfySplats *s, double error, float *work,
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
    if (!status) dfy_tree_colour_parts(work, g, s, choice->order, count, analysis, (const int32_t(*)[3])dc);
    if (!status) status = choose_sh_indices(choice, g, work, count, error, values);
    free(analysis);
    free(dc);
    return status;
}
