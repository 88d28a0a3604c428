/* A picture on its way from its source to the code: decided row by row, filtered, and written at last. */
#ifndef DFY_VIDEO_FRAME_TASK_H
#define DFY_VIDEO_FRAME_TASK_H

#include "base/pool.h"
#include "video/encode/decide/superblock.h"
#include "video/syntax/mini_group.h"

typedef struct DfyFrameTask {
    DfyPictureCoding picture; /* references, class and qp are set by the caller */
    DfyPictureHeader header;
    int copy; /* it is its first reference once more */
    const DfyFrame *source;
    DfyLevelRates rates[2][2];      /* luma or chroma; inter or intra */
    uint8_t *qps;                   /* four a superblock: quantisers of its 32x32 blocks */
    DfyPlan *plans;                 /* a superblock each */
    int16_t *coefficients;          /* of all plans */
    int *progress;                  /* superblocks decided, a row */
    DfyContexts contexts;           /* the models that it begins with; once written, those it leaves */
    DfyRangeCoder coder;            /* its bytes */
    int taken;                      /* by a picture */
    DfyWeightedReferences weighted; /* while it is decided */
} DfyFrameTask;

/* Bytes that dfy_frame_task_open takes, about. */
size_t dfy_frame_task_bytes(int width, int height);
/* For pictures of that size. 0 or DFY_ERROR_MEMORY, after which it is closed. */
int dfy_frame_task_open(DfyFrameTask *task, int width, int height);
void dfy_frame_task_close(DfyFrameTask *task);

/* One quantiser for the whole picture. */
void dfy_frame_task_set_qp(DfyFrameTask *task, int qp);

/* Before its rows are decided: frame takes the picture, and it begins with those models (NULL: new ones). */
void dfy_frame_task_begin(DfyFrameTask *task, DfyFrame *frame, const DfyContexts *models);

/*
 * Decides one row of superblocks, two behind the row above, which another thread of the pool may be at. decider: of
 * this thread.
 */
void dfy_frame_task_decide_row(DfyFrameTask *task, int row, DfyPool *pool, DfyDecider *decider,
                               const DfyEffort *effort);

/* Filters the frame once all rows are decided; scratch is another frame of that size. */
void dfy_frame_task_filter(DfyFrameTask *task, DfyFrame *scratch, const DfyEffort *effort);

/* All of that for one picture, on all threads. deciders: one a thread. */
void dfy_frame_task_decide(DfyFrameTask *task, DfyFrame *scratch, DfyPool *pool, DfyDecider *const *deciders,
                           const DfyEffort *effort);

/* Whether every block stands still on the first reference: the picture is its copy. */
int dfy_frame_task_is_copy(const DfyFrameTask *task);

/* Writes the blocks as decided, behind what was written before. */
void dfy_frame_task_write(DfyFrameTask *task);

#endif
