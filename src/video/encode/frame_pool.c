#include "video/encode/frame_pool.h"

#include "video/syntax/tiles.h"

/* Takes the spare frame at that place, a new one where it is negative. Called locked, for it unlocks. */
static DfyFrame *take_at(DfyFramePool *pool, int place) {
    DfyFrame *frame = place < 0 ? dfy_coded_frame_new(pool->width, pool->height) : pool->spare[place];
    if (place >= 0) pool->spare[place] = pool->spare[--pool->count];
    if (frame) frame->users = 1;
    dfy_pool_unlock(pool->threads);
    return frame;
}

DfyFrame *dfy_frame_pool_take_like(DfyFramePool *pool, const DfyFrame *like) {
    dfy_pool_lock(pool->threads);
    return take_at(pool, dfy_most_alike(pool->spare, pool->count, like));
}

DfyFrame *dfy_frame_pool_take(DfyFramePool *pool) {
    dfy_pool_lock(pool->threads);
    int least = pool->count - 1; /* one that never was a decoded picture, if there is */
    for (int i = pool->count - 1; i >= 0; i--)
        if (!pool->spare[i]->tiles[0]) least = i;
    DfyFrame *frame = take_at(pool, least);
    if (frame) dfy_forget_tiles(frame);
    return frame;
}

DfyFrame *dfy_frame_pool_share(DfyFramePool *pool, DfyFrame *frame) {
    dfy_pool_lock(pool->threads);
    frame->users++;
    dfy_pool_unlock(pool->threads);
    return frame;
}

void dfy_frame_pool_give_back(DfyFramePool *pool, DfyFrame *frame) {
    if (!frame) return;
    dfy_pool_lock(pool->threads);
    int unused = --frame->users <= 0, has_room = pool->count < (int)(sizeof pool->spare / sizeof *pool->spare);
    if (unused && has_room) pool->spare[pool->count++] = frame;
    dfy_pool_unlock(pool->threads);
    if (unused && !has_room) dfy_frame_free(frame);
}

void dfy_frame_pool_close(DfyFramePool *pool) {
    while (pool->count) dfy_frame_free(pool->spare[--pool->count]);
}
