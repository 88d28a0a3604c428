/*
 * tree-range, encoder: chooses an attribute's step so that its RMS error is the wanted one and no smaller (at a few
 * levels a value the rule step = error x sqrt(12) is off, so steps are searched on the data), and the range of its
 * numbers.
 */
#include <math.h>

#include "splat/model/exact.h"
#include "splat/tree/choose_parts.h"

enum {
    MOST_TRIES = 12,     /* of a search in haste, should the error stay too large */
    LEARN_ROWS = 5000,   /* splats that a trellis learns what numbers cost from, in haste */
    TRIED_FIRST = 25000, /* numbers; of more a sample is tried first, which spares most a second way through all */
    LONG_WAY = 200000    /* numbers that are not gone through again for a percent */
};

/* Of the wanted error: what is not improved on over a long way. */
#define LONG_ENOUGH 0.9875

/* Times the wanted error: the first step in haste, of numbers that aren't centred. */
#define PLAIN_STEP 2.0075
/* Numbers whose bits are worth something are farther off: so much less is the first step, times the wanted error. */
#define WORTH_OF_STEP 0.1125

/* ---------------------------------------------------------------- searching */

const DfyTreeHaste *dfy_tree_haste(int effort) {
    static const DfyTreeHaste usual = {1500, 0.9988, 0.9935};
    return effort < 7 ? &usual : NULL;
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
    int most = haste ? 1 : DFY_TREE_REFINEMENTS;
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
    DfyTreeSearch search = {
        .step = error * DFY_TREE_FIRST_STEP, .power = 0.9, .stride = t->rows / DFY_TREE_SAMPLE_ROWS + 1};
    size_t stride;
    do {
        stride = search.stride;
        *chosen = as_number(search.step);
        mean = dfy_trellis_quantise(stride == 1 ? values : NULL, t, (double)*chosen / DFY_TREE_ONE, stride);
    } while (mean >= 0 && dfy_tree_search_on(&search, sqrt(mean) / error) && !(stride == 1 && *chosen == 1));
    return mean < 0 ? DFY_ERROR_MEMORY : DFY_OK;
}

/* ---------------------------------------------------------------- foreseeing */

/*
 * What the trellis leaves of rounding's mean square, for centred numbers, within some hundredths: more as the wanted
 * error nears what the numbers are themselves.
 */
static double usual_part(const DfyTrellis *t, double wanted) {
    double energy = 0;
    for (int k = 0; k < t->n; k++) {
        size_t apart = t->by_column ? 1 : (size_t)t->n;
        const float *column = t->parts + (t->by_column ? (size_t)k * t->rows : (size_t)k);
        double sum = 0;
        for (size_t i = 0; i < t->rows; i++) sum += (double)column[i * apart] * column[i * apart];
        energy += (t->norm ? t->norm[k] : 1) * sum;
    }
    double left = energy > 0 ? wanted * (double)t->rows * t->n / energy : 1;
    return 0.55 + left / (1 + 0.8 * left);
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

/* Ratios this near are the same. */
#define FLAT 1e-3
/* Of a step at which the error is too large, what is tried next until one is small enough. */
#define DOWN 0.75
/* Of the wanted error, what a search in steps of halves ends with. */
#define HALVED_ENOUGH 0.98

/*
 * The largest step that meets the wanted error, by halving what is between two steps. For numbers that are nearly all
 * 0: whatever the step is, their error is what they are themselves, until it is small enough for the first ones.
 */
static int halve_to_step(int32_t *chosen, int32_t *values, const DfyTrellis *t, double error, int32_t too_large) {
    int32_t good = 0, last = 0;
    for (int i = 0; i < MOST_TRIES; i++) {
        int32_t middle = (int32_t)(good ? sqrt((double)good * too_large) : too_large * DOWN);
        if (middle <= good || middle < 1) break;
        double mean = dfy_trellis_quantise(values, t, (double)middle / DFY_TREE_ONE, 1);
        if (mean < 0) return DFY_ERROR_MEMORY;
        double ratio = sqrt(mean) / error;
        last = middle;
        *(ratio <= 1 ? &good : &too_large) = middle;
        if (good && (ratio <= 1 ? ratio >= HALVED_ENOUGH : i > 4)) break;
    }
    *chosen = good ? good : 1;
    if (last == *chosen) return DFY_OK;
    return dfy_trellis_quantise(values, t, (double)*chosen / DFY_TREE_ONE, 1) < 0 ? DFY_ERROR_MEMORY : DFY_OK;
}

/*
 * The same with fewer tries. How the trellis' error compares with rounding's is learnt on a sample should all be many,
 * and the step follows from what rounding leaves of all: that is some thousandths off, for which the aim leaves room.
 * The error of numbers that aren't centred simply grows with the step.
 */
static int foresee_step(int32_t *chosen, int32_t *values, DfyTrellis *t, double error, const DfyTreeHaste *haste) {
    double step = error * (PLAIN_STEP - WORTH_OF_STEP * (double)t->bit_worth), aim = error * haste->aim;
    size_t sample = t->rows / haste->sample_rows + 1;
    int known = t->usual_step > 0;
    if (known)
        step = t->usual_step;
    else if (t->centred)
        step = foreseen_step(t, step, usual_part(t, aim * aim), aim * aim);
    int32_t too_large = INT32_MAX;
    double near = t->rows * (size_t)t->n > LONG_WAY ? fmin(LONG_ENOUGH, haste->enough) : haste->enough;
    Power power = {1, 0, 0};
    double last = 0;
    for (int i = t->rows * (size_t)t->n > TRIED_FIRST && sample > 1 && !known ? 0 : 1; i <= MOST_TRIES; i++) {
        size_t stride = i > 0 ? 1 : sample;
        *chosen = as_number(step);
        if (*chosen >= too_large) *chosen = too_large > 1 ? too_large - 1 : 1;
        double exact = (double)*chosen / DFY_TREE_ONE;
        t->wanted = i > 0 ? error * error : 0;
        double mean = dfy_trellis_quantise(i > 0 ? values : NULL, t, exact, stride),
               ratio = sqrt(fmax(mean, 0)) / error;
        if (mean < 0) return DFY_ERROR_MEMORY;
        int enough = ratio >= near || i > 2 || *chosen + 1 == too_large;
        if (i > 0 && ((ratio <= 1 && enough) || *chosen == 1 || !(mean > 0))) break;
        if (i > 0 && ratio > 1) too_large = *chosen;
        if (i > 1 && ratio > 1 && fabs(ratio - last) < FLAT) return halve_to_step(chosen, values, t, error, too_large);
        last = i > 0 ? ratio : 0;
        if (i > 1) aim -= 0.002 * error;
        double rounding = t->centred && mean > 0 ? dfy_trellis_foresee(t, exact, stride) : 0;
        if (i < 1) power.step = 0; /* other rows */
        if (rounding > 0)
            step = foreseen_step(t, step, mean / rounding, aim * aim);
        else
            step = with_power(&power, step, ratio * error / aim);
    }
    return DFY_OK;
}

int dfy_tree_choose_step(int32_t *chosen, int32_t *values, DfyTrellis *t, double error, int effort) {
    const DfyTreeHaste *haste = dfy_tree_haste(effort);
    t->learn_rows = haste ? LEARN_ROWS : 0;
    return haste ? foresee_step(chosen, values, t, error, haste) : search_step(chosen, values, t, error);
}

/* ---------------------------------------------------------------- ranges */

/* A range (from a multiple of 4, so that numbers keep their parities) for multiples from lowest to highest, and a step
 * of the trellis beyond. */
static void plain_range(DfyTreeRange *range, int32_t lowest, int32_t highest) {
    range->low = ((lowest - 2) & ~3);
    for (range->bits = 0; (uint32_t)(highest + 2 - range->low) >> 1 >> range->bits;) range->bits++;
}

/* Centred numbers are coded from the lowest on. */
static void centre_range(DfyTreeRange *range, int32_t lowest, int32_t highest) {
    range->low = lowest / 2 - 1;
    for (range->bits = 0; (uint32_t)(highest / 2 + 1 - range->low) >> range->bits;) range->bits++;
}

/* One frame's numbers are known; of later frames only what values they span. */
void dfy_tree_choose_range(DfyTreeRange *range, const int32_t *values, size_t count, size_t stride, int frames,
                           const double bounds[2], double step, int centred) {
    int32_t low = (int32_t)floor(bounds[0] / step), high = (int32_t)ceil(bounds[1] / step);
    if (frames == 1) {
        low = high = count ? values[0] : 0;
        for (size_t i = 0; i < count; i++) {
            if (values[i * stride] < low) low = values[i * stride];
            if (values[i * stride] > high) high = values[i * stride];
        }
    }
    (centred ? centre_range : plain_range)(range, low, high);
}
