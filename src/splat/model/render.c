/*
 * Pictures of a model, and what each splat has to do with them: splats are projected as ellipses (M. Zwicker et al.,
 * "EWA splatting", 2002, as 3D Gaussian splatting does it) and blended from the nearest to the farthest, on one thread
 * and without haste: for measuring, not for playing.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "splat/model/appearance.h"

#define NEAREST 0.01f    /* of the camera's focal length in pixels over its width: nearer splats are not drawn */
#define BLUR 0.3f        /* squared pixels that each ellipse is wider, as renderers have it */
#define MOST_ALPHA 0.99f /* likewise */
#define LEAST_ALPHA (1.0f / 255)
#define OPAQUE 1e-4f /* what shines through where nothing more is drawn */

typedef struct Ellipse {
    float x, y, depth;
    float conic[3]; /* inverse covariance: xx xy yy */
    float alpha, reach[2];
    float most_power; /* of the exponent, up to where it counts */
    uint32_t splat;
} Ellipse;

/* ---------------------------------------------------------------- projection */

static float alpha_of(const DfySplats *s, size_t i) {
    return 1 / (1 + expf(-s->opacity[i]));
}

/* What no camera sees: numbers that are none, or hardly any alpha. */
static int is_visible(const DfySplats *s, size_t i) {
    float sum = s->xyz[i * 3] + s->xyz[i * 3 + 1] + s->xyz[i * 3 + 2];
    for (size_t k = 0; k < 4; k++) sum += s->rotation[i * 4 + k];
    for (size_t k = 0; k < 3; k++) sum += s->scale[i * 3 + k] + s->dc[i * 3 + k];
    return isfinite(sum) && alpha_of(s, i) >= LEAST_ALPHA;
}

/* The model's covariance as the camera's picture has it: J W C W' J', with J the projection's slope. */
static void project_covariance(float out[3], const float c[6], const DfySplatCamera *camera, const double at[3]) {
    double m[2][3], rows[2][3];
    for (size_t k = 0; k < 3; k++) {
        const double *w = camera->turn + k;
        m[0][k] = camera->focal[0] / at[2] * (w[0] - at[0] / at[2] * w[6]);
        m[1][k] = camera->focal[1] / at[2] * (w[3] - at[1] / at[2] * w[6]);
    }
    for (int r = 0; r < 2; r++) {
        rows[r][0] = m[r][0] * c[0] + m[r][1] * c[1] + m[r][2] * c[2];
        rows[r][1] = m[r][0] * c[1] + m[r][1] * c[3] + m[r][2] * c[4];
        rows[r][2] = m[r][0] * c[2] + m[r][1] * c[4] + m[r][2] * c[5];
    }
    for (int n = 0; n < 3; n++) {
        int a = n > 1, b = n > 0;
        out[n] = (float)(rows[a][0] * m[b][0] + rows[a][1] * m[b][1] + rows[a][2] * m[b][2]);
    }
}

/* 0 when nothing of it can be in the picture. */
static int project(Ellipse *e, const DfySplats *s, uint32_t i, const DfySplatCamera *camera) {
    double off[3], at[3];
    float c[6], flat[3];
    for (size_t k = 0; k < 3; k++) off[k] = s->xyz[(size_t)i * 3 + k] - camera->position[k];
    for (size_t k = 0; k < 3; k++)
        at[k] = camera->turn[k * 3] * off[0] + camera->turn[k * 3 + 1] * off[1] + camera->turn[k * 3 + 2] * off[2];
    if (!(at[2] > NEAREST * camera->focal[0] / camera->width)) return 0;
    dfy_splat_covariance(c, s->rotation + (size_t)i * 4, s->scale + (size_t)i * 3);
    project_covariance(flat, c, camera, at);
    float xx = flat[0] + BLUR, xy = flat[1], yy = flat[2] + BLUR, area = xx * yy - xy * xy;
    if (!(area > 0) || !isfinite(area)) return 0;
    e->alpha = alpha_of(s, i);
    float reach = sqrtf(2 * logf(e->alpha / LEAST_ALPHA)); /* in deviations: up to where it counts */
    e->most_power = 0.5f * reach * reach;
    e->conic[0] = yy / area;
    e->conic[1] = -xy / area;
    e->conic[2] = xx / area;
    e->reach[0] = reach * sqrtf(xx);
    e->reach[1] = reach * sqrtf(yy);
    e->x = (float)(camera->focal[0] * at[0] / at[2]) + 0.5f * (float)camera->width - 0.5f;
    e->y = (float)(camera->focal[1] * at[1] / at[2]) + 0.5f * (float)camera->height - 0.5f;
    e->depth = (float)at[2];
    e->splat = i;
    return e->x + e->reach[0] >= 0 && e->x - e->reach[0] <= (float)(camera->width - 1) && e->y + e->reach[1] >= 0 &&
           e->y - e->reach[1] <= (float)(camera->height - 1);
}

static int by_depth(const void *a, const void *b) {
    const Ellipse *x = a, *y = b;
    if (x->depth != y->depth) return x->depth < y->depth ? -1 : 1;
    return (x->splat > y->splat) - (x->splat < y->splat);
}

/* ---------------------------------------------------------------- blending */

typedef struct Canvas {
    const DfySplatCamera *camera;
    float *pixels;  /* red, green, blue; may be NULL */
    float *through; /* what still shines through */
} Canvas;

static int first_of(float from) {
    return from > 0 ? (int)ceilf(from) : 0;
}
static int last_of(float to, int size) {
    return to < (float)(size - 1) ? (int)floorf(to) : size - 1;
}

/* exp(-power) within 6e-6 of it, for powers from 0 to 80: most of the time goes into this. */
static inline float falloff(float power) {
    float x = power * -1.44269504f, part = x - (float)(int)(x - 0.5f); /* -0.5 .. 0.5 */
    int32_t bits = ((int)(x - 0.5f) + 127) * (1 << 23);
    float whole, t = part * 0.69314718f;
    memcpy(&whole, &bits, sizeof whole);
    return whole * (1 + t * (1 + t * (0.5f + t * (1.0f / 6 + t * (1.0f / 24 + t * (1.0f / 120))))));
}

/* Draws an ellipse behind what is there; returns the largest part it has in any pixel. */
static float draw(const Canvas *canvas, const Ellipse *e, const float colour[3]) {
    int width = canvas->camera->width, height = canvas->camera->height;
    int left = first_of(e->x - e->reach[0]), right = last_of(e->x + e->reach[0], width);
    int top = first_of(e->y - e->reach[1]), bottom = last_of(e->y + e->reach[1], height);
    float most = 0;
    for (int y = top; y <= bottom; y++)
        for (int x = left; x <= right; x++) {
            size_t at = (size_t)y * (size_t)width + (size_t)x;
            float through = canvas->through[at], dx = (float)x - e->x, dy = (float)y - e->y;
            if (through < OPAQUE) continue;
            float power = 0.5f * (e->conic[0] * dx * dx + e->conic[2] * dy * dy) + e->conic[1] * dx * dy;
            if (power < 0 || power > e->most_power) continue; /* the corners of the box around the ellipse */
            float alpha = fminf(e->alpha * falloff(power), MOST_ALPHA);
            most = fmaxf(most, through * alpha);
            for (size_t c = 0; canvas->pixels && c < 3; c++) canvas->pixels[at * 3 + c] += through * alpha * colour[c];
            canvas->through[at] = through * (1 - alpha);
        }
    return most;
}

int dfy_splats_render(const DfySplats *s, const DfySplatCamera *camera, float *pixels, float *seen,
                      DfyMessage *message) {
    if (camera->width < 1 || camera->height < 1 || camera->width > DFY_SPLAT_WIDEST_VIEW ||
        camera->height > DFY_SPLAT_WIDEST_VIEW || !(camera->focal[0] > 0) || !(camera->focal[1] > 0))
        return dfy_fail(message, DFY_ERROR_ARGUMENT, "A camera needs a focal length and a picture of 1 to %d pixels.",
                        DFY_SPLAT_WIDEST_VIEW);
    size_t area = (size_t)camera->width * (size_t)camera->height, count = 0;
    Canvas canvas = {camera, pixels, malloc(area * sizeof *canvas.through)};
    Ellipse *ellipses = malloc(((size_t)s->count + 1) * sizeof *ellipses);
    if (!canvas.through || !ellipses) {
        free(canvas.through);
        free(ellipses);
        return dfy_fail(message, DFY_ERROR_MEMORY, "There is no memory to draw a model of %u splats.", s->count);
    }
    for (size_t i = 0; i < area; i++) canvas.through[i] = 1;
    if (pixels) memset(pixels, 0, area * 3 * sizeof *pixels);
    for (uint32_t i = 0; i < s->count; i++) {
        int visible = is_visible(s, i);
        if (visible) count += (size_t)project(&ellipses[count], s, i, camera);
        if (!visible && seen) seen[i] = fmaxf(seen[i], 0);
    }
    qsort(ellipses, count, sizeof *ellipses, by_depth);
    const float eye[3] = {(float)camera->position[0], (float)camera->position[1], (float)camera->position[2]};
    for (size_t i = 0; i < count; i++) {
        float colour[3] = {0, 0, 0};
        if (pixels) dfy_splat_colour(colour, s, ellipses[i].splat, eye);
        for (int c = 0; c < 3; c++) colour[c] = fmaxf(colour[c], 0);
        float most = draw(&canvas, &ellipses[i], colour);
        if (seen) seen[ellipses[i].splat] = fmaxf(seen[ellipses[i].splat], most);
    }
    free(canvas.through);
    free(ellipses);
    return DFY_OK;
}

/* ---------------------------------------------------------------- cameras */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A middle that stray splats don't move, and the radius around it that holds 98 splats of 100. 0: there is no memory.
 */
static int bounds_of(const DfySplats *s, double centre[3], double *radius) {
    double *values = malloc(((size_t)s->count + 1) * sizeof *values);
    if (!values) return 0;
    for (size_t k = 0; k < 3; k++) {
        size_t n = 0;
        for (size_t i = 0; i < s->count; i++)
            if (isfinite(s->xyz[i * 3 + k])) values[n++] = s->xyz[i * 3 + k];
        qsort(values, n, sizeof *values, by_value);
        centre[k] = n ? values[n / 2] : 0;
    }
    size_t n = 0;
    for (size_t i = 0; i < s->count; i++) {
        double x = s->xyz[i * 3] - centre[0], y = s->xyz[i * 3 + 1] - centre[1], z = s->xyz[i * 3 + 2] - centre[2];
        double far = sqrt(x * x + y * y + z * z);
        if (isfinite(far)) values[n++] = far;
    }
    qsort(values, n, sizeof *values, by_value);
    *radius = n ? values[(n - 1) * 98 / 100] : 0;
    if (!(*radius > 0)) *radius = 1;
    free(values);
    return 1;
}

/* Looks from `direction` (of length 1) at the centre. */
static void look(DfySplatCamera *camera, const double centre[3], double radius, const double direction[3], int size) {
    static const double distance = 3, slope = 0.4; /* in radii; the picture is 2 x slope x distance of them wide */
    double *x = camera->turn, *y = camera->turn + 3, *z = camera->turn + 6;
    double flat = sqrt(direction[0] * direction[0] + direction[2] * direction[2]);
    for (size_t k = 0; k < 3; k++) {
        camera->position[k] = centre[k] + distance * radius * direction[k];
        z[k] = -direction[k];
    }
    x[0] = flat > 1e-6 ? z[2] / flat : 1;
    x[1] = 0;
    x[2] = flat > 1e-6 ? -z[0] / flat : 0;
    for (size_t k = 0; k < 3; k++) {
        size_t a = (k + 1) % 3, b = (k + 2) % 3;
        y[k] = z[a] * x[b] - z[b] * x[a];
    }
    camera->focal[0] = camera->focal[1] = size / (2 * slope);
    camera->width = camera->height = size;
}

int dfy_splat_cameras_around(DfySplatCamera *cameras, int count, int between, int size, const DfySplats *s) {
    double centre[3], radius;
    if (!bounds_of(s, centre, &radius)) return DFY_ERROR_MEMORY;
    for (int i = 0; i < count; i++) { /* Fibonacci's lattice: even over the sphere for any number */
        double at = (double)i + (between ? 1.0 : 0.5), height = 1 - 2 * at / (count + (between ? 1 : 0));
        double angle = at * 2.39996322972865332, wide = sqrt(fmax(0, 1 - height * height));
        look(&cameras[i], centre, radius, (const double[3]){wide * cos(angle), height, wide * sin(angle)}, size);
    }
    return DFY_OK;
}
