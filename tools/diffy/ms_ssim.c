#include "ms_ssim.h"

#include <math.h>
#include <stdlib.h>

enum { SCALES = 5, TAPS = 11, MAPS = 4 };

/* exp(-i^2 / (2 * 1.5^2)) for i = -5..5, scaled to a sum of 1. */
static const float gaussian[TAPS] = {0.00102838008f, 0.00759875813f, 0.0360007721f, 0.109360689f,
                                     0.213005537f,   0.266011724f,   0.213005537f,  0.109360689f,
                                     0.0360007721f,  0.00759875813f, 0.00102838008f};

static const double exponents[SCALES] = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};

/* Squares of float lose less around the middle of the range than around 255. */
#define MIDDLE 128.0f

typedef struct Scale {
    float *a, *b; /* less MIDDLE, rows without gaps */
    int width, height;
} Scale;

/* Down the columns: the means of a, b, a^2 + b^2 and a b, a row of each. */
static void weigh_columns(float *sums, const Scale *s, int y) {
    int width = s->width;
    for (int i = 0; i < MAPS * width; i++) sums[i] = 0;
    for (int t = 0; t < TAPS; t++) {
        const float *a = s->a + (ptrdiff_t)(y + t) * width, *b = s->b + (ptrdiff_t)(y + t) * width, w = gaussian[t];
        for (int x = 0; x < width; x++) sums[x] += w * a[x];
        for (int x = 0; x < width; x++) sums[width + x] += w * b[x];
        for (int x = 0; x < width; x++) sums[2 * width + x] += w * (a[x] * a[x] + b[x] * b[x]);
        for (int x = 0; x < width; x++) sums[3 * width + x] += w * a[x] * b[x];
    }
}

/* Along the row; the results stand where the sums' first TAPS columns did. */
static void weigh_row(float *sums, int width) {
    for (int x = 0; x + TAPS <= width; x++) {
        float sum = 0;
        for (int t = 0; t < TAPS; t++) sum += gaussian[t] * sums[x + t];
        sums[x] = sum;
    }
}

/* The mean over all windows of contrast and structure, and with luminance too. */
static void similarity(const Scale *s, float *sums, double *structure, double *whole) {
    const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
    int width = s->width, across = width - TAPS + 1, down = s->height - TAPS + 1;
    *structure = *whole = 0;
    for (int y = 0; y < down; y++) {
        weigh_columns(sums, s, y);
        for (int map = 0; map < MAPS; map++) weigh_row(sums + (ptrdiff_t)map * width, width);
        for (int x = 0; x < across; x++) {
            double a = sums[x], b = sums[width + x];
            double variances = sums[2 * width + x] - a * a - b * b, covariance = sums[3 * width + x] - a * b;
            double contrast = (2 * covariance + c2) / (variances + c2);
            a += MIDDLE;
            b += MIDDLE;
            *structure += contrast;
            *whole += contrast * (2 * a * b + c1) / (a * a + b * b + c1);
        }
    }
    *structure /= (double)across * down;
    *whole /= (double)across * down;
}

/* Means of 2x2; an odd last column or row is repeated. */
static void halve(float *out, const float *in, int width, int height) {
    for (int y = 0; y < height; y += 2)
        for (int x = 0; x < width; x += 2) {
            const float *p = in + (ptrdiff_t)y * width + x;
            ptrdiff_t right = x + 1 < width, below = y + 1 < height ? width : 0;
            *out++ = (p[0] + p[right] + p[below] + p[right + below]) / 4;
        }
}

static void load(float *out, const DfyPicture *picture) {
    for (int y = 0; y < picture->height; y++) {
        const uint8_t *row = picture->plane[0] + (ptrdiff_t)y * picture->stride_bytes[0];
        for (int x = 0; x < picture->width; x++) *out++ = (float)row[x] - MIDDLE;
    }
}

/* Pixels of a picture, and of it at the next scale. */
static size_t pixels_of(const DfyPicture *picture) {
    return (size_t)picture->width * (size_t)picture->height;
}
static size_t half_of(const DfyPicture *picture) {
    return ((size_t)picture->width + 1) / 2 * (((size_t)picture->height + 1) / 2);
}

static int make_room(MsSsim *m, const DfyPicture *picture) {
    if (m->pixels && m->width == picture->width && m->height == picture->height) return 1;
    free(m->pixels);
    m->width = picture->width;
    m->height = picture->height;
    size_t floats = 2 * pixels_of(picture) + 2 * half_of(picture) + MAPS * (size_t)picture->width;
    return (m->pixels = malloc(floats * sizeof(float))) != NULL;
}

static int scales_of(int width, int height) {
    int scales = 0;
    for (; scales < SCALES && width >= TAPS && height >= TAPS; scales++) {
        width = (width + 1) / 2;
        height = (height + 1) / 2;
    }
    return scales;
}

double measure_ms_ssim(MsSsim *m, const DfyPicture *a, const DfyPicture *b) {
    int scales = scales_of(a->width, a->height);
    if (!scales) return NAN;
    if (!make_room(m, a)) return -1;
    size_t pixels = pixels_of(a), half = half_of(a);
    Scale now = {m->pixels, m->pixels + pixels, a->width, a->height};
    Scale next = {m->pixels + 2 * pixels, m->pixels + 2 * pixels + half, 0, 0};
    float *sums = m->pixels + 2 * pixels + 2 * half;
    double product = 1, used = 0, structure, whole;
    load(now.a, a);
    load(now.b, b);
    for (int i = 0; i < scales; i++) used += exponents[i];
    for (int i = 0; i < scales; i++) {
        similarity(&now, sums, &structure, &whole);
        double value = i + 1 < scales ? structure : whole;
        product *= pow(value > 0 ? value : 0, exponents[i] / used);
        if (i + 1 == scales) break;
        next.width = (now.width + 1) / 2;
        next.height = (now.height + 1) / 2;
        halve(next.a, now.a, now.width, now.height);
        halve(next.b, now.b, now.width, now.height);
        Scale free_now = now;
        now = next;
        next = free_now;
    }
    return product;
}

void ms_ssim_free(MsSsim *m) {
    free(m->pixels);
    *m = (MsSsim){0};
}
