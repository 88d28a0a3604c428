#include "splat_view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SH_C0 0.28209479177387814f

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

/* R S S' R' of a splat's rotation and scales, the upper half: xx xy xz yy yz zz. */
static void covariance(float out[6], const float *rotation, const float *scale) {
    float w = rotation[0], x = rotation[1], y = rotation[2], z = rotation[3];
    float length = sqrtf(w * w + x * x + y * y + z * z), s = length > 0 ? 1 / length : 0;
    w *= s, x *= s, y *= s, z *= s;
    const float r[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
                           {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
                           {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
    float variance[3];
    for (int k = 0; k < 3; k++) variance[k] = expf(2 * scale[k]);
    int n = 0;
    for (int i = 0; i < 3; i++)
        for (int j = i; j < 3; j++, n++) {
            out[n] = 0;
            for (int k = 0; k < 3; k++) out[n] += r[i][k] * variance[k] * r[j][k];
        }
}

const uint32_t *splat_view_shapes(SplatView *view, const DfySplats *splats) {
    if (make_room(view, splats->count)) return NULL;
    for (size_t i = 0; i < splats->count; i++) {
        uint32_t *out = view->shapes + i * 8;
        float c[6];
        covariance(c, splats->rotation + i * 4, splats->scale + i * 3);
        float factor = fmaxf(fmaxf(c[0], c[3]), c[5]), part = factor > 0 ? 1 / factor : 0;
        for (int k = 0; k < 3; k++) out[k] = float_bits(splats->xyz[i * 3 + (size_t)k]);
        out[3] = float_bits(factor);
        for (int k = 0; k < 3; k++) out[4 + k] = half_of(c[2 * k] * part) | half_of(c[2 * k + 1] * part) << 16;
        out[7] = 0;
    }
    return view->shapes;
}

/* ---------------------------------------------------------------- colours */

#define HARMONICS 24 /* beyond the first, to degree 4 */

/* The spherical harmonics beyond the first, up to degree 4, in a direction (of length 1 or 0); INRIA's order and signs.
 */
static void harmonics(float out[HARMONICS], int degree, float x, float y, float z) {
    out[0] = -0.4886025f * y;
    out[1] = 0.4886025f * z;
    out[2] = -0.4886025f * x;
    if (degree < 2) return;
    float xx = x * x, yy = y * y, zz = z * z;
    out[3] = 1.0925484f * x * y;
    out[4] = -1.0925484f * y * z;
    out[5] = 0.3153916f * (2 * zz - xx - yy);
    out[6] = -1.0925484f * x * z;
    out[7] = 0.5462742f * (xx - yy);
    if (degree < 3) return;
    out[8] = -0.5900436f * y * (3 * xx - yy);
    out[9] = 2.8906114f * x * y * z;
    out[10] = -0.4570458f * y * (4 * zz - xx - yy);
    out[11] = 0.3731763f * z * (2 * zz - 3 * xx - 3 * yy);
    out[12] = -0.4570458f * x * (4 * zz - xx - yy);
    out[13] = 1.4453057f * z * (xx - yy);
    out[14] = -0.5900436f * x * (xx - 3 * yy);
    if (degree < 4) return;
    out[15] = 2.5033430f * x * y * (xx - yy);
    out[16] = -1.7701308f * y * z * (3 * xx - yy);
    out[17] = 0.9461747f * x * y * (7 * zz - 1);
    out[18] = -0.6690465f * y * z * (7 * zz - 3);
    out[19] = 0.1057855f * (zz * (35 * zz - 30) + 3);
    out[20] = -0.6690465f * x * z * (7 * zz - 3);
    out[21] = 0.4730873f * (xx - yy) * (7 * zz - 1);
    out[22] = -1.7701308f * x * z * (xx - 3 * yy);
    out[23] = 0.6258357f * (xx * (xx - 3 * yy) - yy * (3 * xx - yy));
}

static uint8_t level(float value) {
    return value >= 1 ? 255 : value > 0 ? (uint8_t)(value * 255 + 0.5f) : 0;
}

const uint8_t *splat_view_colours(SplatView *view, const DfySplats *splats, const float eye[3]) {
    int rest = dfy_splat_rest(splats->degree);
    if (make_room(view, splats->count)) return NULL;
    for (size_t i = 0; i < splats->count; i++) {
        const float *at = splats->xyz + i * 3;
        float x = at[0] - eye[0], y = at[1] - eye[1], z = at[2] - eye[2], h[HARMONICS];
        float length = sqrtf(x * x + y * y + z * z), s = length > 0 ? 1 / length : 0;
        if (rest) harmonics(h, splats->degree, x * s, y * s, z * s);
        for (int c = 0; c < 3; c++) {
            float colour = 0.5f + SH_C0 * splats->dc[i * 3 + (size_t)c];
            const float *coefficients = rest ? splats->rest + (i * 3 + (size_t)c) * (size_t)rest : NULL;
            for (int k = 0; k < rest; k++) colour += h[k] * coefficients[k];
            view->colours[i * 4 + (size_t)c] = level(colour);
        }
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
