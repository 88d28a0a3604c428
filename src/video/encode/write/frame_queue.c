#include "video/encode/write/frame_queue.h"

#include <string.h>

#include "video/encode/lookahead/pyramid.h"

const DfyFrame *dfy_frame_queue_newest(const DfyFrameQueue *q) {
    return q->count ? q->frames[q->count - 1] : q->last;
}

void dfy_frame_queue_push(DfyFrameQueue *q, DfyFrame *frame, int64_t pts, DfyOrientation turned) {
    const DfyFrame *before = dfy_frame_queue_newest(q);
    q->pts[q->count] = pts;
    q->turned[q->count] = turned;
    q->repeats[q->count] = before && dfy_same_source(before, frame);
    q->frames[q->count++] = frame;
}

void dfy_frame_queue_leave(DfyFrameQueue *q, int frames, int64_t *pts) {
    memcpy(pts, q->pts, (size_t)frames * sizeof *pts);
    for (int i = 0; i < frames; i++) dfy_video_encoder_give_back(q->encoder, q->frames[i]);
    q->count -= frames;
    memmove(q->frames, q->frames + frames, (size_t)q->count * sizeof *q->frames);
    memmove(q->pts, q->pts + frames, (size_t)q->count * sizeof *q->pts);
    memmove(q->turned, q->turned + frames, (size_t)q->count * sizeof *q->turned);
    memmove(q->repeats, q->repeats + frames, (size_t)q->count);
}

void dfy_frame_queue_coded(DfyFrameQueue *q, int frames, int64_t *pts) {
    dfy_video_encoder_give_back(q->encoder, q->last);
    q->last = q->frames[frames - 1];
    q->frames[frames - 1] = NULL;
    dfy_frame_queue_leave(q, frames, pts);
}

void dfy_frame_queue_close(DfyFrameQueue *q) {
    for (int i = 0; i < q->count; i++) dfy_video_encoder_give_back(q->encoder, q->frames[i]);
    dfy_video_encoder_give_back(q->encoder, q->last);
}

int dfy_frame_queue_is_still(const DfyFrameQueue *q) {
    for (int i = 1; i < q->count; i++)
        if (!q->repeats[i]) return 0;
    return 1;
}

int dfy_frame_queue_repeats(const DfyFrameQueue *q, int most) {
    int count = 0;
    while (count < most && q->repeats[count]) count++;
    return count;
}
