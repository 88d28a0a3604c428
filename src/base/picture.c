#include "base/picture.h"

#include <stdlib.h>
#include <string.h>

size_t dfy_plane_row_bytes(const DfyPicture *picture, int plane) {
    size_t width = (size_t)picture->width;
    switch (picture->format) {
    case DFY_PIXELS_RGB: return width * 3;
    case DFY_PIXELS_RGBA: return width * 4;
    default: return plane ? (width + 1) / 2 : width;
    }
}

int dfy_plane_rows(const DfyPicture *picture, int plane) {
    return plane && picture->format == DFY_PIXELS_I420 ? dfy_chroma_size(picture->height) : picture->height;
}

static size_t padded(size_t bytes) {
    return (bytes + DFY_ROW_ALIGNMENT - 1) / DFY_ROW_ALIGNMENT * DFY_ROW_ALIGNMENT;
}

/* Lays out strides and returns the bytes of all planes; offsets may be NULL. */
static size_t lay_out(DfyPicture *picture, size_t offsets[3]) {
    size_t total = 0;
    for (int i = 0; i < dfy_plane_count(picture->format); i++) {
        size_t stride = padded(dfy_plane_row_bytes(picture, i));
        picture->stride_bytes[i] = (ptrdiff_t)stride;
        if (offsets) offsets[i] = total;
        total += stride * (size_t)dfy_plane_rows(picture, i);
    }
    return total + DFY_ROW_ALIGNMENT;
}

static int in_range(DfyPixelFormat format, int width, int height) {
    return width >= 1 && height >= 1 && width <= DFY_MAX_DIMENSION && height <= DFY_MAX_DIMENSION &&
           (format == DFY_PIXELS_I420 || format == DFY_PIXELS_RGB || format == DFY_PIXELS_RGBA);
}

size_t dfy_picture_bytes(DfyPixelFormat format, int width, int height) {
    if (!in_range(format, width, height)) return 0;
    DfyPicture picture = {.format = format, .width = width, .height = height};
    return lay_out(&picture, NULL);
}

int dfy_picture_alloc(DfyPicture *picture, DfyPixelFormat format, int width, int height) {
    *picture = (DfyPicture){0};
    if (!in_range(format, width, height)) return DFY_ERROR_ARGUMENT;
    DfyPicture made = {.format = format, .width = width, .height = height, .matrix = DFY_MATRIX_UNKNOWN};
    size_t offsets[3];
    size_t total = lay_out(&made, offsets);
    uint8_t *pixels = calloc(1, total);
    if (!pixels) return DFY_ERROR_MEMORY;
    for (int i = 0; i < dfy_plane_count(format); i++) made.plane[i] = pixels + offsets[i];
    *picture = made;
    return DFY_OK;
}

void dfy_picture_free(DfyPicture *picture) {
    free(dfy_picture_pixels(picture, 0));
    *picture = (DfyPicture){0};
}

void dfy_picture_copy(DfyPicture *dst, const DfyPicture *src) {
    for (int i = 0; i < dfy_plane_count(src->format); i++) {
        size_t bytes = dfy_plane_row_bytes(src, i);
        for (int y = 0; y < dfy_plane_rows(src, i); y++)
            memcpy(dfy_picture_pixels(dst, i) + y * dst->stride_bytes[i], src->plane[i] + y * src->stride_bytes[i],
                   bytes);
    }
    dst->pts = src->pts;
    dst->matrix = src->matrix;
    dst->range = src->range;
}
