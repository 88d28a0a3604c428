#include "video/encode/kept_anchors.h"

#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"

int dfy_kept_anchors_open(DfyKeptAnchors *a, int width, int height, int most) {
    a->most = most;
    a->thumbnail_bytes = (size_t)(dfy_coded_size(width) / 8) * (size_t)(dfy_coded_size(height) / 8);
    for (int i = 0; i < most; i++)
        if (!(a->thumbnails[i] = malloc(a->thumbnail_bytes))) return DFY_ERROR_MEMORY;
    return DFY_OK;
}

void dfy_kept_anchors_close(DfyKeptAnchors *a) {
    for (int i = 0; i < DFY_MAX_ANCHORS; i++) free(a->thumbnails[i]);
}

void dfy_keep_anchor(DfyKeptAnchors *a, DfyFramePool *pool, DfyFrame *anchor, const DfyFrame *source) {
    if (a->count == a->most) {
        uint8_t *free_one = a->thumbnails[0]; /* the thumbnails move with their anchors */
        size_t left = (size_t)--a->count;
        dfy_frame_pool_give_back(pool, a->frames[0]);
        memmove(a->frames, a->frames + 1, left * sizeof *a->frames);
        memmove(a->order, a->order + 1, left * sizeof *a->order);
        memmove(a->thumbnails, a->thumbnails + 1, left * sizeof *a->thumbnails);
        a->thumbnails[left] = free_one;
    }
    int last = a->count++;
    a->frames[last] = anchor;
    a->order[last] = anchor->order;
    memcpy(a->thumbnails[last], source->thumbnail, a->thumbnail_bytes);
}

void dfy_forget_anchors(DfyKeptAnchors *a, DfyFramePool *pool) {
    while (a->count) dfy_frame_pool_give_back(pool, a->frames[--a->count]);
}

static uint64_t unlike(const DfyKeptAnchors *anchors, const uint8_t *a, const uint8_t *b) {
    uint64_t sum = 0;
    for (size_t i = 0; i < anchors->thumbnail_bytes; i++) sum += (uint64_t)((a[i] - b[i]) * (a[i] - b[i]));
    return sum;
}

uint64_t dfy_unlike_sources(const DfyKeptAnchors *anchors, const DfyFrame *a, const DfyFrame *b) {
    return unlike(anchors, a->thumbnail, b->thumbnail);
}

int dfy_most_alike_anchor(const DfyKeptAnchors *a, const DfyFrame *source, uint64_t *least) {
    int found = 0;
    *least = UINT64_MAX;
    for (int i = 0; i < a->count - 1; i++) {
        uint64_t distance = unlike(a, source->thumbnail, a->thumbnails[i]);
        if (distance >= *least) continue;
        *least = distance;
        found = a->count - i;
    }
    return found;
}

DfyReference dfy_last_anchor(const DfyKeptAnchors *a) {
    int last = a->count - 1;
    return last < 0 ? (DfyReference){NULL, 0} : (DfyReference){a->frames[last], a->order[last]};
}
