#include "video/encode/kept_anchors.h"

#include <stdlib.h>
#include <string.h>

#include "diffy/diffy.h"
#include "video/encode/lookahead/pyramid.h"

int dfy_kept_anchors_open(DfyKeptAnchors *a, int width, int height, int most) {
    a->most = most;
    a->means = (size_t)(dfy_coded_size(width) / 8) * (size_t)(dfy_coded_size(height) / 8);
    for (int i = 0; i < most; i++)
        if (!(a->shown[i] = malloc(a->means))) return DFY_ERROR_MEMORY;
    return DFY_OK;
}

void dfy_kept_anchors_close(DfyKeptAnchors *a) {
    for (int i = 0; i < DFY_MAX_ANCHORS; i++) free(a->shown[i]);
}

void dfy_keep_anchor(DfyKeptAnchors *a, DfyFramePool *pool, DfyFrame *anchor, const DfyFrame *source) {
    if (a->count == a->most) {
        uint8_t *free_one = a->shown[0]; /* what they showed moves with their anchors */
        size_t left = (size_t)--a->count;
        dfy_frame_pool_give_back(pool, a->frames[0]);
        memmove(a->frames, a->frames + 1, left * sizeof *a->frames);
        memmove(a->order, a->order + 1, left * sizeof *a->order);
        memmove(a->shown, a->shown + 1, left * sizeof *a->shown);
        a->shown[left] = free_one;
    }
    int last = a->count++;
    a->frames[last] = anchor;
    a->order[last] = anchor->order;
    memcpy(a->shown[last], source->pyramid->eighths, a->means);
}

void dfy_forget_anchors(DfyKeptAnchors *a, DfyFramePool *pool) {
    while (a->count) dfy_frame_pool_give_back(pool, a->frames[--a->count]);
}

static uint64_t unlike(const DfyKeptAnchors *anchors, const uint8_t *a, const uint8_t *b) {
    int64_t sum;
    return dfy_squared_differences(a, b, anchors->means, &sum);
}

uint64_t dfy_unlike_sources(const DfyKeptAnchors *anchors, const DfyFrame *a, const DfyFrame *b) {
    return unlike(anchors, a->pyramid->eighths, b->pyramid->eighths);
}

int dfy_most_alike_anchor(const DfyKeptAnchors *a, const DfyFrame *source, uint64_t *least) {
    int found = 0;
    *least = UINT64_MAX;
    for (int i = 0; i < a->count - 1; i++) {
        uint64_t distance = unlike(a, source->pyramid->eighths, a->shown[i]);
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
