/* PSNR and SSIM, in integers as far as they go. */
#include "measure.h"

#include <math.h>

static uint64_t plane_error(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width,
                            int height) {
    uint64_t sum = 0;
    for (int y = 0; y < height; y++, a += a_stride, b += b_stride) {
        uint32_t row = 0; /* at most 8192 x 255^2 */
        for (int x = 0; x < width; x++) {
            int d = a[x] - b[x];
            row += (uint32_t)(d * d);
        }
        sum += row;
    }
    return sum;
}

void measure_squared_error(Measure *measure, const DfyPicture *a, const DfyPicture *b) {
    for (int i = 0; i < 3; i++) {
        int width = i ? (a->width + 1) / 2 : a->width, height = i ? (a->height + 1) / 2 : a->height;
        measure->squared_error[i] =
            plane_error(a->plane[i], a->stride_bytes[i], b->plane[i], b->stride_bytes[i], width, height);
        measure->samples[i] = (uint64_t)width * (uint64_t)height;
    }
}

void measure_add(Measure *total, const Measure *measure) {
    for (int i = 0; i < 3; i++) {
        total->squared_error[i] += measure->squared_error[i];
        total->samples[i] += measure->samples[i];
    }
    total->ssim_sum += measure->ssim_sum;
    total->windows += measure->windows;
}

double measure_mse(const Measure *measure, int plane) {
    return measure->samples[plane] ? (double)measure->squared_error[plane] / (double)measure->samples[plane] : 0;
}

double measure_psnr(const Measure *measure, int plane) {
    double mse = measure_mse(measure, plane);
    return mse > 0 ? 10 * log10(255.0 * 255.0 / mse) : INFINITY;
}

/* SSIM of one window. */
static double window_ssim(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width,
                          int height) {
    uint32_t sum_a = 0, sum_b = 0, sum_squares = 0, sum_products = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            uint32_t p = a[y * a_stride + x], q = b[y * b_stride + x];
            sum_a += p;
            sum_b += q;
            sum_squares += p * p + q * q;
            sum_products += p * q;
        }
    const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
    double n = width * height, mean_a = sum_a / n, mean_b = sum_b / n;
    double variances = sum_squares / n - mean_a * mean_a - mean_b * mean_b;
    double covariance = sum_products / n - mean_a * mean_b;
    return (2 * mean_a * mean_b + c1) * (2 * covariance + c2) /
           ((mean_a * mean_a + mean_b * mean_b + c1) * (variances + c2));
}

enum { WINDOW = 8, STEP = 4 };

/* Sums up the windows within a rectangle of luma; returns how many there are. A picture may be smaller than a window.
 */
static uint64_t add_windows(double *sum, const DfyPicture *a, const DfyPicture *b, const int rectangle[4]) {
    int width = a->width < WINDOW ? a->width : WINDOW, height = a->height < WINDOW ? a->height : WINDOW;
    uint64_t windows = 0;
    for (int y = rectangle[1]; y + height <= rectangle[1] + rectangle[3]; y += STEP)
        for (int x = rectangle[0]; x + width <= rectangle[0] + rectangle[2]; x += STEP, windows++)
            *sum += window_ssim(a->plane[0] + (ptrdiff_t)y * a->stride_bytes[0] + x, a->stride_bytes[0],
                                b->plane[0] + (ptrdiff_t)y * b->stride_bytes[0] + x, b->stride_bytes[0], width, height);
    return windows;
}

double measure_ssim(const DfyPicture *a, const DfyPicture *b) {
    const int whole[4] = {0, 0, a->width, a->height};
    double sum = 0;
    uint64_t windows = add_windows(&sum, a, b, whole);
    return sum / (double)windows;
}

enum { BLOCK = 16, MOVING_LEVELS = 4 };

void measure_moving(Measure *measure, const uint8_t *before, const DfyPicture *a, const DfyPicture *b) {
    *measure = (Measure){0};
    for (int y0 = 0; y0 < a->height; y0 += BLOCK)
        for (int x0 = 0; x0 < a->width; x0 += BLOCK) {
            int bottom = y0 + BLOCK < a->height ? y0 + BLOCK : a->height;
            int right = x0 + BLOCK < a->width ? x0 + BLOCK : a->width, size = (bottom - y0) * (right - x0);
            uint64_t moved = 0, error = 0;
            for (int y = y0; y < bottom; y++)
                for (int x = x0; x < right; x++) {
                    int value = a->plane[0][y * a->stride_bytes[0] + x], change = value - before[y * a->width + x];
                    int d = value - b->plane[0][y * b->stride_bytes[0] + x];
                    moved += (uint64_t)(change < 0 ? -change : change);
                    error += (uint64_t)(d * d);
                }
            if (moved < (uint64_t)MOVING_LEVELS * (uint64_t)size) continue;
            measure->squared_error[0] += error;
            measure->samples[0] += (uint64_t)size;
            const int block[4] = {x0, y0, right - x0, bottom - y0};
            measure->windows += add_windows(&measure->ssim_sum, a, b, block);
        }
}
