/* What the parts of the encoder of a video stream share: its settings, its threads, and the pictures it holds. */
#ifndef DFY_VIDEO_ENCODER_STATE_H
#define DFY_VIDEO_ENCODER_STATE_H

#include "video/encode/camera_turns.h"
#include "video/encode/encoder.h"
#include "video/encode/frame_task.h"
#include "video/encode/kept_anchors.h"
#include "video/encode/lookahead/propagation.h"

#define DFY_MOST_THREADS 16
#define DFY_MOST_TASKS 8 /* pictures decided at once and waiting to be written */
#define DFY_MEASURED 3   /* pictures of a group whose noise is measured */

/* The long-term set: what groups may refer to of it. */
typedef struct DfyLentFrames {
    int32_t index[DFY_MAX_MINI_GROUP + 1];    /* of what is lent to the next group, by number; -1: nothing */
    DfyFrame *frames[DFY_MAX_MINI_GROUP + 1]; /* by number: decoded, while a picture refers to it */
    int count;                                /* frames of the set, 0: there is none */
    DfyLongTermSource source;
    int fetches, fetched; /* begun, and ended: one at a time */
} DfyLentFrames;

struct DfyVideoEncoder {
    int width, height;
    int layers; /* of mini-groups besides the anchor's, at the most; 0: not limited, and anchors have a past */
    DfyEffort effort;
    DfyPool *pool;
    DfyDecider *deciders[DFY_MOST_THREADS];
    DfyFramePool frames;
    DfyFrameTask tasks[DFY_MOST_TASKS]; /* [0] is open always */
    int task_count;                     /* of them that may be opened */

    DfyFrame *plate; /* NULL: none */
    DfyKeptAnchors anchors;
    DfyFrame *group[DFY_MAX_MINI_GROUP + 1]; /* pictures by number; [0] is the last anchor, NULL at an access point */
    DfyLentFrames lent;
    int frame_number; /* place in time of the last anchor, in frames since the random access point */

    DfyFrame *anchor_source; /* the last anchor's source, NULL at an access point */
    DfyFrame *filtered;      /* the next anchor's source without its noise; NULL: it has none that was found */
    DfyPropagation *propagation;
    int moves_fast; /* the last group was short, since the view moves fast */
    DfyCameraTurns turns;

    DfyNoiseMeter *noise;                   /* borrowed, NULL: not measured */
    DfyNoiseSums measured[DFY_MEASURED][3]; /* of the group being coded */
};

#endif
