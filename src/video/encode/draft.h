/* A picture on its way from its source to the code: decided row by row, filtered, and written at last. */
#ifndef DFY_VIDEO_DRAFT_H
#define DFY_VIDEO_DRAFT_H

#include "base/pool.h"
#include "video/encode/decide.h"
#include "video/syntax/group.h"

typedef struct DfyDraft {
    DfyPictureCoding picture; /* references, class and qp are set by the caller */
    DfyPictureHeader header;
    const DfyFrame *source;
    DfyLevelRates rates[2][2]; /* luma or chroma; inter or intra */
    uint8_t *qps;              /* four a superblock: quantisers of its 32x32 squares */
    DfyPlan *plans;            /* a superblock each */
    int16_t *coefficients;     /* of all plans */
    int *progress;             /* superblocks decided, a row */
    int taken;                 /* by a picture */
    DfyLitReferences lit;      /* while it is decided */
} DfyDraft;

/* Bytes that dfy_draft_open takes, about. */
size_t dfy_draft_bytes(int width, int height);
/* For pictures of that size. 0 or DFY_ERROR_MEMORY, after which it is closed. */
int dfy_draft_open(DfyDraft *draft, int width, int height);
void dfy_draft_close(DfyDraft *draft);

/* One quantiser for the whole picture. */
void dfy_draft_set_qp(DfyDraft *draft, int qp);

/* Before its rows are decided: frame takes the picture, contexts (to stay until all are) tell its rates. */
void dfy_draft_begin(DfyDraft *draft, DfyFrame *frame, DfyContexts *contexts);

/*
 * Decides one row of superblocks, two behind the row above, which another thread of the pool may be at. decider: of
 * this thread.
 */
void dfy_draft_decide_row(DfyDraft *draft, int row, DfyPool *pool, DfyDecider *decider, const DfyEffort *effort);

/* Filters the frame once all rows are decided; scratch is another frame of that size. */
void dfy_draft_filter(DfyDraft *draft, DfyFrame *scratch);

/* All of that for one picture, on all threads. deciders: one a thread. */
void dfy_draft_decide(DfyDraft *draft, DfyFrame *scratch, DfyPool *pool, DfyDecider *const *deciders,
                      const DfyEffort *effort);

/* Whether every block stands still on the first reference: the picture is its copy. */
int dfy_draft_is_copy(const DfyDraft *draft);

/* Writes the blocks as decided, by the models in contexts. */
void dfy_draft_write(DfyDraft *draft, DfyRangeCoder *coder, DfyContexts *contexts);

#endif
