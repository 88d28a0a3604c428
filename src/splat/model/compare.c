/* Errors between two models: pairing of splats, then RMS, 99th percentile and maximum of each attribute. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/formats/files.h"
#include "splat/model/forms.h"
#include "splat/model/kdtree.h"

enum { SAMPLES = 1000 }; /* splats by which the order is judged */
/* Of the spacing, that splats of the same number are apart at most, and of the samples that are no farther apart. */
#define NEAR_ENOUGH 0.25
#define MOSTLY 0.9

/* Errors of one attribute, as many as were measured. */
typedef struct Errors {
    float *values;
    size_t count;
    double square;
} Errors;

typedef struct Sums {
    Errors of[DFY_SPLAT_ATTRIBUTES];
    uint32_t other_forms, not_finite;
} Sums;

static void add(Sums *sums, int attribute, double error) {
    Errors *errors = &sums->of[attribute];
    error = fabs(error);
    errors->square += error * error;
    errors->values[errors->count++] = (float)error;
}

static double diagonal_of(const DfySplats *s) {
    double sum = 0;
    for (size_t k = 0; k < 3; k++) {
        float low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < s->count; i++) {
            float x = s->xyz[i * 3 + k];
            if (!isfinite(x)) continue;
            low = fminf(low, x);
            high = fmaxf(high, x);
        }
        if (low < high) sum += ((double)high - low) * ((double)high - low);
    }
    return sqrt(sum);
}

/* Bits are compared, as NaN is not equal to itself; 0: something is not finite and differs. */
static int finite_or_same(const float *a, const float *b, size_t count, int *finite) {
    *finite = 1;
    for (size_t k = 0; k < count; k++) *finite &= isfinite(a[k]) && isfinite(b[k]);
    return *finite || !memcmp(a, b, count * sizeof *a);
}

static void compare_shapes(Sums *sums, const DfySplats *a, size_t i, const DfySplats *b, size_t j, int *broken) {
    DfyForm reference = dfy_form_of(a, i), other = dfy_form_of(b, j);
    int finite_turns, finite_scales;
    *broken |= !finite_or_same(reference.rotation, other.rotation, 4, &finite_turns);
    *broken |= !finite_or_same(reference.scale, other.scale, 3, &finite_scales);
    int nearest = finite_turns && finite_scales ? dfy_form_nearest(&reference, &other) : 0;
    if (nearest) {
        other = dfy_form_turned(&other, nearest);
        sums->other_forms++;
    }
    for (int k = 0; k < 3 && finite_scales; k++)
        add(sums, DFY_SPLAT_SCALE, (double)reference.scale[k] - other.scale[k]);
    if (finite_turns) add(sums, DFY_SPLAT_ROTATION, dfy_angle_between(reference.rotation, other.rotation));
}

static void compare_rest(Sums *sums, const DfySplats *a, size_t i, const DfySplats *b, size_t j, int *broken) {
    size_t ra = (size_t)dfy_splat_rest(a->degree), rb = (size_t)dfy_splat_rest(b->degree), most = ra > rb ? ra : rb;
    for (size_t c = 0; c < 3; c++)
        for (size_t k = 0; k < most; k++) {
            float x = k < ra ? a->rest[(i * 3 + c) * ra + k] : 0, y = k < rb ? b->rest[(j * 3 + c) * rb + k] : 0;
            int finite;
            *broken |= !finite_or_same(&x, &y, 1, &finite);
            if (finite) add(sums, DFY_SPLAT_SH, (double)x - y);
        }
}

static void compare_pair(Sums *sums, const DfySplats *a, size_t i, const DfySplats *b, size_t j) {
    double distance = 0;
    int broken = 0, finite;
    broken |= !finite_or_same(a->xyz + i * 3, b->xyz + j * 3, 3, &finite);
    for (size_t k = 0; k < 3; k++) {
        double d = (double)a->xyz[i * 3 + k] - b->xyz[j * 3 + k];
        distance += d * d;
    }
    if (finite) add(sums, DFY_SPLAT_POSITION, sqrt(distance));
    broken |= !finite_or_same(a->dc + i * 3, b->dc + j * 3, 3, &finite);
    for (size_t k = 0; k < 3 && finite; k++) add(sums, DFY_SPLAT_DC, (double)a->dc[i * 3 + k] - b->dc[j * 3 + k]);
    broken |= isnan(a->opacity[i]) != isnan(b->opacity[j]);
    if (!isnan(a->opacity[i]) && !isnan(b->opacity[j]))
        add(sums, DFY_SPLAT_ALPHA, dfy_sigmoid(a->opacity[i]) - dfy_sigmoid(b->opacity[j]));
    compare_shapes(sums, a, i, b, j, &broken);
    compare_rest(sums, a, i, b, j, &broken);
    sums->not_finite += (uint32_t)broken;
}

/* ---------------------------------------------------------------- pairing */

/* Whether the two are plainly in the same order: most splats are near those of the same number. Or DFY_ERROR_MEMORY. */
static int same_order(const DfySplats *a, const DfySplats *b) {
    double spacing = dfy_splats_spacing(a, 0.5);
    size_t step = a->count / SAMPLES + 1, tried = 0, near = 0;
    if (spacing < 0) return DFY_ERROR_MEMORY;
    if (a->count != b->count || !(spacing > 0)) return a->count == b->count;
    for (size_t i = 0; i < a->count; i += step, tried++) {
        double sum = 0;
        for (size_t k = 0; k < 3; k++) {
            double d = (double)a->xyz[i * 3 + k] - b->xyz[i * 3 + k];
            sum += d * d;
        }
        near += !(sum > spacing * spacing * NEAR_ENOUGH * NEAR_ENOUGH);
    }
    return (double)near >= MOSTLY * (double)tried;
}

static int pair_by_order(uint32_t **order, uint32_t count, DfyMessage *message) {
    *order = malloc(((size_t)count + 1) * sizeof **order);
    if (!*order) return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory to pair %u splats.", count);
    for (uint32_t i = 0; i < count; i++) (*order)[i] = i;
    return DFY_OK;
}

/* ---------------------------------------------------------------- results */

static int by_size(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void sum_up(DfySplatErrors *errors, Sums *sums) {
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) {
        Errors *own = &sums->of[a];
        if (!own->count) continue;
        qsort(own->values, own->count, sizeof *own->values, by_size);
        size_t place = (size_t)ceil(0.99 * (double)own->count);
        errors->rms[a] = sqrt(own->square / (double)own->count);
        errors->p99[a] = own->values[place ? place - 1 : 0];
        errors->max[a] = own->values[own->count - 1];
    }
    errors->other_forms = sums->other_forms;
    errors->not_finite = sums->not_finite;
}

static int alloc_sums(Sums *sums, const DfySplats *a, const DfySplats *b) {
    size_t pairs = b->count ? b->count : 1,
           rest = (size_t)dfy_splat_rest(a->degree > b->degree ? a->degree : b->degree);
    const size_t numbers[DFY_SPLAT_ATTRIBUTES] = {1, 3, 1, 3, 1, rest * 3};
    int good = 1;
    for (int k = 0; k < DFY_SPLAT_ATTRIBUTES; k++) {
        sums->of[k].values = malloc((numbers[k] * pairs + 1) * sizeof(float));
        good &= sums->of[k].values != NULL;
    }
    return good;
}

int dfy_splats_compare(const DfySplats *reference, const DfySplats *other, const uint32_t *order,
                       DfySplatPairing pairing, DfySplatErrors *errors, DfyMessage *message) {
    Sums sums = {.other_forms = 0};
    uint32_t *found = NULL, pairs = 0;
    int status = DFY_OK;
    *errors = (DfySplatErrors){.diagonal = diagonal_of(reference)};
    if (!order) {
        int by_order = pairing == DFY_SPLAT_PAIR_AUTO ? same_order(reference, other) : pairing == DFY_SPLAT_PAIR_ORDER;
        errors->by_order = by_order > 0;
        status = by_order < 0       ? dfy_fail(message, by_order, "There is no memory to compare the models.")
                 : errors->by_order ? pair_by_order(&found, other->count, message)
                                    : dfy_splats_match(reference, other, INFINITY, &found, message);
        order = found;
    }
    if (!status && !alloc_sums(&sums, reference, other))
        status = dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory to compare %u splats.", other->count);
    for (uint32_t j = 0; !status && j < other->count; j++)
        if (order[j] < reference->count) {
            compare_pair(&sums, reference, order[j], other, j);
            pairs++;
        }
    free(found);
    errors->compared = pairs;
    errors->missing = reference->count - (pairs < reference->count ? pairs : reference->count);
    errors->surplus = other->count - pairs;
    if (!status) sum_up(errors, &sums);
    for (int a = 0; a < DFY_SPLAT_ATTRIBUTES; a++) free(sums.of[a].values);
    return status;
}
