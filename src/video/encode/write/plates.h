/* When there is to be a new plate, and how fine it is. */
#ifndef DFY_VIDEO_PLATES_H
#define DFY_VIDEO_PLATES_H

#include "video/encode/write/frame_queue.h"
#include "video/encode/write/segments.h"

typedef struct DfyPlates {
    DfyVideoEncoder *encoder; /* borrowed, as the queue and the segments */
    const DfyFrameQueue *queue;
    DfySegments *segments;
    int random_access;      /* anchors stand alone but for the plate */
    unsigned access_points; /* since the last plate */
    int of_still;           /* the last plate was made where nothing changed */
} DfyPlates;

/*
 * A plate of the frames in the queue, whether it is used or not; the encoder's. frames: coded so far. *useful: whether
 * the view is still enough for one. NULL without memory.
 */
DfyFrame *dfy_plates_build(const DfyPlates *plates, uint64_t frames, int *useful);

/* A plate's quantiser below the groups'. */
int dfy_plates_finer(const DfyPlates *plates);

/* Whether a random access point is one at which a new plate may be written; counts it. */
int dfy_plates_due(DfyPlates *plates);
/* Whether what is now seen is so far from the plate in force that a new one is worth its bytes; qp: the groups'. */
int dfy_plates_is_stale(const DfyPlates *plates, const DfyFrame *now, int qp);
/* Whether the next frame is what the plate was made of: whatever quantising left out was not worth coding. */
int dfy_plates_show_next(const DfyPlates *plates, int qp);

/*
 * Writes one that was coded before, where the frames in the queue show it; *taken: whether they do. 0 or a negative
 * status with a sentence.
 */
int dfy_plates_write_coded(DfyPlates *plates, const DfyBuffer *coded, int *taken);

/* Codes a plate and writes it. 0 or a negative status with a sentence. */
int dfy_plates_write(DfyPlates *plates, const DfyFrame *plate, int qp);

#endif
