#include "video/syntax/frame.h"

#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"
#include "video/syntax/tiles.h"

DfyFrame *dfy_frame_new(int width, int height) {
    DfyFrame *frame = calloc(1, sizeof *frame);
    if (!frame) return NULL;
    int coded[2] = {dfy_coded_size(width), dfy_coded_size(height)};
    size_t offsets[3], total = 0;
    for (int p = 0; p < 3; p++) {
        DfyPlane *plane = &frame->plane[p];
        int border = p ? DFY_FRAME_BORDER / 2 : DFY_FRAME_BORDER;
        plane->width = coded[0] >> (p > 0);
        plane->height = coded[1] >> (p > 0);
        plane->stride = (plane->width + 2 * border + 15) & ~15;
        offsets[p] = total + (size_t)border * (size_t)plane->stride + (size_t)border;
        total += (size_t)plane->stride * (size_t)(plane->height + 2 * border);
    }
    frame->motion_stride = coded[0] / 8;
    frame->tile_columns = (coded[0] + 63) / 64;
    frame->tile_rows = (coded[1] + 63) / 64;
    size_t tiles = (size_t)frame->tile_columns * (size_t)frame->tile_rows;
    frame->tiles = calloc(tiles, sizeof *frame->tiles);
    frame->pages_bytes = total;
    /* SIMD loads may read a little past the last row. All else is written before it is read. */
    int status = dfy_pages_new(&frame->pages, total + 32);
    frame->motion = calloc((size_t)frame->motion_stride * (size_t)(coded[1] / 8), sizeof *frame->motion);
    if (status || !frame->motion || !frame->tiles) {
        dfy_frame_free(frame);
        return NULL;
    }
    for (int p = 0; p < 3; p++) frame->plane[p].pixels = frame->pages.bytes + offsets[p];
    return frame;
}

void dfy_frame_free(DfyFrame *frame) {
    if (!frame) return;
    dfy_pages_free(&frame->pages);
    free(frame->motion);
    free(frame->tiles);
    free(frame->origins);
    free(frame->state);
    free(frame->pyramid);
    free(frame);
}

void dfy_frame_extend(DfyFrame *frame) {
    for (int row = 0; row < frame->tile_rows; row++)
        for (int column = 0; column < frame->tile_columns; column++)
            dfy_extend_tile(frame, column, row, DFY_FRAME_BORDER);
}

void dfy_frame_copy(DfyFrame *dst, const DfyFrame *src) {
    size_t tiles = (size_t)src->tile_columns * (size_t)src->tile_rows;
    memcpy(dst->pages.bytes, src->pages.bytes, src->pages_bytes);
    memcpy(dst->tiles, src->tiles, tiles * sizeof *dst->tiles);
}

int dfy_frame_same(const DfyFrame *a, const DfyFrame *b) {
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < a->plane[p].height; y++)
            if (memcmp(a->plane[p].pixels + y * a->plane[p].stride, b->plane[p].pixels + y * b->plane[p].stride,
                       (size_t)a->plane[p].width))
                return 0;
    return 1;
}
