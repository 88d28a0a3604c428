#include "dsp/colour.h"

#include <math.h>
#include <string.h>

#include "base/numbers.h"
#include "base/picture.h"
#include "dsp/rgb_kernels.h"

#define FRACTION DFY_COLOUR_FRACTION
#define HALF DFY_COLOUR_HALF
#define TILE 512 /* pixels converted at a time: they stay in the first-level cache */

DfyMatrix dfy_colour_resolve(DfyMatrix matrix, int height) {
    if (matrix == DFY_MATRIX_BT709 || matrix == DFY_MATRIX_BT601 || matrix == DFY_MATRIX_BT2020) return matrix;
    return height < 720 ? DFY_MATRIX_BT601 : DFY_MATRIX_BT709;
}

static int16_t fixed(double value) {
    return (int16_t)lrint(value * (1 << FRACTION));
}

void dfy_colour_init(DfyColour *colour, DfyMatrix matrix, DfyRange range, int height) {
    DfyMatrix known = dfy_colour_resolve(matrix, height);
    double kr = known == DFY_MATRIX_BT709 ? 0.2126 : known == DFY_MATRIX_BT2020 ? 0.2627 : 0.299;
    double kb = known == DFY_MATRIX_BT709 ? 0.0722 : known == DFY_MATRIX_BT2020 ? 0.0593 : 0.114;
    double kg = 1 - kr - kb;
    double luma = range == DFY_RANGE_FULL ? 1 : 219.0 / 255, chroma = range == DFY_RANGE_FULL ? 1 : 224.0 / 255;
    *colour = (DfyColour){
        .y_scale = fixed(1 / luma),
        .r_from_v = fixed(2 * (1 - kr) / chroma),
        .g_from_u = fixed(-2 * (1 - kb) * kb / kg / chroma),
        .g_from_v = fixed(-2 * (1 - kr) * kr / kg / chroma),
        .b_from_u = fixed(2 * (1 - kb) / chroma),
        .to_y = {fixed(kr * luma), 0, fixed(kb * luma)},
        .to_u = {fixed(-kr / (2 * (1 - kb)) * chroma), 0, fixed(0.5 * chroma)},
        .to_v = {fixed(0.5 * chroma), 0, fixed(-kb / (2 * (1 - kr)) * chroma)},
        .y_offset = range == DFY_RANGE_FULL ? 0 : 16,
    };
    /* Green takes what rounding left, so that greys stay grey and white stays white. */
    colour->to_y[1] = (int16_t)(fixed(luma) - colour->to_y[0] - colour->to_y[2]);
    colour->to_u[1] = (int16_t)(-colour->to_u[0] - colour->to_u[2]);
    colour->to_v[1] = (int16_t)(-colour->to_v[0] - colour->to_v[2]);
}

/* ---------------------------------------------------------------- to RGB */

static void to_rgb(DfyPicture *dst, const DfyPicture *src, const DfyColour *colour) {
    const DfyRgbKernels *kernels = dfy_rgb_kernels();
    uint8_t tile[3 * TILE];
    for (int row = 0; row < src->height; row++) {
        uint8_t *out = dfy_picture_pixels(dst, 0) + row * dst->stride_bytes[0];
        const uint8_t *y = src->plane[0] + row * src->stride_bytes[0];
        const uint8_t *u = src->plane[1] + (row / 2) * src->stride_bytes[1];
        const uint8_t *v = src->plane[2] + (row / 2) * src->stride_bytes[2];
        if (dst->format != DFY_PIXELS_RGBA) {
            kernels->row_to_rgb(out, y, u, v, src->width, colour);
            continue;
        }
        for (int x = 0; x < src->width; x += TILE) {
            int count = src->width - x < TILE ? src->width - x : TILE;
            kernels->row_to_rgb(tile, y + x, u + x / 2, v + x / 2, count, colour);
            for (int i = 0; i < count; i++, out += 4)
                out[0] = tile[3 * i], out[1] = tile[3 * i + 1], out[2] = tile[3 * i + 2], out[3] = 255;
        }
    }
}

/* ---------------------------------------------------------------- from RGB */

static inline int dot(const int16_t factors[3], int r, int g, int b) {
    return factors[0] * r + factors[1] * g + factors[2] * b;
}

static void luma_row(uint8_t *restrict y, const uint8_t *restrict rgb, int step, int width, const DfyColour *colour) {
    const int base = (colour->y_offset << FRACTION) + HALF;
    for (int x = 0; x < width; x++, rgb += step)
        y[x] = dfy_clamp_pixel((base + dot(colour->to_y, rgb[0], rgb[1], rgb[2])) >> FRACTION);
}

/* One chroma row from two RGB rows (the same twice at an odd bottom edge); sums of four, so two bits more. */
static void chroma_row(uint8_t *u, uint8_t *v, const uint8_t *above, const uint8_t *below, int step, int width,
                       const DfyColour *colour) {
    const int base = (128 << (FRACTION + 2)) + (HALF << 2);
    for (int x = 0; x < width; x += 2, above += 2 * step, below += 2 * step) {
        int right = x + 1 < width ? step : 0, sum[3];
        for (int c = 0; c < 3; c++) sum[c] = above[c] + above[right + c] + below[c] + below[right + c];
        u[x / 2] = dfy_clamp_pixel((base + dot(colour->to_u, sum[0], sum[1], sum[2])) >> (FRACTION + 2));
        v[x / 2] = dfy_clamp_pixel((base + dot(colour->to_v, sum[0], sum[1], sum[2])) >> (FRACTION + 2));
    }
}

static void from_rgb(DfyPicture *dst, const DfyPicture *src, const DfyColour *colour) {
    const int step = src->format == DFY_PIXELS_RGBA ? 4 : 3;
    for (int row = 0; row < src->height; row++)
        luma_row(dfy_picture_pixels(dst, 0) + row * dst->stride_bytes[0], src->plane[0] + row * src->stride_bytes[0],
                 step, src->width, colour);
    for (int row = 0; row < src->height; row += 2) {
        const uint8_t *above = src->plane[0] + row * src->stride_bytes[0];
        const uint8_t *below = row + 1 < src->height ? above + src->stride_bytes[0] : above;
        chroma_row(dfy_picture_pixels(dst, 1) + row / 2 * dst->stride_bytes[1],
                   dfy_picture_pixels(dst, 2) + row / 2 * dst->stride_bytes[2], above, below, step, src->width, colour);
    }
}

/* ---------------------------------------------------------------- between pictures */

static void repack_rgb(DfyPicture *dst, const DfyPicture *src) {
    const int in = src->format == DFY_PIXELS_RGBA ? 4 : 3, out = dst->format == DFY_PIXELS_RGBA ? 4 : 3;
    for (int row = 0; row < src->height; row++) {
        const uint8_t *from = src->plane[0] + row * src->stride_bytes[0];
        uint8_t *to = dfy_picture_pixels(dst, 0) + row * dst->stride_bytes[0];
        for (int x = 0; x < src->width; x++, from += in, to += out) {
            to[0] = from[0], to[1] = from[1], to[2] = from[2];
            if (out == 4) to[3] = 255;
        }
    }
}

/* From one matrix or range to another, by way of RGB. */
static int recolour(DfyPicture *dst, const DfyPicture *src) {
    DfyPicture rgb;
    int status = dfy_picture_alloc(&rgb, DFY_PIXELS_RGB, src->width, src->height);
    if (status) return status;
    DfyColour colour;
    dfy_colour_init(&colour, src->matrix, src->range, src->height);
    to_rgb(&rgb, src, &colour);
    dfy_colour_init(&colour, dst->matrix, dst->range, dst->height);
    from_rgb(dst, &rgb, &colour);
    dfy_picture_free(&rgb);
    return DFY_OK;
}

/* A dst of unknown matrix takes src's colour as it is. */
static int i420_to_i420(DfyPicture *dst, const DfyPicture *src) {
    DfyMatrix matrix = dst->matrix;
    DfyRange range = dst->range;
    int same =
        dfy_colour_resolve(matrix, dst->height) == dfy_colour_resolve(src->matrix, src->height) && range == src->range;
    if (matrix != DFY_MATRIX_UNKNOWN && !same) return recolour(dst, src);
    dfy_picture_copy(dst, src);
    if (matrix != DFY_MATRIX_UNKNOWN) dst->matrix = matrix;
    return DFY_OK;
}

int dfy_colour_convert(DfyPicture *dst, const DfyPicture *src) {
    dst->pts = src->pts;
    if (dst->format == DFY_PIXELS_I420 && src->format == DFY_PIXELS_I420) return i420_to_i420(dst, src);
    if (dst->format != DFY_PIXELS_I420 && src->format != DFY_PIXELS_I420) {
        repack_rgb(dst, src);
        return DFY_OK;
    }
    const DfyPicture *yuv = dst->format == DFY_PIXELS_I420 ? dst : src;
    DfyColour colour;
    dfy_colour_init(&colour, yuv->matrix, yuv->range, yuv->height);
    if (dst->format == DFY_PIXELS_I420)
        from_rgb(dst, src, &colour);
    else
        to_rgb(dst, src, &colour);
    return DFY_OK;
}
