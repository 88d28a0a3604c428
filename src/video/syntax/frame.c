#include "video/syntax/frame.h"

#include <stdlib.h>
#include <string.h>

#include "diffy.h"

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
    frame->memory_bytes = total;
    frame->memory = malloc(total + 32); /* SIMD loads may read a little past the last row */
    frame->motion = calloc((size_t)frame->motion_stride * (size_t)(coded[1] / 8), sizeof *frame->motion);
    if (!frame->memory || !frame->motion) {
        dfy_frame_free(frame);
        return NULL;
    }
    memset(frame->memory, 128, total + 32);
    for (int p = 0; p < 3; p++) frame->plane[p].pixels = frame->memory + offsets[p];
    return frame;
}

void dfy_frame_free(DfyFrame *frame) {
    if (!frame) return;
    free(frame->memory);
    free(frame->motion);
    free(frame->origins);
    free(frame->thumbnail);
    free(frame);
}

static void extend(DfyFrame *frame, int luma_border) {
    for (int p = 0; p < 3; p++) {
        DfyPlane *plane = &frame->plane[p];
        int border = p ? luma_border / 2 : luma_border;
        for (int y = 0; y < plane->height; y++) {
            uint8_t *row = plane->pixels + y * plane->stride;
            memset(row - border, row[0], (size_t)border);
            memset(row + plane->width, row[plane->width - 1], (size_t)border);
        }
        size_t bytes = (size_t)(plane->width + 2 * border);
        uint8_t *first = plane->pixels - border, *last = first + (plane->height - 1) * plane->stride;
        for (int y = 1; y <= border; y++) {
            memcpy(first - y * plane->stride, first, bytes);
            memcpy(last + y * plane->stride, last, bytes);
        }
    }
}

void dfy_frame_extend(DfyFrame *frame) {
    extend(frame, DFY_FRAME_BORDER);
}

void dfy_frame_extend_near(DfyFrame *frame) {
    extend(frame, DFY_FRAME_NEAR);
}

void dfy_frame_copy(DfyFrame *dst, const DfyFrame *src) {
    memcpy(dst->memory, src->memory, src->memory_bytes);
}

int dfy_frame_make_thumbnail(DfyFrame *frame) {
    const DfyPlane *p = &frame->plane[0];
    if (!frame->thumbnail) frame->thumbnail = malloc((size_t)(p->width / 8) * (size_t)(p->height / 8));
    if (!frame->thumbnail) return DFY_ERROR_MEMORY;
    uint8_t *out = frame->thumbnail;
    for (int y = 0; y < p->height; y += 8)
        for (int x = 0; x < p->width; x += 8) {
            unsigned sum = 32;
            for (int j = 0; j < 8; j++)
                for (int i = 0; i < 8; i++) sum += p->pixels[(y + j) * p->stride + x + i];
            *out++ = (uint8_t)(sum >> 6);
        }
    return DFY_OK;
}

int dfy_frame_same(const DfyFrame *a, const DfyFrame *b) {
    for (int p = 0; p < 3; p++)
        for (int y = 0; y < a->plane[p].height; y++)
            if (memcmp(a->plane[p].pixels + y * a->plane[p].stride, b->plane[p].pixels + y * b->plane[p].stride,
                       (size_t)a->plane[p].width))
                return 0;
    return 1;
}
