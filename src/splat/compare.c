/* Errors between two models: pairing of splats, then RMS and maximum of each attribute. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/files.h"
#include "splat/forms.h"
#include "splat/kdtree.h"

typedef struct Sums {
    double square[DFY_SPLAT_ATTRIBUTES], max[DFY_SPLAT_ATTRIBUTES], count[DFY_SPLAT_ATTRIBUTES];
    uint32_t other_forms;
} Sums;

static void add(Sums *sums, int attribute, double error) {
    error = fabs(error);
    sums->square[attribute] += error * error;
    sums->count[attribute]++;
    if (error > sums->max[attribute]) sums->max[attribute] = error;
}

static double diagonal_of(const DfySplats *s) {
    double sum = 0;
    for (size_t k = 0; k < 3 && s->count; k++) {
        float low = s->xyz[k], high = low;
        for (size_t i = 1; i < s->count; i++) {
            low = fminf(low, s->xyz[i * 3 + k]);
            high = fmaxf(high, s->xyz[i * 3 + k]);
        }
        sum += ((double)high - low) * ((double)high - low);
    }
    return sum > 0 ? sqrt(sum) : 1;
}

static void compare_shapes(Sums *sums, const DfySplats *a, size_t i, const DfySplats *b, size_t j) {
    DfyForm reference = dfy_form_of(a, i), other = dfy_form_of(b, j);
    int nearest = dfy_form_nearest(&reference, &other);
    if (nearest) {
        other = dfy_form_turned(&other, nearest);
        sums->other_forms++;
    }
    for (int k = 0; k < 3; k++) add(sums, DFY_SPLAT_SCALE, (double)reference.scale[k] - other.scale[k]);
    add(sums, DFY_SPLAT_ROTATION, dfy_angle_between(reference.rotation, other.rotation));
}

static void compare_pair(Sums *sums, const DfySplats *a, size_t i, const DfySplats *b, size_t j, double diagonal) {
    double distance = 0;
    for (size_t k = 0; k < 3; k++) {
        double d = (double)a->xyz[i * 3 + k] - b->xyz[j * 3 + k];
        distance += d * d;
        add(sums, DFY_SPLAT_DC, (double)a->dc[i * 3 + k] - b->dc[j * 3 + k]);
    }
    add(sums, DFY_SPLAT_POSITION, sqrt(distance) / diagonal);
    add(sums, DFY_SPLAT_ALPHA, dfy_sigmoid(a->opacity[i]) - dfy_sigmoid(b->opacity[j]));
    compare_shapes(sums, a, i, b, j);
    size_t ra = (size_t)dfy_splat_rest(a->degree), rb = (size_t)dfy_splat_rest(b->degree), most = ra > rb ? ra : rb;
    for (size_t c = 0; c < 3; c++)
        for (size_t k = 0; k < most; k++) {
            double x = k < ra ? a->rest[(i * 3 + c) * ra + k] : 0, y = k < rb ? b->rest[(j * 3 + c) * rb + k] : 0;
            add(sums, DFY_SPLAT_SH, x - y);
        }
}

int dfy_splats_compare(const DfySplats *reference, const DfySplats *other, const uint32_t *order,
                       DfySplatErrors *errors, DfyMessage *message) {
    Sums sums = {0};
    uint32_t *found = NULL, pairs = 0;
    double diagonal = diagonal_of(reference);
    *errors = (DfySplatErrors){0};
    if (!order) {
        int status = dfy_splats_match(reference, other, INFINITY, &found, message);
        if (status) return status;
        order = found;
    }
    for (uint32_t j = 0; j < other->count; j++)
        if (order[j] < reference->count) {
            compare_pair(&sums, reference, order[j], other, j, diagonal);
            pairs++;
        }
    free(found);
    errors->compared = pairs;
    errors->missing = reference->count - (pairs < reference->count ? pairs : reference->count);
    errors->surplus = other->count - pairs;
    errors->other_forms = sums.other_forms;
    for (int k = 0; k < DFY_SPLAT_ATTRIBUTES; k++) {
        errors->rms[k] = sums.count[k] > 0 ? sqrt(sums.square[k] / sums.count[k]) : 0;
        errors->max[k] = sums.max[k];
    }
    return DFY_OK;
}
