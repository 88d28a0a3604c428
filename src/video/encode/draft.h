/*
 * A picture on its way from its source to the code: first decided, then written. Pictures that don't refer to each
 * other are decided side by side, which keeps all threads busy where only a few rows of a picture move.
 */
#ifndef DFY_VIDEO_DRAFT_H
#define DFY_VIDEO_DRAFT_H

#include "base/pool.h"
#include "video/encode/decide.h"
#include "video/syntax/group.h"

typedef struct DfyDraft {
    DfyPictureCoding picture; /* references, class and qp are set by the caller */
    DfyPictureHeader header;
    const DfyFrame *source;
    uint8_t *qps;                      /* four a superblock: quantisers of its 32x32 squares */
    DfyPlan *plans;                    /* a superblock each */
    int16_t *coefficients;             /* of all plans */
    int *progress;                     /* superblocks decided, a row */
    int number;                        /* of the picture in its group; 0: the draft is free */
    DfyFrame *lit[DFY_MAX_REFERENCES]; /* while it is decided: references under another light, NULL: as they are */
    const DfyFrame *plain[DFY_MAX_REFERENCES]; /* those as they are */
} DfyDraft;

/* Bytes that dfy_draft_open takes, about. */
size_t dfy_draft_bytes(int width, int height);
/* For pictures of that size whose rates come from `contexts`. 0 or DFY_ERROR_MEMORY, after which it is closed. */
int dfy_draft_open(DfyDraft *draft, int width, int height, DfyContexts *contexts);
void dfy_draft_close(DfyDraft *draft);

/* One quantiser for the whole picture. */
void dfy_draft_set_qp(DfyDraft *draft, int qp);

/*
 * Decides drafts after their sources, into frames[i]; scratch[i] is another frame of that size. deciders: one a thread
 * of the pool.
 */
void dfy_drafts_decide(DfyDraft *const *drafts, DfyFrame *const *frames, DfyFrame *const *scratch, int count,
                       DfyPool *pool, DfyDecider *const *deciders, const DfyEffort *effort);

/* Whether every block stands still on the first reference: the picture is its copy. */
int dfy_draft_is_copy(const DfyDraft *draft);

/* Writes the blocks as decided. */
void dfy_draft_write(DfyDraft *draft, DfyRangeCoder *coder);

#endif
