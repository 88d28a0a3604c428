/* Frames that wait to be coded, and the last one that was. */
#ifndef DFY_VIDEO_FRAME_QUEUE_H
#define DFY_VIDEO_FRAME_QUEUE_H

#include "video/encode/encoder.h"
#include "video/encode/write/limits.h"

typedef struct DfyFrameQueue {
    DfyVideoEncoder *encoder; /* borrowed: the frames are its */
    DfyFrame *frames[DFY_LOOK_AHEAD + 1];
    int64_t pts[DFY_LOOK_AHEAD + 1];
    DfyOrientation turned[DFY_LOOK_AHEAD + 1]; /* the camera, where that is known */
    uint8_t repeats[DFY_LOOK_AHEAD + 1];       /* the source is that of the frame before once more */
    int count;
    DfyFrame *last; /* the last frame coded, NULL before the first */
} DfyFrameQueue;

void dfy_frame_queue_push(DfyFrameQueue *queue, DfyFrame *frame, int64_t pts, DfyOrientation turned);
/* The frame that came last, NULL: none, or it is gone. */
const DfyFrame *dfy_frame_queue_newest(const DfyFrameQueue *queue);
/* Takes the first `frames` off the queue; their times go to pts. */
void dfy_frame_queue_leave(DfyFrameQueue *queue, int frames, int64_t *pts);
/* The same for frames that were coded: the last of them is the queue's last from now on. */
void dfy_frame_queue_coded(DfyFrameQueue *queue, int frames, int64_t *pts);
void dfy_frame_queue_close(DfyFrameQueue *queue);

/* Whether every frame is the one before once more. */
int dfy_frame_queue_is_still(const DfyFrameQueue *queue);
/* Of the first `most` frames those that repeat the last one coded. */
int dfy_frame_queue_repeats(const DfyFrameQueue *queue, int most);

#endif
