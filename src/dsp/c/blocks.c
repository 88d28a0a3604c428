/* The reference's table, and the reference for what has no file of its own. */
#include "dsp/kernels.h"

#include <stdlib.h>

#include "dsp/reference.h"

static uint32_t sad(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height) {
    uint32_t sum = 0;
    for (int y = 0; y < height; y++, a += a_stride, b += b_stride)
        for (int x = 0; x < width; x++) sum += (uint32_t)abs(a[x] - b[x]);
    return sum;
}

static uint32_t sse(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width, int height) {
    uint32_t sum = 0;
    for (int y = 0; y < height; y++, a += a_stride, b += b_stride)
        for (int x = 0; x < width; x++) {
            int d = a[x] - b[x];
            sum += (uint32_t)(d * d);
        }
    return sum;
}

static void hadamard(int32_t *v, int count, int step) {
    for (int half = 1; half < count; half *= 2)
        for (int i = 0; i < count; i += 2 * half)
            for (int j = i; j < i + half; j++) {
                int32_t a = v[j * step], b = v[(j + half) * step];
                v[j * step] = a + b;
                v[(j + half) * step] = a - b;
            }
}

static uint32_t satd_block(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int side) {
    int32_t v[64];
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) v[y * side + x] = a[y * a_stride + x] - b[y * b_stride + x];
    for (int i = 0; i < side; i++) hadamard(v + i * side, side, 1);
    for (int i = 0; i < side; i++) hadamard(v + i, side, side);
    uint32_t sum = 0;
    for (int i = 0; i < side * side; i++) sum += (uint32_t)abs(v[i]);
    return side == 8 ? (sum + 2) >> 2 : (sum + 1) >> 1;
}

static uint32_t satd(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride, int width,
                     int height) {
    int side = (width | height) & 7 ? 4 : 8;
    uint32_t sum = 0;
    for (int y = 0; y < height; y += side)
        for (int x = 0; x < width; x += side)
            sum += satd_block(a + y * a_stride + x, a_stride, b + y * b_stride + x, b_stride, side);
    return sum;
}

static void store(uint8_t *dst, ptrdiff_t stride, const int16_t *a, int width, int height) {
    for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x++) dst[x] = dfy_clamp_pixel((a[x] + 32) >> 6);
}

static void store_mean(uint8_t *dst, ptrdiff_t stride, const int16_t *a, const int16_t *b, int width, int height) {
    for (int y = 0; y < height; y++, dst += stride, a += DFY_BLEND_STRIDE, b += DFY_BLEND_STRIDE)
        for (int x = 0; x < width; x++) dst[x] = dfy_clamp_pixel((a[x] + b[x] + 64) >> 7);
}

static void mean(uint8_t *dst, ptrdiff_t stride, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b,
                 ptrdiff_t b_stride, int width, int height) {
    for (int y = 0; y < height; y++, dst += stride, a += a_stride, b += b_stride)
        for (int x = 0; x < width; x++) dst[x] = (uint8_t)((a[x] + b[x] + 1) >> 1);
}

static void subtract(int16_t *residual, const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride,
                     int width, int height) {
    for (int y = 0; y < height; y++, a += a_stride, b += b_stride, residual += width)
        for (int x = 0; x < width; x++) residual[x] = (int16_t)(a[x] - b[x]);
}

static void add(uint8_t *dst, ptrdiff_t stride, const int16_t *residual, int width, int height) {
    for (int y = 0; y < height; y++, dst += stride, residual += width)
        for (int x = 0; x < width; x++) dst[x] = dfy_clamp_pixel(dst[x] + residual[x]);
}

static int nonzero_mask(uint16_t *masks, const int16_t *coefficients, int side, int least) {
    static const uint8_t places[16] = {0, 2, 5, 9, 1, 4, 8, 12, 3, 7, 11, 14, 6, 10, 13, 15}; /* of 4 * y + x */
    int any = 0;
    for (int y = 0; y < side; y += 4)
        for (int x = 0; x < side; x += 4, masks++) {
            *masks = 0;
            for (int i = 0; i < 16; i++)
                if (abs(coefficients[(y + i / 4) * side + x + i % 4]) >= least) *masks |= (uint16_t)(1 << places[i]);
            any |= *masks;
        }
    return any != 0;
}

static void intra_angular(uint8_t *dst, ptrdiff_t stride, const uint8_t *line, int side, int angle) {
    for (int y = 0; y < side; y++, dst += stride) {
        int position = (y + 1) * angle, fraction = position & 31;
        const uint8_t *from = line + (position >> 5);
        for (int x = 0; x < side; x++)
            dst[x] = (uint8_t)(((32 - fraction) * from[x] + fraction * from[x + 1] + 16) >> 5);
    }
}

static void transpose(uint8_t *dst, ptrdiff_t stride, const uint8_t *block, int side) {
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) dst[y * stride + x] = block[x * side + y];
}

static void scale(uint8_t *dst, const uint8_t *src, int count, int factor, int add) {
    dfy_scale_pixels(dst, src, count, factor, add);
}

static const DfyKernels reference = {sad,
                                     sse,
                                     satd,
                                     dfy_interpolate_luma,
                                     dfy_interpolate_chroma,
                                     store,
                                     store_mean,
                                     mean,
                                     dfy_bdof_mean,
                                     subtract,
                                     add,
                                     dfy_transform_forward,
                                     dfy_transform_inverse,
                                     nonzero_mask,
                                     intra_angular,
                                     transpose,
                                     dfy_edge_direction,
                                     dfy_filter_directed,
                                     dfy_alf_block,
                                     dfy_alf_statistics,
                                     dfy_deblock_luma,
                                     scale,
                                     dfy_mctf_add_c,
                                     dfy_mctf_mean_c};

const DfyKernels *dfy_kernels_c(void) {
    return &reference;
}
