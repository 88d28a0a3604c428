#include "video/encode/alf_search.h"

#include <math.h>
#include <string.h>

#include "video/encode/decide.h"

#define TAPS DFY_ALF_TAPS
#define SQUARES 4000 /* that are enough to fit by: over seven clips 1200 gave 0.3 % less than all of 3600 */

/*
 * What least squares are made of: correlations of the pairs' sums of differences with each other and, in the last
 * column, with what the pixels lack.
 */
typedef struct Correlations {
    double of[TAPS][TAPS + 1];
} Correlations;

/* Correlations over the squares that are filtered, or evenly spread ones of them; returns whether there are any. */
static int correlate(Correlations *c, const DfyPictureCoding *p, const DfyFrame *source) {
    const DfyPlane *have = &p->frame->plane[0], *wanted = &source->plane[0];
    int64_t sums[TAPS][TAPS + 1] = {{0}};
    int columns = p->width / 8, count = 0, taken = 0, skip = 0;
    for (int at = 0; at < columns * (p->height / 8); at++) count += dfy_alf_applies(p, at % columns, at / columns);
    int step = 1 + count / SQUARES;
    for (int at = 0; at < columns * (p->height / 8); at++) {
        int cx = at % columns, cy = at / columns;
        if (!dfy_alf_applies(p, cx, cy) || skip--) continue;
        skip = step - 1;
        taken++;
        int32_t square[DFY_ALF_VALUES][DFY_ALF_VALUES];
        p->kernels->correlate(square, have->pixels + cy * 8 * have->stride + cx * 8, have->stride,
                              wanted->pixels + cy * 8 * wanted->stride + cx * 8, wanted->stride);
        for (int i = 0; i < TAPS; i++)
            for (int j = i; j <= TAPS; j++) sums[i][j] += square[i][j];
    }
    for (int i = 0; i < TAPS; i++)
        for (int j = i; j <= TAPS; j++) {
            double value = taken ? (double)sums[i][j] * count / taken : 0;
            c->of[i][j] = value;
            if (j < TAPS) c->of[j][i] = value;
        }
    return count;
}

/* The weights of least squares, by Gauss and Jordan's elimination; returns whether there are any. */
static int fit(const Correlations *c, int squares, double weights[TAPS]) {
    double a[TAPS][TAPS + 1];
    memcpy(a, c->of, sizeof a);
    for (int i = 0; i < TAPS; i++) a[i][i] += 1 + 0.64 * squares; /* what tells nothing stays where it is */
    for (int i = 0; i < TAPS; i++) {                              /* positive definite: the diagonal is never 0 */
        if (a[i][i] < 0.5) return 0;
        for (int row = 0; row < TAPS; row++) {
            double factor = a[row][i] / a[i][i];
            for (int j = i; row != i && j <= TAPS; j++) a[row][j] -= factor * a[i][j];
        }
    }
    for (int i = 0; i < TAPS; i++) weights[i] = a[i][TAPS] / a[i][i];
    return 1;
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
    double worth = gain(c, candidate) - dfy_lambda(p->qp, p->picture_class) / 256.0 * (double)measure.cost / 256.0;
    if (worth <= *most) return;
    *most = worth;
    *best = *candidate;
}

DfyAlf dfy_choose_alf(const DfyPictureCoding *p, const DfyFrame *source) {
    DfyAlf best = {0};
    Correlations c;
    double most = -INFINITY, weights[TAPS];
    int squares = correlate(&c, p, source);
    if (!squares) return best;
    compare(&best, &most, &(DfyAlf){0}, &c, p);
    int fits = fit(&c, squares, weights), origins = p->reference_count < 2 ? 1 : 2;
    for (int from = 0; from < origins; from++) {
        const int8_t *origin = dfy_alf_origin(p, from);
        DfyAlf same = {.on = 1, .from = (uint8_t)from}, fitted = same;
        memcpy(same.weights, origin, TAPS);
        compare(&best, &most, &same, &c, p);
        for (int k = 0; fits && k < TAPS; k++) {
            int weight = dfy_clamp((int)lrint(weights[k] * 128), -DFY_ALF_MOST, DFY_ALF_MOST);
            fitted.weights[k] = (int8_t)dfy_clamp(weight, origin[k] - DFY_ALF_STEPS, origin[k] + DFY_ALF_STEPS);
        }
        if (fits) compare(&best, &most, &fitted, &c, p);
    }
    return best;
}
