#include "video/encode/write/frame_input.h"

#include <string.h>

#include "base/numbers.h"
#include "base/picture.h"
#include "base/status.h"

/* Rows of a plane as they are given, its last column and row repeated out to the coded size. */
typedef struct Rows {
    const uint8_t *pixels;
    ptrdiff_t stride;
    int width, height;
} Rows;

static Rows rows_of(const DfyPicture *picture, int plane) {
    return (Rows){picture->plane[plane], picture->stride_bytes[plane],
                  plane ? dfy_chroma_size(picture->width) : picture->width,
                  plane ? dfy_chroma_size(picture->height) : picture->height};
}

static void fill_rows(const DfyPlane *plane, const Rows *rows, int from, int to) {
    for (int y = from; y < to; y++) {
        uint8_t *row = plane->pixels + y * plane->stride;
        if (y >= rows->height) {
            memcpy(row, row - plane->stride, (size_t)plane->width);
            continue;
        }
        memcpy(row, rows->pixels + y * rows->stride, (size_t)rows->width);
        memset(row + rows->width, row[rows->width - 1], (size_t)(plane->width - rows->width));
    }
}

/* Luma a row of tiles at a time, which is reduced before it has left the cache. */
static void fill_luma(DfyFrame *frame, const DfyPicture *picture, const DfyFrame *before) {
    Rows rows = rows_of(picture, 0);
    for (int row = 0; row < frame->tile_rows; row++) {
        fill_rows(&frame->plane[0], &rows, row * 64, dfy_min(row * 64 + 64, frame->plane[0].height));
        dfy_pyramid_add_row(frame, row, before);
    }
    dfy_pyramid_end(frame);
}

/* I420, which a picture of another format is converted to; NULL without memory. */
static const DfyPicture *to_i420(DfyFrameInput *input, const DfyPicture *picture) {
    DfyPicture *converted = &input->converted;
    if (picture->format == DFY_PIXELS_I420) return picture;
    if (!converted->plane[0] && dfy_picture_alloc(converted, DFY_PIXELS_I420, picture->width, picture->height))
        return NULL;
    converted->matrix = input->matrix;
    converted->range = input->range;
    dfy_picture_convert(converted, picture);
    return converted;
}

int dfy_frame_input_fill(DfyFrameInput *input, DfyFrame *frame, const DfyPicture *picture, const DfyFrame *before) {
    picture = to_i420(input, picture);
    if (!picture || dfy_pyramid_begin(frame)) return DFY_ERROR_MEMORY;
    fill_luma(frame, picture, before);
    for (int p = 1; p < 3; p++) {
        Rows rows = rows_of(picture, p);
        fill_rows(&frame->plane[p], &rows, 0, frame->plane[p].height);
    }
    return DFY_OK;
}

void dfy_frame_input_close(DfyFrameInput *input) {
    dfy_picture_free(&input->converted);
}
