/* Frames of one size that nobody uses at the moment, for all threads. */
#ifndef DFY_VIDEO_FRAME_POOL_H
#define DFY_VIDEO_FRAME_POOL_H

#include "base/pool.h"
#include "video/syntax/mini_group.h"

typedef struct DfyFramePool {
    DfyPool *threads; /* borrowed: its lock */
    int width, height;
    DfyFrame *spare[DFY_MAX_ANCHORS + DFY_MAX_MINI_GROUP + 80];
    int count;
} DfyFramePool;

/* A frame that one user holds, to be filled with pixels nobody keeps account of; NULL when there is no memory. */
DfyFrame *dfy_frame_pool_take(DfyFramePool *pool);
/* The same for a picture that is much like another (NULL: none): one that shows as many of its tiles as there is. */
DfyFrame *dfy_frame_pool_take_like(DfyFramePool *pool, const DfyFrame *like);
/* One user more, who gives the frame back too. */
DfyFrame *dfy_frame_pool_share(DfyFramePool *pool, DfyFrame *frame);
/* One user less (of NULL, of none). Once there is none the frame may be taken. */
void dfy_frame_pool_give_back(DfyFramePool *pool, DfyFrame *frame);
/* Frees those that nobody uses. */
void dfy_frame_pool_close(DfyFramePool *pool);

#endif
