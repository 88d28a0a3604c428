/* When coded frames become the long-term reference set, and what the next group takes from it. */
#ifndef DFY_VIDEO_LONG_TERM_USE_H
#define DFY_VIDEO_LONG_TERM_USE_H

#include "video/encode/lookahead/long_term.h"
#include "video/encode/write/frame_queue.h"

typedef struct DfyLongTermUse {
    DfyLongTermSet *set;      /* NULL: none is made */
    DfyVideoEncoder *encoder; /* borrowed, as the queue */
    const DfyFrameQueue *queue;
    int layers;            /* of groups at the most: see dfy_most_layers */
    uint64_t unlike, gain; /* of the pictures since the access point: see DfyLongTermMatch */
    int access_points;     /* since it is in use */
} DfyLongTermUse;

/* Whether groups refer to it. */
static inline int dfy_long_term_in_use(const DfyLongTermUse *use) {
    return use->set && dfy_long_term_is_closed(use->set);
}

/* What so many frames cost to seek, in frames without a set. */
uint64_t dfy_long_term_seeking(const DfyLongTermUse *use, uint64_t frames);

/* A random access point: a set stays where it is of use, else what is coded from `first` on may become another. */
int dfy_long_term_use_begin_run(DfyLongTermUse *use, uint64_t first);

/*
 * Before a group of the queue's first `frames` is coded: notes them, or lends them what they may refer to. before: the
 * frame before the queue, NULL at a random access point. 0 or DFY_ERROR_MEMORY.
 */
int dfy_long_term_use_begin_group(DfyLongTermUse *use, int frames, const DfyFrame *before);

/*
 * Whether the frames since the access point are to be the set, since the queue's first `frames` go through them once
 * more, and do so from their beginning, or the first cycle would not be whole. What is alike here and there costs a
 * reader more than it saves. They are to be written before dfy_long_term_use_close.
 */
int dfy_long_term_use_pays(DfyLongTermUse *use, int frames, const DfyFrame *before);
void dfy_long_term_use_close(DfyLongTermUse *use);

#endif
