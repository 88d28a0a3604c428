#include "splat/model/odd.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MAX_SCALE 24.0f
#define NO_SIZE (-12.0f) /* stands in for a scale that is no number */
#define MAX_COORDINATE 9e8f
#define MAX_OPACITY 16.0f
#define MAX_COLOUR 64.0f
#define MAX_QUATERNION 1e17f
/* Shorter quaternions have no direction that single precision could tell. */
#define MIN_QUATERNION 1e-12f

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

static int all_plain(const DfySplats *s, size_t i, size_t count, size_t rest) {
    return all_within(s->xyz + i * 3, count * 3, MAX_COORDINATE) &&
           all_within(s->rotation + i * 4, count * 4, MAX_QUATERNION) &&
           all_within(s->scale + i * 3, count * 3, MAX_SCALE) && all_within(s->dc + i * 3, count * 3, MAX_COLOUR) &&
           all_within(s->opacity + i, count, MAX_OPACITY) &&
           (!rest || all_within(s->rest + i * rest, count * rest, MAX_COLOUR)) &&
           all_have_rotations(s->rotation + i * 4, count);
}

unsigned dfy_splat_odd(const DfySplats *s, size_t i) {
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    unsigned odd = 0;
    if (!all_within(s->xyz + i * 3, 3, MAX_COORDINATE)) odd |= 1u << DFY_SPLAT_POSITION;
    if (!all_within(s->scale + i * 3, 3, MAX_SCALE)) odd |= 1u << DFY_SPLAT_SCALE;
    if (isnan(s->opacity[i])) odd |= 1u << DFY_SPLAT_ALPHA;
    if (!all_within(s->dc + i * 3, 3, MAX_COLOUR)) odd |= 1u << DFY_SPLAT_DC;
    if (!all_within(s->rotation + i * 4, 4, MAX_QUATERNION) || !all_have_rotations(s->rotation + i * 4, 1))
        odd |= 1u << DFY_SPLAT_ROTATION;
    if (rest && !all_within(s->rest + i * rest, rest, MAX_COLOUR)) odd |= 1u << DFY_SPLAT_SH;
    return odd;
}

/* ---------------------------------------------------------------- counting */

static int any_not_finite(const float *values, size_t count) {
    int found = 0;
    for (size_t i = 0; i < count; i++) found |= !isfinite(values[i]);
    return found;
}

static void count_odd(const DfySplats *s, size_t i, unsigned odd, DfySplatOddities *o) {
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    if (any_not_finite(s->xyz + i * 3, 3) || any_not_finite(s->rotation + i * 4, 4) ||
        any_not_finite(s->scale + i * 3, 3) || any_not_finite(s->dc + i * 3, 3) || isnan(s->opacity[i]) ||
        (rest && any_not_finite(s->rest + i * rest, rest))) {
        o->not_finite++;
        return;
    }
    o->position += odd >> DFY_SPLAT_POSITION & 1;
    o->rotation += odd >> DFY_SPLAT_ROTATION & 1;
    o->scale += odd >> DFY_SPLAT_SCALE & 1;
    o->colour += (odd >> DFY_SPLAT_DC | odd >> DFY_SPLAT_SH) & 1;
}

void dfy_splats_look(const DfySplats *s, DfySplatOddities *oddities) {
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    for (size_t from = 0; from < s->count; from += LOOKED_AT) {
        size_t to = s->count - from < LOOKED_AT ? s->count : from + LOOKED_AT;
        if (all_plain(s, from, to - from, rest)) continue;
        for (size_t i = from; i < to; i++) {
            unsigned odd = dfy_splat_odd(s, i);
            if (odd) count_odd(s, i, odd, oddities);
        }
    }
}

void dfy_splat_oddities_text(const DfySplatOddities *o, DfyMessage *text) {
    const struct {
        uint64_t count;
        const char *what;
    } parts[] = {{o->not_finite, "with NaN or infinity"},
                 {o->rotation, "without a rotation"},
                 {o->scale, "with a ln scale beyond 24"},
                 {o->position, "farther than 9e8 away"},
                 {o->colour, "with a colour coefficient beyond 64"}};
    size_t used = 0;
    text->text[0] = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].count || used >= sizeof text->text) continue;
        int wrote = snprintf(text->text + used, sizeof text->text - used, "%s%llu %s",
                             used ? ", " : "Splats: ", (unsigned long long)parts[i].count, parts[i].what);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    if (used && used + 1 < sizeof text->text) memcpy(text->text + used, ".", 2);
}

/* ---------------------------------------------------------------- stand-ins */

static void limit_all(float *values, size_t count, float limit, float stand_in) {
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i])) values[i] = stand_in;
        if (values[i] > limit) values[i] = limit;
        if (values[i] < -limit) values[i] = -limit;
    }
}

/* Infinite opacities mean something: fully there or not at all. */
static void tame_opacity(float *opacity) {
    limit_all(opacity, 1, MAX_OPACITY, -MAX_OPACITY);
}

static void tame_rotation(float q[4]) {
    static const float none[4] = {1, 0, 0, 0};
    double length = sqrt((double)q[0] * q[0] + (double)q[1] * q[1] + (double)q[2] * q[2] + (double)q[3] * q[3]);
    int direction = isfinite(length) && length >= MIN_QUATERNION;
    for (int k = 0; k < 4; k++) q[k] = direction ? (float)(q[k] / length) : none[k];
}

/* What is odd of splat i; a position becomes that of `near`. */
static void tame_one(DfySplats *s, size_t i, unsigned odd, const float near[3]) {
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    if (odd >> DFY_SPLAT_POSITION & 1) memcpy(s->xyz + i * 3, near, 3 * sizeof *near);
    if (odd >> DFY_SPLAT_ROTATION & 1) tame_rotation(s->rotation + i * 4);
    limit_all(s->scale + i * 3, 3, MAX_SCALE, NO_SIZE);
    limit_all(s->dc + i * 3, 3, MAX_COLOUR, 0);
    if (rest) limit_all(s->rest + i * rest, rest, MAX_COLOUR, 0);
    tame_opacity(s->opacity + i);
}

/* The first position that is a place; the origin when there is none. */
static void first_place(const DfySplats *s, float near[3]) {
    near[0] = near[1] = near[2] = 0;
    for (size_t i = 0; i < s->count; i++)
        if (all_within(s->xyz + i * 3, 3, MAX_COORDINATE)) {
            memcpy(near, s->xyz + i * 3, 3 * sizeof *near);
            return;
        }
}

int dfy_splats_tame(DfySplats *s, DfySplatPatches *odd, DfySplatOddities *oddities) {
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    float near[3];
    dfy_patches_clear(odd, rest);
    first_place(s, near);
    for (size_t from = 0; from < s->count; from += LOOKED_AT) {
        size_t to = s->count - from < LOOKED_AT ? s->count : from + LOOKED_AT;
        if (all_plain(s, from, to - from, rest)) continue;
        for (size_t i = from; i < to; i++) {
            unsigned bits = dfy_splat_odd(s, i);
            if (bits) {
                count_odd(s, i, bits, oddities);
                dfy_patches_add(odd, (uint32_t)i, bits, s, i);
            }
            tame_one(s, i, bits, near);
        }
    }
    return odd->failed ? DFY_ERROR_MEMORY : DFY_OK;
}

void dfy_splats_sanitise(DfySplats *s) {
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    float near[3];
    first_place(s, near);
    for (size_t from = 0; from < s->count; from += LOOKED_AT) {
        size_t to = s->count - from < LOOKED_AT ? s->count : from + LOOKED_AT;
        if (all_plain(s, from, to - from, rest)) continue;
        for (size_t i = from; i < to; i++) {
            unsigned bits = dfy_splat_odd(s, i);
            tame_one(s, i, bits, near);
            if (bits >> DFY_SPLAT_POSITION & 1) s->opacity[i] = -MAX_OPACITY; /* nowhere is not here */
        }
    }
}

static void make_numbers(float *values, size_t count, float limit, float stand_in) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i])) limit_all(&values[i], 1, limit, stand_in);
}

void dfy_splats_make_finite(DfySplats *s) {
    size_t rest = (size_t)dfy_splat_rest(s->degree) * 3;
    float near[3];
    first_place(s, near);
    for (size_t i = 0; i < s->count; i++) {
        unsigned odd = dfy_splat_odd(s, i);
        if (odd >> DFY_SPLAT_ROTATION & 1) tame_rotation(s->rotation + i * 4);
        if (any_not_finite(s->xyz + i * 3, 3)) {
            memcpy(s->xyz + i * 3, near, sizeof near);
            s->opacity[i] = -MAX_OPACITY;
        }
        make_numbers(s->scale + i * 3, 3, MAX_SCALE, NO_SIZE);
        make_numbers(s->dc + i * 3, 3, MAX_COLOUR, 0);
        if (rest) make_numbers(s->rest + i * rest, rest, MAX_COLOUR, 0);
        if (isnan(s->opacity[i])) s->opacity[i] = -MAX_OPACITY;
    }
}
