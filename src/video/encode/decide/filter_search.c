#include "video/encode/decide/filter_search.h"

#include <math.h>
#include <string.h>

#include "video/encode/decide/superblock.h"

/* ---------------------------------------------------------------- blocks to choose by */

/* Those of the blocks which a filter applies to that are looked at, evenly spread. */
typedef struct Sample {
    const DfyPictureCoding *picture;
    int (*applies)(const DfyPictureCoding *picture, int cx, int cy);
    int columns, blocks; /* of the picture */
    int count, taken;    /* that the filter applies to; of them looked at so far */
    int step, next;
} Sample;

/* About `most` of them, or all when they are fewer. */
static Sample sample(const DfyPictureCoding *p, int (*applies)(const DfyPictureCoding *, int, int), int most) {
    int columns = p->width / 8;
    Sample s = {.picture = p, .applies = applies, .columns = columns, .blocks = columns * (p->height / 8)};
    for (int cy = 0; cy < p->height / 8; cy++)
        for (int cx = 0; cx < columns; cx++) {
            if (dfy_is_touched(p, cx, cy))
                s.count += applies(p, cx, cy);
            else
                cx |= 7;
        }
    s.step = 1 + s.count / most;
    return s;
}

/* The next block's column and row; 0 after the last. */
static int next_block(Sample *s, int *cx, int *cy) {
    for (int skip = s->taken ? s->step - 1 : 0; s->next < s->blocks; s->next++) {
        *cx = s->next % s->columns;
        *cy = s->next / s->columns;
        if (!dfy_is_touched(s->picture, *cx, *cy) || !s->applies(s->picture, *cx, *cy) || skip--) continue;
        s->next++;
        s->taken++;
        return 1;
    }
    return 0;
}

/* ---------------------------------------------------------------- the second filter */

#define CDEF_BLOCKS 400 /* that are enough to choose by */

/* Adds the squared errors of one block under every strength: luma's, chroma's. */
static void measure_cdef(const DfyPictureCoding *p, const DfyFrame *wanted, int cx, int cy,
                         uint64_t errors[2][DFY_CDEF_STRENGTHS]) {
    DfyDirection direction = dfy_cdef_direction(p, p->frame, cx, cy);
    for (int plane = 0; plane < 3; plane++) {
        int side = plane ? 4 : 8;
        const DfyPlane *from = &p->frame->plane[plane], *source = &wanted->plane[plane];
        const uint8_t *there = source->pixels + cy * side * source->stride + cx * side;
        const uint8_t *have = from->pixels + cy * side * from->stride + cx * side;
        uint8_t pixels[64];
        errors[plane > 0][0] += p->kernels->sse(there, source->stride, have, from->stride, side, side);
        for (int i = 1; i < DFY_CDEF_STRENGTHS; i++) {
            dfy_cdef_block(p, plane, cx, cy, i, p->frame, &direction, pixels, side);
            errors[plane > 0][i] += p->kernels->sse(there, source->stride, pixels, side, side, side);
        }
    }
}

void dfy_choose_cdef(uint8_t strength[2], const DfyPictureCoding *p, const DfyFrame *source) {
    uint64_t errors[2][DFY_CDEF_STRENGTHS] = {{0}};
    Sample blocks = sample(p, dfy_cdef_applies, CDEF_BLOCKS);
    for (int cx, cy; next_block(&blocks, &cx, &cy);) measure_cdef(p, source, cx, cy, errors);
    for (int c = 0; c < 2; c++) {
        strength[c] = 0;
        for (int i = 1; i < DFY_CDEF_STRENGTHS; i++)
            if (errors[c][i] < errors[c][strength[c]]) strength[c] = (uint8_t)i;
    }
}

/* ---------------------------------------------------------------- the third filter */

#define TAPS DFY_ALF_TAPS
#define ALF_BLOCKS 4000 /* that are enough to fit by: over seven clips 1200 gave 0.3 % less than all of 3600 */

/*
 * What least squares are made of: correlations of the pairs' sums of differences with each other and, in the last
 * column, with what the pixels lack.
 */
typedef struct Correlations {
    double of[TAPS][TAPS + 1];
} Correlations;

/* Correlations over the blocks that are filtered, or evenly spread ones of them; returns how many are. */
static int alf_statistics(Correlations *c, const DfyPictureCoding *p, const DfyFrame *source) {
    const DfyPlane *have = &p->frame->plane[0], *wanted = &source->plane[0];
    int64_t sums[TAPS][TAPS + 1] = {{0}};
    Sample blocks = sample(p, dfy_alf_applies, ALF_BLOCKS);
    for (int cx, cy; next_block(&blocks, &cx, &cy);) {
        int32_t block[DFY_ALF_VALUES][DFY_ALF_VALUES];
        p->kernels->alf_statistics(block, have->pixels + cy * 8 * have->stride + cx * 8, have->stride,
                                   wanted->pixels + cy * 8 * wanted->stride + cx * 8, wanted->stride);
        for (int i = 0; i < TAPS; i++)
            for (int j = i; j <= TAPS; j++) sums[i][j] += block[i][j];
    }
    for (int i = 0; i < TAPS; i++)
        for (int j = i; j <= TAPS; j++) {
            double value = blocks.taken ? (double)sums[i][j] * blocks.count / blocks.taken : 0;
            c->of[i][j] = value;
            if (j < TAPS) c->of[j][i] = value;
        }
    return blocks.count;
}

/* The weights of least squares, by Gauss and Jordan's elimination. */
static void fit(const Correlations *c, int blocks, double weights[TAPS]) {
    double a[TAPS][TAPS + 1];
    memcpy(a, c->of, sizeof a);
    /* What tells nothing stays where it is; and with that the matrix is positive definite, its diagonal never 0. */
    for (int i = 0; i < TAPS; i++) a[i][i] += 1 + 0.64 * blocks;
    for (int i = 0; i < TAPS; i++)
        for (int row = 0; row < TAPS; row++) {
            double factor = a[row][i] / a[i][i];
            for (int j = i; row != i && j <= TAPS; j++) a[row][j] -= factor * a[i][j];
        }
    for (int i = 0; i < TAPS; i++) weights[i] = a[i][TAPS] / a[i][i];
}

/* Squared error less with the filter, but for rounding. */
static double gain(const Correlations *c, const DfyAlf *alf) {
    double sum = 0;
    for (int i = 0; alf->on && i < TAPS; i++) {
        double inner = 2 * c->of[i][TAPS];
        for (int j = 0; j < TAPS; j++) inner -= c->of[i][j] * alf->weights[j] / 128;
        sum += inner * alf->weights[i] / 128;
    }
    return sum;
}

/* Takes `candidate` for the best so far if it is. */
static void compare(DfyAlf *best, double *most, const DfyAlf *candidate, const Correlations *c,
                    const DfyPictureCoding *p) {
    DfyRangeCoder measure = {.mode = DFY_MEASURE};
    DfyAlf coded = *candidate;
    dfy_code_alf(&measure, p->contexts, p, &coded);
    double importance = gain(c, candidate) - dfy_lambda(p->qp, p->picture_class) / 256.0 * (double)measure.cost / 256.0;
    if (importance <= *most) return;
    *most = importance;
    *best = *candidate;
}

DfyAlf dfy_choose_alf(const DfyPictureCoding *p, const DfyFrame *source) {
    DfyAlf best = {0};
    Correlations c;
    double most = -INFINITY, weights[TAPS];
    int blocks = alf_statistics(&c, p, source);
    if (!blocks) return best;
    compare(&best, &most, &(DfyAlf){0}, &c, p);
    fit(&c, blocks, weights);
    int origins = p->reference_count < 2 ? 1 : 2;
    for (int from = 0; from < origins; from++) {
        const int8_t *origin = dfy_alf_origin(p, from);
        DfyAlf same = {.on = 1, .from = (uint8_t)from}, fitted = same;
        memcpy(same.weights, origin, TAPS);
        compare(&best, &most, &same, &c, p);
        for (int k = 0; k < TAPS; k++) {
            int weight = dfy_clamp((int)lrint(weights[k] * 128), -DFY_ALF_MOST, DFY_ALF_MOST);
            fitted.weights[k] = (int8_t)dfy_clamp(weight, origin[k] - DFY_ALF_STEPS, origin[k] + DFY_ALF_STEPS);
        }
        compare(&best, &most, &fitted, &c, p);
    }
    return best;
}
