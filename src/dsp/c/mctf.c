/* Loops of the motion-compensated temporal filter, as plain C; the reference for the vector versions. */
#include <stdlib.h>

#include "dsp/reference.h"

/* 64 exp(-(d / sigma)^2 / 2), in steps of sigma / 8. */
static const uint8_t bell[32] = {64, 64, 62, 60, 56, 53, 48, 44, 39, 34, 29, 25, 21, 17, 14, 11,
                                 9,  7,  5,  4,  3,  2,  1,  1,  1,  0,  0,  0,  0,  0,  0,  0};

void dfy_mctf_weigh(DfyMctfWeights *weights, int sigma, int strength) {
    weights->scale = (uint16_t)((64 << 12) / sigma + 1);
    for (int i = 0; i < 32; i++) weights->bell[i] = (uint8_t)((bell[i] * strength + 32) / 64);
}

void dfy_mctf_add_c(uint16_t *sum, uint16_t *weight, const uint8_t *own, ptrdiff_t stride, const uint8_t *other,
                    int width, int height, const DfyMctfWeights *weights) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int at = y * DFY_MCTF_SIDE + x, difference = abs(own[y * stride + x] - other[at]);
            int step = difference * 16 * weights->scale >> 16, w = weights->bell[step < 31 ? step : 31];
            sum[at] = (uint16_t)(sum[at] + w * other[at]);
            weight[at] = (uint16_t)(weight[at] + w);
        }
}

void dfy_mctf_mean_c(uint8_t *dst, ptrdiff_t dst_stride, const uint8_t *own, ptrdiff_t stride, const uint16_t *sum,
                     const uint16_t *weight, int width, int height) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int at = y * DFY_MCTF_SIDE + x, all = weight[at] + 64;
            dst[y * dst_stride + x] = (uint8_t)((sum[at] + 64 * own[y * stride + x] + all / 2) / all);
        }
}
