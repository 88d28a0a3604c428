/* Anchors since the random access point, which later pictures may refer to, and what their sources showed. */
#ifndef DFY_VIDEO_KEPT_ANCHORS_H
#define DFY_VIDEO_KEPT_ANCHORS_H

#include "video/encode/frame_pool.h"

typedef struct DfyKeptAnchors {
    DfyFrame *frames[DFY_MAX_ANCHORS]; /* the last `count` of them, oldest first */
    int32_t order[DFY_MAX_ANCHORS];    /* their places in time */
    uint8_t *shown[DFY_MAX_ANCHORS];   /* by their sources: means of 8x8 blocks of luma */
    size_t means;                      /* of a picture */
    int count, most;
} DfyKeptAnchors;

/* For as many at the most, of pictures of that size. 0 or DFY_ERROR_MEMORY; close in any case. */
int dfy_kept_anchors_open(DfyKeptAnchors *anchors, int width, int height, int most);
/* Its frames are given back first. */
void dfy_kept_anchors_close(DfyKeptAnchors *anchors);

/* Keeps an anchor, whose user it becomes, and gives back the oldest where there are too many. */
void dfy_keep_anchor(DfyKeptAnchors *anchors, DfyFramePool *pool, DfyFrame *anchor, const DfyFrame *source);
/* Gives back all. */
void dfy_forget_anchors(DfyKeptAnchors *anchors, DfyFramePool *pool);

/* How unlike two sources are: squared differences, so that a few blocks far apart weigh more than a shade over all. */
uint64_t dfy_unlike_sources(const DfyKeptAnchors *anchors, const DfyFrame *a, const DfyFrame *b);
/* The one before the last two that is most like a source: how many before the end (0: none), and how unlike it is. */
int dfy_most_alike_anchor(const DfyKeptAnchors *anchors, const DfyFrame *source, uint64_t *least);

/* The last anchor as a reference; its frame is NULL at a random access point. */
DfyReference dfy_last_anchor(const DfyKeptAnchors *anchors);

#endif
