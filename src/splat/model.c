/* Splat models in memory: allocation, degrees, and making hostile or broken numbers safe. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "splat/splat.h"

#define MAX_SCALE 12.0f
#define MIN_SCALE (-MAX_SCALE)
#define MAX_COORDINATE 1e6f
#define MAX_OPACITY 16.0f
#define MAX_COLOUR 64.0f
/* Shorter quaternions have no direction that single precision could tell. */
#define MIN_QUATERNION 1e-12f

const char *const dfy_splat_attribute_names[DFY_SPLAT_ATTRIBUTES] = {"position", "scale",    "alpha",
                                                                     "dc",       "rotation", "sh"};

static int allocate(DfySplats *splats, uint32_t count, int degree, int zeroed, DfyMessage *message) {
    *splats = (DfySplats){.count = count, .degree = degree};
    if (degree < 0 || degree > DFY_SPLAT_MAX_DEGREE)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "Spherical harmonics of degree %d are not supported: 0 to %d.",
                        degree, DFY_SPLAT_MAX_DEGREE);
    if (count > DFY_SPLAT_MAX_COUNT)
        return dfy_fail(message, DFY_ERROR_UNSUPPORTED, "A model of %u splats is too large: at most %u.", count,
                        DFY_SPLAT_MAX_COUNT);
    size_t n = count ? count : 1;
    size_t rest = (size_t)dfy_splat_rest(degree) * 3;
    const size_t sizes[6] = {3, 4, 3, 1, 3, rest};
    float **arrays[6] = {&splats->xyz, &splats->rotation, &splats->scale, &splats->opacity, &splats->dc, &splats->rest};
    for (int i = 0; i < 6; i++)
        if (sizes[i]) *arrays[i] = zeroed ? calloc(n, sizes[i] * sizeof(float)) : malloc(n * sizes[i] * sizeof(float));
    if (splats->xyz && splats->rotation && splats->scale && splats->opacity && splats->dc && (!rest || splats->rest))
        return DFY_OK;
    dfy_splats_free(splats);
    return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a model of %u splats.", count);
}

int dfy_splats_alloc(DfySplats *splats, uint32_t count, int degree, DfyMessage *message) {
    return allocate(splats, count, degree, 1, message);
}

void dfy_splats_free(DfySplats *splats) {
    free(splats->xyz);
    free(splats->rotation);
    free(splats->scale);
    free(splats->opacity);
    free(splats->dc);
    free(splats->rest);
    *splats = (DfySplats){0};
}

int dfy_splats_copy(DfySplats *out, const DfySplats *in, DfyMessage *message) {
    int status = allocate(out, in->count, in->degree, 0, message);
    if (status) return status;
    size_t n = in->count;
    if (!n) return DFY_OK;
    memcpy(out->xyz, in->xyz, n * 3 * sizeof(float));
    memcpy(out->rotation, in->rotation, n * 4 * sizeof(float));
    memcpy(out->scale, in->scale, n * 3 * sizeof(float));
    memcpy(out->opacity, in->opacity, n * sizeof(float));
    memcpy(out->dc, in->dc, n * 3 * sizeof(float));
    if (in->rest) memcpy(out->rest, in->rest, n * 3 * (size_t)dfy_splat_rest(in->degree) * sizeof(float));
    return DFY_OK;
}

int dfy_splats_set_degree(DfySplats *splats, int degree, DfyMessage *message) {
    if (degree == splats->degree) return DFY_OK;
    if (degree < 0 || degree > DFY_SPLAT_MAX_DEGREE)
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "Spherical harmonics have degree 0 to 3, not %d.", degree);
    size_t was = (size_t)dfy_splat_rest(splats->degree), is = (size_t)dfy_splat_rest(degree);
    size_t kept = was < is ? was : is;
    float *rest = NULL;
    if (is && !(rest = calloc(splats->count ? splats->count : 1, is * 3 * sizeof(float))))
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory for a model of %u splats.", splats->count);
    for (size_t row = 0; kept && row < (size_t)splats->count * 3; row++)
        memcpy(rest + row * is, splats->rest + row * was, kept * sizeof(float));
    free(splats->rest);
    splats->rest = rest;
    splats->degree = degree;
    return DFY_OK;
}

/* ---------------------------------------------------------------- making numbers safe */

/* NaN and infinities become `stand_in`; tells whether there were any. */
static int make_finite(float *values, size_t count, float stand_in) {
    int found = 0;
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i])) {
            values[i] = stand_in;
            found = 1;
        }
    return found;
}

static int clamp_all(float *values, size_t count, float low, float high) {
    int found = 0;
    for (size_t i = 0; i < count; i++) {
        if (values[i] >= low && values[i] <= high) continue;
        values[i] = values[i] < low ? low : high;
        found = 1;
    }
    return found;
}

/* Infinite opacities mean something: fully there or not at all. */
static int sanitise_opacity(float *opacity, int *clamped) {
    int found = isnan(*opacity) != 0;
    if (found) *opacity = -MAX_OPACITY;
    found |= isinf(*opacity) != 0;
    *clamped |= clamp_all(opacity, 1, -MAX_OPACITY, MAX_OPACITY) && !found;
    return found;
}

static int sanitise_rotation(float q[4]) {
    double length = sqrt((double)q[0] * q[0] + (double)q[1] * q[1] + (double)q[2] * q[2] + (double)q[3] * q[3]);
    if (length >= MIN_QUATERNION && length < 1e18) return 0;
    if (length >= 1e18) {
        for (int i = 0; i < 4; i++) q[i] = (float)(q[i] / length);
        return 1;
    }
    q[0] = 1;
    q[1] = q[2] = q[3] = 0;
    return 1;
}

/* One splat; counts what was done. */
static void sanitise_one(DfySplats *s, size_t i, size_t rest, DfySplatRepairs *repairs) {
    int range = 0;
    int broken = make_finite(s->xyz + i * 3, 3, 0);
    int invisible = broken; /* a splat without a place must not appear at the origin */
    broken |= make_finite(s->rotation + i * 4, 4, 0);
    broken |= make_finite(s->scale + i * 3, 3, MIN_SCALE);
    broken |= make_finite(s->dc + i * 3, 3, 0);
    broken |= sanitise_opacity(s->opacity + i, &range);
    if (rest) {
        broken |= make_finite(s->rest + i * rest, rest, 0);
        range |= clamp_all(s->rest + i * rest, rest, -MAX_COLOUR, MAX_COLOUR);
    }
    range |= clamp_all(s->dc + i * 3, 3, -MAX_COLOUR, MAX_COLOUR);
    if (invisible) s->opacity[i] = -MAX_OPACITY;
    repairs->not_finite += broken;
    repairs->range += range;
    repairs->rotation += sanitise_rotation(s->rotation + i * 4);
    repairs->scale += clamp_all(s->scale + i * 3, 3, MIN_SCALE, MAX_SCALE);
    repairs->position += clamp_all(s->xyz + i * 3, 3, -MAX_COORDINATE, MAX_COORDINATE);
}

/* Whether all values are in the range, which NaN and infinities are not. */
static int all_within(const float *values, size_t count, float limit) {
    int outside = 0;
    for (size_t i = 0; i < count; i++) outside |= !(fabsf(values[i]) <= limit);
    return !outside;
}

static int all_have_rotations(const float *q, size_t count) {
    int without = 0;
    for (size_t i = 0; i < count * 4; i += 4) {
        float largest = fmaxf(fmaxf(fabsf(q[i]), fabsf(q[i + 1])), fmaxf(fabsf(q[i + 2]), fabsf(q[i + 3])));
        without |= !(largest > MIN_QUATERNION);
    }
    return !without;
}

/* So many splats in a row are looked at together first, as nearly all models are whole. */
enum { LOOKED_AT = 256 };

static int all_safe(const DfySplats *s, size_t i, size_t count, size_t rest) {
    return all_within(s->xyz + i * 3, count * 3, MAX_COORDINATE) && all_within(s->rotation + i * 4, count * 4, 1e17f) &&
           all_within(s->scale + i * 3, count * 3, MAX_SCALE) && all_within(s->dc + i * 3, count * 3, MAX_COLOUR) &&
           all_within(s->opacity + i, count, MAX_OPACITY) &&
           (!rest || all_within(s->rest + i * rest, count * rest, MAX_COLOUR)) &&
           all_have_rotations(s->rotation + i * 4, count);
}

void dfy_splats_sanitise(DfySplats *s, DfySplatRepairs *repairs) {
    DfySplatRepairs unused = {0};
    if (!repairs) repairs = &unused;
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    for (size_t from = 0; from < s->count; from += LOOKED_AT) {
        size_t to = s->count - from < LOOKED_AT ? s->count : from + LOOKED_AT;
        if (all_safe(s, from, to - from, rest)) continue;
        for (size_t i = from; i < to; i++) sanitise_one(s, i, rest, repairs);
    }
}

void dfy_splat_repairs_text(const DfySplatRepairs *repairs, DfyMessage *text) {
    const struct {
        uint64_t count;
        const char *fault;
    } faults[] = {{repairs->not_finite, "with NaN or infinity"},
                  {repairs->rotation, "without a rotation"},
                  {repairs->scale, "with a scale outside -12 to 12"},
                  {repairs->position, "farther than 1e6 away"},
                  {repairs->range, "with an extreme opacity or colour"}};
    size_t used = 0;
    text->text[0] = 0;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (!faults[i].count || used >= sizeof text->text) continue;
        int wrote = snprintf(text->text + used, sizeof text->text - used, "%s%llu %s",
                             used ? ", " : "Made safe: splats: ", (unsigned long long)faults[i].count, faults[i].fault);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    if (used && used + 1 < sizeof text->text) memcpy(text->text + used, ".", 2);
}
