#include "video/encode/write/frame_input.h"

#include <string.h>

#include "base/picture.h"
#include "base/status.h"

/* Copies a plane and repeats its last column and row out to the coded size. */
static void fill_plane(DfyPlane *plane, const uint8_t *pixels, ptrdiff_t stride, int width, int height) {
    for (int y = 0; y < plane->height; y++) {
        uint8_t *row = plane->pixels + y * plane->stride;
        if (y >= height) {
            memcpy(row, row - plane->stride, (size_t)plane->width);
            continue;
        }
        memcpy(row, pixels + y * stride, (size_t)width);
        memset(row + width, row[width - 1], (size_t)(plane->width - width));
    }
}

int dfy_frame_input_fill(DfyFrameInput *input, DfyFrame *frame, const DfyPicture *picture) {
    if (picture->format != DFY_PIXELS_I420) {
        DfyPicture *converted = &input->converted;
        if (!converted->plane[0] && dfy_picture_alloc(converted, DFY_PIXELS_I420, picture->width, picture->height))
            return DFY_ERROR_MEMORY;
        converted->matrix = input->matrix;
        converted->range = input->range;
        dfy_picture_convert(converted, picture);
        picture = converted;
    }
    for (int p = 0; p < 3; p++)
        fill_plane(&frame->plane[p], picture->plane[p], picture->stride_bytes[p],
                   p ? dfy_chroma_size(picture->width) : picture->width,
                   p ? dfy_chroma_size(picture->height) : picture->height);
    return dfy_frame_make_thumbnail(frame);
}

void dfy_frame_input_close(DfyFrameInput *input) {
    dfy_picture_free(&input->converted);
}
