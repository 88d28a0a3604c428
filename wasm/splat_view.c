#include "splat_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "splat/model/appearance.h"

void splat_view_free(SplatView *view) {
    free(view->shapes);
    free(view->order);
    free(view->depths);
    free(view->colours);
    *view = (SplatView){0};
}

static int make_room(SplatView *view, uint32_t count) {
    if (count <= view->capacity) return DFY_OK;
    splat_view_free(view);
    view->shapes = malloc((size_t)count * 8 * sizeof *view->shapes);
    view->order = malloc((size_t)count * sizeof *view->order);
    view->depths = malloc((size_t)count * sizeof *view->depths);
    view->colours = malloc((size_t)count * 4);
    if (!view->shapes || !view->order || !view->depths || !view->colours) {
        splat_view_free(view);
        return DFY_ERROR_MEMORY;
    }
    view->capacity = count;
    return DFY_OK;
}

/* ---------------------------------------------------------------- shapes */

static uint32_t float_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Half float of a number of at most 1; what is too small for one becomes 0. */
static uint32_t half_of(float value) {
    uint32_t bits = float_bits(value), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude < 0x38800000) return sign; /* below 2^-14 */
    return sign | (magnitude - 0x38000000 + 0x1000) >> 13;
}

const uint32_t *splat_view_shapes(SplatView *view, const DfySplats *splats) {
    if (make_room(view, splats->count)) return NULL;
    for (size_t i = 0; i < splats->count; i++) {
        uint32_t *out = view->shapes + i * 8;
        float c[6];
        dfy_splat_covariance(c, splats->rotation + i * 4, splats->scale + i * 3);
        float factor = fmaxf(fmaxf(c[0], c[3]), c[5]), part = factor > 0 ? 1 / factor : 0;
        for (int k = 0; k < 3; k++) out[k] = float_bits(splats->xyz[i * 3 + (size_t)k]);
        out[3] = float_bits(factor);
        for (int k = 0; k < 3; k++) out[4 + k] = half_of(c[2 * k] * part) | half_of(c[2 * k + 1] * part) << 16;
        out[7] = 0;
    }
    return view->shapes;
}

/* ---------------------------------------------------------------- colours */

static uint8_t level(float value) {
    return value >= 1 ? 255 : value > 0 ? (uint8_t)(value * 255 + 0.5f) : 0;
}

const uint8_t *splat_view_colours(SplatView *view, const DfySplats *splats, const float eye[3]) {
    if (make_room(view, splats->count)) return NULL;
    for (size_t i = 0; i < splats->count; i++) {
        float colour[3];
        dfy_splat_colour(colour, splats, i, eye);
        for (size_t c = 0; c < 3; c++) view->colours[i * 4 + c] = level(colour[c]);
        view->colours[i * 4 + 3] = level(1 / (1 + expf(-splats->opacity[i])));
    }
    return view->colours;
}

/* ---------------------------------------------------------------- order */

static float depth_of(const float *at, const float forward[3]) {
    return at[0] * forward[0] + at[1] * forward[1] + at[2] * forward[2];
}

/* A counting sort of depths in 65,536 steps. */
const uint32_t *splat_view_order(SplatView *view, const DfySplats *splats, const float forward[3]) {
    static uint32_t starts[65537];
    uint32_t count = splats->count;
    if (make_room(view, count)) return NULL;
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        float depth = depth_of(splats->xyz + i * 3, forward);
        low = fminf(low, depth);
        high = fmaxf(high, depth);
    }
    float steps = high > low ? 65535 / (high - low) : 0;
    memset(starts, 0, sizeof starts);
    for (size_t i = 0; i < count; i++) {
        float far = (high - depth_of(splats->xyz + i * 3, forward)) * steps;
        uint16_t step = far >= 65535 ? 65535 : far > 0 ? (uint16_t)far : 0;
        view->depths[i] = step;
        starts[step + 1]++;
    }
    for (size_t i = 0; i < 65536; i++) starts[i + 1] += starts[i];
    for (uint32_t i = 0; i < count; i++) view->order[starts[view->depths[i]]++] = i;
    return view->order;
}

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

int splat_view_bounds(SplatView *view, const DfySplats *splats, double bounds[4]) {
    size_t n = splats->count;
    memset(bounds, 0, 4 * sizeof *bounds);
    if (make_room(view, splats->count)) return DFY_ERROR_MEMORY;
    if (!n) return DFY_OK;
    float *values = (float *)view->order; /* of the same size, and made anew for every drawing */
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < n; i++) values[i] = splats->xyz[i * 3 + k];
        qsort(values, n, sizeof *values, compare_floats);
        bounds[k] = (double)values[n / 2];
    }
    for (size_t i = 0; i < n; i++) {
        float sum = 0;
        for (size_t k = 0; k < 3; k++) {
            float d = splats->xyz[i * 3 + k] - (float)bounds[k];
            sum += d * d;
        }
        values[i] = sqrtf(sum);
    }
    qsort(values, n, sizeof *values, compare_floats);
    bounds[3] = (double)values[n * 9 / 10];
    return DFY_OK;
}
